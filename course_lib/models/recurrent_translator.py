"""Recurrent translators, before and after attention: one differs from the other in one place only.

Both read the source in both directions and write the target from left to right. The first hands one
vector from reader to writer, whatever the length of the text; the second lets the writer look back.

Letters: B = sentence pairs, S = source tokens, T = target tokens, E = 2 · d_hidden (the states of
both readers), V = target_vocab_size.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.nn import AdditiveAttention, TokenEmbedding, padding_mask


@dataclass(frozen=True, kw_only=True)
class RecurrentTranslatorConfig:
    """Settings of `RecurrentTranslator` and `AttendingTranslator`.

    Attributes:
        source_vocab_size: Number of tokens of the language read.
        target_vocab_size: Number of tokens of the language written.
        d_model: Length of the token vectors.
        d_hidden: Length of the state of each reading direction, of the writer's state, and of the
            hidden layer that scores attention.
    """

    source_vocab_size: int
    target_vocab_size: int
    d_model: int = 64
    d_hidden: int = 128

    def __post_init__(self) -> None:
        for name in ("source_vocab_size", "target_vocab_size", "d_model", "d_hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")


class BidirectionalEncoder(nn.Module):
    """Read a sentence from left to right and from right to left.

    Args:
        config: Settings of the translator.

    Attributes:
        embedding: Vectors of the source tokens.
        gru: The two readers.

    Reference:
        Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and
        Translate", section 3.2, https://arxiv.org/abs/1409.0473. Unlike the paper (and Cho et al.
        2014), the reset gate acts after the product with the state, as in torch's `GRU`.
    """

    def __init__(self, config: RecurrentTranslatorConfig) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(config.source_vocab_size, config.d_model)
        self.gru = nn.GRU(config.d_model, config.d_hidden, batch_first=True, bidirectional=True)

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"] | None = None
    ) -> tuple[Float[Tensor, "B S E"], Float[Tensor, "B E"]]:
        """Read the source.

        Args:
            source_ids: The source tokens.
            source_mask: True for a token, False for padding, which must come last.

        Returns:
            At each token what was read up to it in both directions (0 at padding), and what each
            reader knows at its end: the left-to-right one after the last token, the other after the
            first.

        Raises:
            ValueError: If a row of the mask is not tokens first, at least one, and then padding.
        """
        vectors = self.embedding(source_ids)
        if source_mask is None:
            read, last = self.gru(vectors)
        else:
            lengths = _lengths(source_mask)
            packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
            read, last = self.gru(packed)
            n_tokens = source_ids.shape[1]
            read, _ = pad_packed_sequence(read, batch_first=True, total_length=n_tokens)
        return read, torch.cat((last[0], last[1]), dim=-1)


def _lengths(mask: Bool[Tensor, "B S"]) -> Int[Tensor, " B"]:
    """Count each row's tokens, on the CPU, where torch wants them."""
    lengths = mask.sum(dim=-1)
    if lengths.min() < 1 or not torch.equal(mask, padding_mask(lengths, mask.shape[1])):
        raise ValueError(
            "source_mask must be True for the tokens, at least one a row, and then False for the "
            f"padding; got rows with {lengths.tolist()} tokens, not all of them first."
        )
    return lengths.cpu()


