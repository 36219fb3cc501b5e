"""BERT: an encoder that sees both sides of every token, pretrained by filling in masked ones.

Letters: B = sequences, T = tokens, D = d_model, V = vocab_size.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.models.decoder import count_cached, initialise, require_positive
from course_lib.nn.attention import merge_heads, split_heads
from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.feedforward import FeedForward, gelu
from course_lib.nn.masks import key_mask
from course_lib.nn.multi_head import MultiHeadAttention
from course_lib.nn.norm import LayerNorm
from course_lib.nn.positions import LearnedPositions


@dataclass(frozen=True, kw_only=True)
class BERTConfig:
    """Settings of `BERT`.

    Attributes:
        vocab_size: How many tokens it knows.
        max_len: How many tokens a sequence may have.
        d_model: Width of a token's vector.
        n_heads: How many attentions work side by side in a block; a divisor of `d_model`.
        n_layers: How many blocks.
        d_ff: Width inside the feed-forward layer.
        n_segments: How many kinds of text can stand side by side: two for pairs of sentences.
        dropout: Chance that a number is set to 0 in training: in the embedding, in the attention
            weights, and in what each half of a block adds.
        norm_eps: Added to the variance in each layer norm.
    """

    vocab_size: int
    max_len: int
    d_model: int
    n_heads: int
    n_layers: int
    d_ff: int
    n_segments: int = 2
    dropout: float = 0.0
    norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff", "n_segments")
        require_positive(self, *sizes)
        if self.d_model % self.n_heads:
            raise ValueError(
                f"n_heads must be a divisor of d_model={self.d_model}; got n_heads={self.n_heads}."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be ≥ 0 and < 1; got dropout={self.dropout}.")
        if self.norm_eps <= 0:
            raise ValueError(f"norm_eps must be > 0; got norm_eps={self.norm_eps}.")


def bert_base(vocab_size: int = 30_522) -> BERTConfig:
    """Give the sizes of BERT-base; its encoder and pooler have 109,482,240 parameters.

    Args:
        vocab_size: 30,522 for English without capitals; 21,128 for Chinese.
    """
    return BERTConfig(
        vocab_size=vocab_size,
        max_len=512,
        d_model=768,
        n_heads=12,
        n_layers=12,
        d_ff=3072,
        dropout=0.1,
    )


class BERTBlock(nn.Module):
    """One layer: each token gathers from both sides, then thinks by itself; each sum is normalised.

    Args:
        config: Settings of the model.
    """

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.d_model, config.n_heads)
        self.attention_norm = LayerNorm(config.d_model, config.norm_eps)
        self.feedforward = FeedForward(config.d_model, config.d_ff)
        self.feedforward_norm = LayerNorm(config.d_model, config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "#B 1 1 T"] | None
    ) -> Float[Tensor, "B T D"]:
        """Pass the tokens through both halves; `mask` is True at keys that are no padding."""
        x = self.attention_norm(x + self.dropout(self._gather(x, mask)))
        return self.feedforward_norm(x + self.dropout(self.feedforward(x)))

    def _gather(
        self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "#B 1 1 T"] | None
    ) -> Float[Tensor, "B T D"]:
        attention, dropout = self.attention, self.dropout.p
        if not self.training or dropout == 0:
            return attention(x, mask=mask)
        query, key, value = (
            split_heads(project(x), attention.n_heads)
            for project in (attention.query, attention.key, attention.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout)
        return attention.output(merge_heads(mixed))


class MaskedTokenHead(nn.Module):
    """Turns hidden states into scores of all tokens, with the table of the token embedding.

    Args:
        config: Settings of the model.

    Attributes:
        dense: The linear map before the scores; GELU and a layer norm follow it.
        bias: One offset per token of the vocabulary.
    """

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.norm = LayerNorm(config.d_model, config.norm_eps)
        self.bias = nn.Parameter(self.dense.weight.new_zeros(config.vocab_size))

    def forward(
        self, hidden: Float[Tensor, "B T D"], table: Float[Tensor, "V D"]
    ) -> Float[Tensor, "B T V"]:
        """Score every token at every position; `table` is the token embedding's weight."""
        return F.linear(self.norm(gelu(self.dense(hidden))), table, self.bias)


