"""Small heads on a pretrained encoder: a class for a text, a tag for a token, the ends of a span.

Letters: B = texts, T = tokens of the longest of them, D = d_model, K = classes or tags.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.finetuning.encoders import Encoder
from course_lib.models.decoder import INITIAL_STD

Pooling = Literal["first", "mean", "last"]
"""How the vectors of a text's tokens become one."""


def pool(
    hidden: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"] | None, how: Pooling
) -> Float[Tensor, "B D"]:
    """Make one vector of the vectors of a text's tokens.

    Args:
        hidden: A vector per token.
        mask: True for a token, False for padding; None if there is no padding.
        how: "first": that of the first token, BERT's [CLS]; "mean": of all tokens; "last": that of
            the last token, the only one in a decoder that has seen the whole text.

    Raises:
        ValueError: If `how` is none of these, or a text has no token.

    Example:
        >>> hidden = torch.tensor([[[1.0], [3.0], [100.0]]])
        >>> mask = torch.tensor([[True, True, False]])
        >>> [pool(hidden, mask, how).item() for how in ("first", "mean", "last")]
        [1.0, 2.0, 3.0]
    """
    if how not in get_args(Pooling):
        raise ValueError(f"how must be one of {get_args(Pooling)}; got how={how!r}.")
    if mask is None:
        mask = hidden.new_ones(hidden.shape[:2], dtype=torch.bool)
    if not mask.any(dim=1).all():
        raise ValueError("mask must be True for at least one token of each text; got none in one.")
    if how == "mean":
        summed = hidden.masked_fill(~mask[..., None], 0.0).sum(dim=1)
        return summed / mask.sum(dim=1, keepdim=True)
    places = torch.arange(mask.shape[1], device=mask.device)
    if how == "first":
        chosen = places.where(mask, mask.shape[1]).amin(dim=1)
    else:
        chosen = places.where(mask, -1).amax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), chosen]


class SequenceClassifier(nn.Module):
    """Scores the classes of a text: encoder, one vector, dropout, a linear map.

    Args:
        encoder: Any; it becomes a part of this and is trained with it.
        n_classes: How many classes (≥ 2).
        pooling: See `pool`.
        dropout: Chance that a number of the text's vector is set to 0 in training.
        generator: Where the fresh head comes from; torch's global generator if None.

    Attributes:
        encoder: As above.
        pooling: As above.
        classifier: The linear map.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 4.1, https://arxiv.org/abs/1810.04805. Unlike the authors' code,
        the pretrained pooler is not used.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        *,
        pooling: Pooling = "first",
        dropout: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if n_classes < 2:
            raise ValueError(f"n_classes must be ≥ 2; got n_classes={n_classes}.")
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be one of {get_args(Pooling)}; got {pooling!r}.")
        self.encoder = encoder
        self.pooling: Pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.classifier = fresh_head(encoder, n_classes, generator)

    def features(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Give one vector per text; arguments as in `Encoder.forward`."""
        return pool(self.encoder(ids, mask, segment_ids), mask, self.pooling)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B K"]:
        """Score the classes of each text; arguments as in `Encoder.forward`."""
        return self.classifier(self.dropout(self.features(ids, mask, segment_ids)))


class TokenTagger(nn.Module):
    """Scores the tags of each token: encoder, dropout, a linear map.

    Args:
        encoder: Best one that sees both sides; it becomes a part of this and is trained with it.
        n_tags: How many tags (≥ 2).
        dropout: Chance that a number of a token's vector is set to 0 in training.
        generator: Where the fresh head comes from; torch's global generator if None.

    Attributes:
        encoder: As above.
        classifier: The linear map.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_tags: int,
        *,
        dropout: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if n_tags < 2:
            raise ValueError(f"n_tags must be ≥ 2; got n_tags={n_tags}.")
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = fresh_head(encoder, n_tags, generator)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T K"]:
        """Score the tags of each token; those at padding mean nothing."""
        return self.classifier(self.dropout(self.encoder(ids, mask, segment_ids)))


class SpanFinder(nn.Module):
    """Scores where an answer begins and ends in a text; the first token says that there is none.

    Args:
        encoder: Best one that sees both sides; it becomes a part of this and is trained with it.
        dropout: Chance that a number of a token's vector is set to 0 in training.
        generator: Where the fresh head comes from; torch's global generator if None.

    Attributes:
        encoder: As above.
        classifier: The linear map, to two scores a token.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", sections 4.2 and 4.3, https://arxiv.org/abs/1810.04805
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        dropout: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = fresh_head(encoder, 2, generator)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> tuple[Float[Tensor, "B T"], Float[Tensor, "B T"]]:
        """Score each token as the first and as the last of the answer; padding gets -inf."""
        logits = self.classifier(self.dropout(self.encoder(ids, mask, segment_ids)))
        if mask is not None:
            logits = logits.masked_fill(~mask[..., None], -torch.inf)
        return logits[..., 0], logits[..., 1]


EncoderWithHead = SequenceClassifier | TokenTagger | SpanFinder
"""What a strategy of fine-tuning trains: an `encoder`, and a linear map, the `classifier`."""


def best_spans(
    start_logits: Float[Tensor, "B T"],
    end_logits: Float[Tensor, "B T"],
    allowed: Bool[Tensor, "B T"],
    max_tokens: int = 30,
) -> Int[Tensor, "B 2"]:
    """Choose the best answer of each text, or none. Costs O(T²) a text.

    Args:
        start_logits: Scores as the answer's first token.
        end_logits: Scores as the answer's last token.
        allowed: True where an answer may be: in the passage, not in the question.
        max_tokens: How long an answer may be (≥ 1).

    Returns:
        The first and the last token of each answer, both counted in. (0, 0) where no span scores
        above the first token, that is, where there is no answer.

    Raises:
        ValueError: If `max_tokens` is below 1.

    Example:
        >>> start, end = torch.tensor([[0.0, 1.0, 5.0, 0.0]]), torch.tensor([[0.0, 6.0, 0.0, 2.0]])
        >>> best_spans(start, end, torch.tensor([[False, True, True, True]]))  # 5 + 2 = 1 + 6
        tensor([[1, 1]])
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be ≥ 1; got max_tokens={max_tokens}.")
    n_tokens = start_logits.shape[1]
    in_order = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=allowed.device).triu()
    in_order &= ~in_order.triu(max_tokens)
    possible = in_order & allowed[:, :, None] & allowed[:, None, :]
    scores = start_logits[:, :, None] + end_logits[:, None, :]
    best, place = scores.masked_fill(~possible, -torch.inf).flatten(1).max(dim=1)
    spans = torch.stack((place // n_tokens, place % n_tokens), dim=1)
    none = best <= start_logits[:, 0] + end_logits[:, 0]
    return spans.masked_fill(none[:, None], 0)


def fresh_head(encoder: Encoder, n_outputs: int, generator: torch.Generator | None) -> nn.Linear:
    """Make a linear map on an encoder's vectors: small random weights, biases 0.

    Args:
        encoder: Says the width, the number format and the device.
        n_outputs: How many scores it gives.
        generator: Where the weights come from; torch's global generator if None.
    """
    head = nn.Linear(encoder.d_model, n_outputs)
    nn.init.normal_(head.weight, std=INITIAL_STD, generator=generator)
    nn.init.zeros_(head.bias)
    return head.to(next(encoder.parameters()))
