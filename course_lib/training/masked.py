"""Masked language modelling: hide some tokens of a text and ask for them.

Letters: B = sequences, T = tokens, V = vocab_size.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.data.batches import PairBatch, TokenBatch
from course_lib.training.objectives import LossSum, device_of, padding_of
from course_lib.training.summed_loss import summed_cross_entropy

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
"""What becomes of a chosen token: the mask, a random token, or else itself."""


def mask_tokens(
    ids: Int[Tensor, "B T"],
    chosen: Bool[Tensor, "B T"],
    draws: Float[Tensor, "B T"],
    others: Int[Tensor, "B T"],
    mask_id: int,
) -> Int[Tensor, "B T"]:
    """Replace 80 % of the chosen tokens by the mask, 10 % by another token, and leave 10 %.

    Args:
        ids: The texts; left as they are.
        chosen: The tokens that will be asked for; no other changes.
        draws: A number between 0 and 1 for each place, below 0.8 for the mask, from there to below
            0.9 for another token.
        others: The token that comes in for a replaced one.
        mask_id: The token that hides another.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 3.1, https://arxiv.org/abs/1810.04805

    Example:
        >>> ids, others = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[1, 2, 3, 4]])
        >>> chosen = torch.tensor([[True, True, True, False]])
        >>> mask_tokens(ids, chosen, torch.tensor([[0.3, 0.85, 0.95, 0.1]]), others, mask_id=0)
        tensor([[0, 2, 7, 8]])
    """
    hidden = ids.masked_fill(chosen & (draws < MASK_SHARE), mask_id)
    replaced = chosen & (draws >= MASK_SHARE) & (draws < MASK_SHARE + RANDOM_SHARE)
    return torch.where(replaced, others, hidden)


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskedLM:
    """Predict chosen tokens from all others, on both sides.

    Which tokens are chosen is drawn anew each time a text is seen. Of the chosen ones 80 % are
    replaced by the mask, 10 % by a random token, and 10 % stay, because no text that the model
    reads later will contain masks.

    Attributes:
        mask_id: The token that hides another.
        vocab_size: Random tokens are drawn from the ids below it.
        special_ids: Tokens that are never chosen, such as those at the ends of a text.
        share: Chance that a token (or a whole word) is chosen (in (0, 1)).
        word_starts: True at the ids that begin a word; then all tokens of a word are chosen
            together. None: each token by itself.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 3.1 and appendix A.1, https://arxiv.org/abs/1810.04805. Unlike the
        paper, each token is chosen with that chance, not exactly that share of a text; and the
        choice is drawn anew as in Liu et al. 2019, "RoBERTa", section 4.1,
        https://arxiv.org/abs/1907.11692
    """

    mask_id: int
    vocab_size: int
    special_ids: tuple[int, ...] = ()
    share: float = 0.15
    word_starts: Bool[Tensor, " V"] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.mask_id < self.vocab_size:
            raise ValueError(
                f"mask_id must be an id below vocab_size={self.vocab_size}; "
                f"got mask_id={self.mask_id}."
            )
        if not 0 < self.share < 1:
            raise ValueError(f"share must be above 0 and below 1; got share={self.share}.")
        if self.word_starts is not None and self.word_starts.shape != (self.vocab_size,):
            raise ValueError(
                f"word_starts must have one entry per id, vocab_size={self.vocab_size}; "
                f"got the shape {tuple(self.word_starts.shape)}."
            )

    def __call__(
        self, model: nn.Module, batch: TokenBatch | PairBatch, generator: torch.Generator
    ) -> LossSum:
        """Sum the surprise at the chosen tokens; a pair is taken as `draw` made it."""
        pair = batch if isinstance(batch, PairBatch) else self.draw(batch, generator)
        (hidden, mask), (ids, chosen) = pair
        device = device_of(model)
        logits = model(hidden.to(device, non_blocking=True), padding_of(mask, device))
        targets = ids[chosen].to(device, non_blocking=True)
        total = summed_cross_entropy(logits[chosen.to(device, non_blocking=True)], targets)
        return LossSum(total, len(targets))

    def draw(self, batch: TokenBatch, generator: torch.Generator) -> PairBatch:
        """Choose tokens and hide them.

        Args:
            batch: The texts.
            generator: Where chance comes from.

        Returns:
            The texts as the model sees them, and as they are with the chosen tokens as mask.
        """
        chosen = self.choose(batch, generator)
        hidden = self.hide(batch.ids, chosen, generator)
        return PairBatch(TokenBatch(hidden, batch.mask), TokenBatch(batch.ids, chosen))

    def choose(self, batch: TokenBatch, generator: torch.Generator) -> Bool[Tensor, "B T"]:
        """Draw the tokens to ask for: neither padding nor special ones.

        Args:
            batch: The texts.
            generator: Where chance comes from.
        """
        ids, mask = batch
        draws = torch.rand(ids.shape, generator=generator)
        if self.word_starts is not None:
            # Word number n of a text takes the n-th draw, for all its tokens.
            starts = self.word_starts[ids]
            starts[:, 0] = True
            draws = draws.gather(1, starts.cumsum(dim=1) - 1)
        special = torch.isin(ids, torch.tensor(self.special_ids, dtype=ids.dtype))
        return (draws < self.share) & mask & ~special

    def hide(
        self, ids: Int[Tensor, "B T"], chosen: Bool[Tensor, "B T"], generator: torch.Generator
    ) -> Int[Tensor, "B T"]:
        """Replace most of the chosen tokens.

        Args:
            ids: The texts; left as they are.
            chosen: The tokens that will be asked for.
            generator: Where chance comes from.
        """
        draws = torch.rand(ids.shape, generator=generator)
        others = torch.randint(self.vocab_size, ids.shape, generator=generator)
        return mask_tokens(ids, chosen, draws, others, self.mask_id)