class BERT(nn.Module):
    """BERT, number for number: `bert_from_hf` loads its weights and gives the same logits.

    An encoder that normalises after each half of a block, with a head for masked tokens, whose
    scores use the table of the token embedding, and one for the next sentence.

    Args:
        config: Sizes; for BERT's own, `bert_base()`.
        generator: Where the fresh weights come from; torch's global generator if None.

    Attributes:
        config: As above.
        pooler: Makes one vector of a sequence; None in a model loaded from weights without it.
        masked_token_head: Makes logits of hidden states; None as above.
        next_sentence_head: Says whether two texts belong together; None as above.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 3, https://arxiv.org/abs/1810.04805

    Example:
        >>> sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
        >>> model = BERT(BERTConfig(vocab_size=11, **sizes))
        >>> ids = torch.tensor([[2, 5, 3, 0]])
        >>> model(ids, mask=ids != 0).shape
        torch.Size([1, 4, 11])
    """

    pooler: nn.Linear | None
    masked_token_head: MaskedTokenHead | None
    next_sentence_head: nn.Linear | None

    def __init__(self, config: BERTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokens = TokenEmbedding(config.vocab_size, config.d_model)
        self.positions = LearnedPositions(config.max_len, config.d_model)
        self.segments = nn.Embedding(config.n_segments, config.d_model)
        self.norm = LayerNorm(config.d_model, config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(BERTBlock(config) for _ in range(config.n_layers))
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.masked_token_head = MaskedTokenHead(config)
        self.next_sentence_head = nn.Linear(config.d_model, 2)
        initialise(self, residual=(), n_layers=config.n_layers, generator=generator)

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> "BERT":
        """Load weights in Hugging Face's format, ready to use (in evaluation mode, float32).

        Heads that the weights lack are None in the model, never random.

        Args:
            name_or_folder: A folder with `config.json` and `model.safetensors`, or a name on the
                Hugging Face hub, such as "google-bert/bert-base-uncased".

        Raises:
            WeightsNotFoundError: If there is no such folder, and the hub has no such model or
                cannot be reached.
            ValueError: If the folder has no safetensors, or its sizes or tensors are not BERT's.
        """
        from course_lib.models.bert_weights import bert_settings, bert_tensors, drop_missing_heads
        from course_lib.models.loading import load_tensors, read_pretrained

        settings, raw = read_pretrained(name_or_folder)
        model = cls(bert_settings(settings))
        tensors = bert_tensors(raw, model.config.n_layers)
        drop_missing_heads(model, tensors)
        load_tensors(model, tensors)
        return model.eval()

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every token of the vocabulary at every position, masked or not.

        Args:
            ids: Token ids.
            mask: True for a token, False for padding; None if there is no padding. Pad at the
                end: positions are counted from the first column, padding or not.
            segment_ids: Which text each token belongs to; None if all belong to text 0.

        Raises:
            ValueError: If there are more tokens than `max_len`, `mask` is not bool or does not fit
                them, or the model was loaded from weights without this head.
        """
        head = self.masked_token_head
        if head is None:
            raise _missing("masked_token_head", "Take .hidden(…) for the hidden states.")
        return head(self.hidden(ids, mask, segment_ids), self.tokens.weight)

    def hidden(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Give one vector per token, which knows the whole sequence.

        Args:
            ids: As in `forward`.
            mask: As in `forward`.
            segment_ids: As in `forward`.

        Raises:
            ValueError: If there are more tokens than `max_len`, or `mask` is not bool or does not
                fit them.
        """
        count_cached(ids, mask, None, self.config.max_len)
        segments = ids.new_zeros(ids.shape) if segment_ids is None else segment_ids
        x = self.tokens(ids) + self.segments(segments) + self.positions(ids.shape[1])
        x = self.dropout(self.norm(x))
        attention_mask = None if mask is None else key_mask(mask)
        for block in self.blocks:
            x = block(x, attention_mask)
        return x

    def pooled(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Give one vector per sequence, made from its first token ([CLS]).

        Args:
            ids: As in `forward`.
            mask: As in `forward`.
            segment_ids: As in `forward`.

        Raises:
            ValueError: As `hidden`, and if the model was loaded from weights without a pooler.
        """
        if self.pooler is None:
            raise _missing("pooler", "Take the mean of .hidden(…) over the real tokens.")
        return self.pooler(self.hidden(ids, mask, segment_ids)[:, 0]).tanh()

    def next_sentence_logits(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B 2"]:
        """Score whether text 1 follows text 0 (column 0) or comes from elsewhere (column 1).

        Args:
            ids: As in `forward`.
            mask: As in `forward`.
            segment_ids: As in `forward`.

        Raises:
            ValueError: As `pooled`, and if the model was loaded from weights without this head.
        """
        if self.next_sentence_head is None:
            raise _missing("next_sentence_head", "Load weights of a BertForPreTraining.")
        return self.next_sentence_head(self.pooled(ids, mask, segment_ids))


def _missing(part: str, advice: str) -> ValueError:
    return ValueError(
        f"the model must have a {part}; it was loaded from weights without one. {advice}"
    )