class RecurrentTranslator(nn.Module):
    """Translate through one vector of fixed length: the bottleneck that attention removed.

    Args:
        config: Its settings.

    Attributes:
        config: Its settings.
        encoder: Reads the source.
        embedding: Vectors of the target tokens.
        start: Makes the writer's first state from the vector.
        decoder: The writer; it sees the token before and, at every step, the same vector.
        output: Scores every target token.

    Reference:
        Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
        Machine Translation", section 2.2, https://arxiv.org/abs/1406.1078. Unlike the paper, the
        source is read in both directions, and the scores see the state and the vector only.

    Example:
        >>> config = RecurrentTranslatorConfig(source_vocab_size=11, target_vocab_size=13)
        >>> translator = RecurrentTranslator(config)
        >>> translator(torch.tensor([[2, 3, 5]]), torch.tensor([[0, 7]])).shape
        torch.Size([1, 2, 13])
    """

    def __init__(self, config: RecurrentTranslatorConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = BidirectionalEncoder(config)
        self.embedding = TokenEmbedding(config.target_vocab_size, config.d_model)
        d_context = 2 * config.d_hidden
        self.start = nn.Linear(d_context, config.d_hidden)
        self.decoder = nn.GRU(config.d_model + d_context, config.d_hidden, batch_first=True)
        self.output = nn.Linear(config.d_hidden + d_context, config.target_vocab_size)

    def forward(
        self,
        source_ids: Int[Tensor, "B S"],
        target_ids: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score what comes after each target token.

        Args:
            source_ids: The sentences to translate.
            target_ids: The translations, from the start token on, as far as they are known.
            source_mask: True for a token, False for padding, which must come last.

        Returns:
            Unnormalised scores. Those after one target token ignore all later ones.
        """
        _, last = self.encoder(source_ids, source_mask)
        context = last.unsqueeze(1).expand(-1, target_ids.shape[1], -1)
        seen = torch.cat((self.embedding(target_ids), context), dim=-1)
        states, _ = self.decoder(seen, self.start(last).tanh().unsqueeze(0))
        return self.output(torch.cat((states, context), dim=-1))


class AttendingTranslator(nn.Module):
    """Translate while looking back at the source: attention as it was first used.

    The writer takes its steps one after the other, because where it looks depends on its state.

    Args:
        config: Its settings.

    Attributes:
        config: Its settings.
        encoder: Reads the source.
        embedding: Vectors of the target tokens.
        start: Makes the writer's first state from what the readers know at their ends.
        attention: Gathers from the source what the next step needs.
        decoder: One step of the writer; it sees the token before and what was gathered.
        output: Scores every target token.

    Reference:
        Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and
        Translate", section 3 and appendix A, https://arxiv.org/abs/1409.0473. Unlike the paper, the
        first state is made from both readers, and a linear layer stands for the maxout layer.

    Example:
        >>> config = RecurrentTranslatorConfig(source_vocab_size=11, target_vocab_size=13)
        >>> translator = AttendingTranslator(config)
        >>> source_ids, target_ids = torch.tensor([[2, 3, 5]]), torch.tensor([[0, 7]])
        >>> translator(source_ids, target_ids).shape
        torch.Size([1, 2, 13])
        >>> translator.weights(source_ids, target_ids).shape
        torch.Size([1, 2, 3])
    """

    def __init__(self, config: RecurrentTranslatorConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = BidirectionalEncoder(config)
        self.embedding = TokenEmbedding(config.target_vocab_size, config.d_model)
        d_context = 2 * config.d_hidden
        self.start = nn.Linear(d_context, config.d_hidden)
        self.attention = AdditiveAttention(config.d_hidden, d_context, config.d_hidden)
        self.decoder = nn.GRUCell(config.d_model + d_context, config.d_hidden)
        self.output = nn.Linear(config.d_hidden + d_context, config.target_vocab_size)

    def forward(
        self,
        source_ids: Int[Tensor, "B S"],
        target_ids: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score what comes after each target token.

        Args:
            source_ids: The sentences to translate.
            target_ids: The translations, from the start token on, as far as they are known.
            source_mask: True for a token, False for padding, which must come last.

        Returns:
            Unnormalised scores. Those after one target token ignore all later ones.
        """
        return self._write(source_ids, target_ids, source_mask)[0]

    @torch.no_grad()
    def weights(
        self,
        source_ids: Int[Tensor, "B S"],
        target_ids: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B T S"]:
        """Say how much each step of writing looked at each source token, for pictures.

        Args:
            source_ids: The sentences to translate.
            target_ids: The translations, from the start token on.
            source_mask: True for a token, False for padding, which must come last.

        Returns:
            In row t, the weights used to score what comes after target token t; a row sums to 1.
        """
        return self._write(source_ids, target_ids, source_mask)[1]

    def _write(
        self,
        source_ids: Int[Tensor, "B S"],
        target_ids: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "B S"] | None,
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, "B T S"]]:
        """Take the steps of writing; give scores and attention weights."""
        read, last = self.encoder(source_ids, source_mask)
        state = self.start(last).tanh()
        steps = []
        for vector in self.embedding(target_ids).unbind(dim=1):
            context, looked = self.attention(state.unsqueeze(1), read, source_mask)
            context = context.squeeze(1)
            state = self.decoder(torch.cat((vector, context), dim=-1), state)
            steps.append((torch.cat((state, context), dim=-1), looked.squeeze(1)))
        outputs, weights = (torch.stack(kind, dim=1) for kind in zip(*steps, strict=True))
        return self.output(outputs), weights
