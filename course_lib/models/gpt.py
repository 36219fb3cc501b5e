"""GPT-2: a decoder with learned positions that normalises before each half of a block.

Letters: B = sequences (`*B` any leading axes), T = new tokens, S = tokens so far, cached ones
included, H = heads, K = d_head, D = d_model, V = vocab_size.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.models.decoder import count_cached, decoder_mask, initialise, require_positive
from course_lib.nn.attention import attend, merge_heads, split_heads
from course_lib.nn.cache import KVCache
from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.feedforward import FeedForward, gelu_tanh
from course_lib.nn.norm import LayerNorm
from course_lib.nn.positions import LearnedPositions


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Settings of `GPT`.

    Attributes:
        vocab_size: Number of tokens.
        max_len: The longest text, in tokens: there is one learned position for each.
        d_model: Width of the residual stream.
        n_heads: Attention heads in a layer, each of width d_model / n_heads.
        n_layers: Number of blocks.
        d_ff: Width inside the feed-forward layers; 0 stands for 4 · d_model.
        dropout: Chance that a number is set to 0 in training: in the embedding, in the attention
            weights, and in what each half of a block adds.
        norm_eps: Added to the variance in each layer norm.
    """

    vocab_size: int
    max_len: int
    d_model: int
    n_heads: int
    n_layers: int
    d_ff: int = 0
    dropout: float = 0.0
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        sizes = ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff")
        require_positive(self, *sizes)
        if self.d_model % self.n_heads:
            raise ValueError(
                f"n_heads must be a divisor of d_model={self.d_model}; got n_heads={self.n_heads}."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be ≥ 0 and < 1; got dropout={self.dropout}.")
        if self.norm_eps <= 0:
            raise ValueError(f"norm_eps must be > 0; got norm_eps={self.norm_eps}.")

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads


class GPTAttention(nn.Module):
    """Causal self-attention whose queries, keys and values come from one matrix product.

    Args:
        config: Settings of the model.
        layer: Which layer this is, counted from 0; the cache keeps layers apart.

    Attributes:
        qkv: The linear map to queries, keys and values, side by side.
        output: The linear map that mixes the heads.
    """

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_heads = config.n_heads
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model)
        self.output = nn.Linear(config.d_model, config.d_model)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        mask: Bool[Tensor, "*#B T S"] | None,
        cache: KVCache | None,
    ) -> Float[Tensor, "B T D"]:
        """Gather from the tokens so far.

        Args:
            x: The new tokens.
            mask: From `decoder_mask`; None if only the future is hidden.
            cache: The tokens before; takes the new ones in.
        """
        query, key, value = (split_heads(p, self.n_heads) for p in self.qkv(x).chunk(3, dim=-1))
        if cache is not None:
            key, value = cache.append(self.layer, key, value)
        dropout = self.dropout if self.training else 0.0
        if dropout:  # of attention weights, which `attend` does not know
            is_causal = mask is None and query.shape[2] == key.shape[2]
            mixed = F.scaled_dot_product_attention(query, key, value, mask, dropout, is_causal)
        else:
            mixed = attend(query, key, value, mask, is_causal=mask is None)
        return self.output(merge_heads(mixed))


class GPTBlock(nn.Module):
    """One layer: each token gathers from the past, then thinks by itself; both add to the stream.

    Args:
        config: Settings of the model.
        layer: Which layer this is, counted from 0.
    """

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = LayerNorm(config.d_model, config.norm_eps)
        self.attention = GPTAttention(config, layer)
        self.feedforward_norm = LayerNorm(config.d_model, config.norm_eps)
        self.feedforward = FeedForward(config.d_model, config.d_ff, gelu_tanh)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        mask: Bool[Tensor, "*#B T S"] | None,
        cache: KVCache | None,
    ) -> Float[Tensor, "B T D"]:
        """Add what attention and feed-forward have to say; see `GPTAttention.forward`."""
        x = x + self.dropout(self.attention(self.attention_norm(x), mask, cache))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


class GPT(nn.Module):
    """GPT-2, number for number: `gpt_from_hf` loads its weights and gives the same logits.

    The table of token vectors also scores the next token (tied weights).

    Args:
        config: Sizes; for GPT-2's own, `gpt2_small()` and its sisters.
        generator: Where the fresh weights come from; torch's global generator if None.

    Attributes:
        config: As above.

    Reference:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
        Weights and sizes: https://github.com/openai/gpt-2

    Example:
        >>> model = GPT(GPTConfig(vocab_size=11, max_len=7, d_model=6, n_heads=3, n_layers=2))
        >>> model(torch.tensor([[4, 0, 10]])).shape
        torch.Size([1, 3, 11])
    """

    def __init__(self, config: GPTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokens = TokenEmbedding(config.vocab_size, config.d_model)
        self.positions = LearnedPositions(config.max_len, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(GPTBlock(config, layer) for layer in range(config.n_layers))
        self.final_norm = LayerNorm(config.d_model, config.norm_eps)
        residual = ("attention.output.weight", "feedforward.outer.weight")
        initialise(self, residual=residual, n_layers=config.n_layers, generator=generator)

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> "GPT":
        """Load weights in Hugging Face's format, ready to use (in evaluation mode, float32).

        Args:
            name_or_folder: A folder with `config.json` and `model.safetensors`, or a name on the
                Hugging Face hub, such as "openai-community/gpt2".

        Raises:
            WeightsNotFoundError: If there is no such folder, and the hub has no such model or
                cannot be reached.
            ValueError: If the folder has no safetensors, or its sizes or tensors are not GPT-2's.
        """
        from course_lib.models.gpt_weights import gpt_settings, gpt_tensors  # it imports this file
        from course_lib.models.loading import load_tensors, read_pretrained

        settings, tensors = read_pretrained(name_or_folder)
        model = cls(gpt_settings(settings))
        load_tensors(model, gpt_tensors(tensors, model.config.n_layers))
        return model.eval()

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B S"] | None = None,
        cache: KVCache | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every token of the vocabulary as the next one, after each token.

        Args:
            ids: The new tokens.
            mask: True for a token, False for padding at either end, which then changes nothing;
                over cached and new tokens. None if there is no padding.
            cache: The tokens before (see `make_cache`); takes the new ones in.

        Returns:
            The logits. Those at padding mean nothing.

        Raises:
            ValueError: If the tokens are more than `max_len`, or `mask` does not cover them all.
        """
        return self.score(self.hidden(ids, mask, cache))

    def hidden(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B S"] | None = None,
        cache: KVCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Give the vectors that the logits are made from; arguments and errors as in `forward`."""
        n_new = ids.shape[1]
        n_past = count_cached(ids, mask, cache, self.config.max_len)
        allowed = decoder_mask(mask, n_new, n_past + n_new, ids.device)
        if mask is None:
            positions = self.positions(n_new, start=n_past)
        else:  # the first real token stands at position 0, whatever padding is before it
            places = (mask.cumsum(dim=1)[:, n_past:] - 1).clamp(min=0)
            positions = F.embedding(places, self.positions.weight)
        x = self.dropout(self.tokens(ids) + positions)
        for block in self.blocks:
            x = block(x, allowed, cache)
        if cache is not None:
            cache.advance(n_new)
        return self.final_norm(x)

    def score(self, hidden: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        """Make the logits from the vectors that `hidden` gives."""
        return self.tokens.logits(hidden)

    def make_cache(
        self, n_sequences: int, max_len: int | None = None, cache_type: type[KVCache] = KVCache
    ) -> KVCache:
        """Make an empty cache that fits this model.

        Args:
            n_sequences: How many sequences are written side by side.
            max_len: For how many tokens; the model's own `max_len` if None.
            cache_type: How keys and values are kept.
        """
        return cache_type(
            self.config.n_layers,
            n_sequences,
            self.config.n_heads,
            self.config.max_len if max_len is None else max_len,
            self.config.d_head,
            dtype=self.tokens.weight.dtype,
            device=self.tokens.weight.device,
        )


def gpt2_small() -> GPTConfig:
    """Give the sizes of GPT-2 small, 124,439,808 parameters.

    Reference:
        Radford et al. 2019, table 2 (which counts 117M), and section 2.3 for vocabulary and
        length; `openai-community/gpt2` on the Hugging Face hub.
    """
    return GPTConfig(vocab_size=50257, max_len=1024, d_model=768, n_heads=12, n_layers=12)


def gpt2_medium() -> GPTConfig:
    """Give the sizes of GPT-2 medium, 354,823,168 parameters.

    Reference:
        Radford et al. 2019, table 2; `openai-community/gpt2-medium`.
    """
    return GPTConfig(vocab_size=50257, max_len=1024, d_model=1024, n_heads=16, n_layers=24)


def gpt2_large() -> GPTConfig:
    """Give the sizes of GPT-2 large, 774,030,080 parameters.

    Reference:
        Radford et al. 2019, table 2; `openai-community/gpt2-large`.
    """
    return GPTConfig(vocab_size=50257, max_len=1024, d_model=1280, n_heads=20, n_layers=36)


def gpt2_xl() -> GPTConfig:
    """Give the sizes of GPT-2 XL, 1,557,611,200 parameters.

    Reference:
        Radford et al. 2019, table 2; `openai-community/gpt2-xl`.
    """
    return GPTConfig(vocab_size=50257, max_len=1024, d_model=1600, n_heads=25, n_layers=48)
