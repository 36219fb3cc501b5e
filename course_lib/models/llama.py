"""Llama: a decoder with rotary positions, RMS norms, gated feed-forward and shared key heads.

Letters: B = sequences (`*B` any leading axes), T = new tokens, S = tokens so far, cached ones
included, K2 = d_head / 2, D = d_model, V = vocab_size.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.models.decoder import count_cached, decoder_mask, initialise, require_positive
from course_lib.nn.attention import attend, merge_heads, split_heads
from course_lib.nn.cache import KVCache
from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.feedforward import SwiGLU
from course_lib.nn.norm import RMSNorm
from course_lib.nn.positions import rotary_angles, rotate


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """Settings of `Llama`.

    Attributes:
        vocab_size: Number of tokens.
        max_len: The longest text, in tokens, that the model is meant for.
        d_model: Width of the residual stream.
        n_heads: Heads of the queries in a layer, each of even width d_model / n_heads.
        n_kv_heads: Heads of the keys and values; each serves n_heads / n_kv_heads query heads.
        n_layers: Number of blocks.
        d_ff: Width inside the feed-forward layers.
        norm_eps: Added to the mean square in each RMS norm.
        rope_base: The larger, the slower the slowest rotary positions turn.
        tie_embeddings: Whether the table of token vectors also scores the next token.
    """

    vocab_size: int
    max_len: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    n_layers: int
    d_ff: int
    norm_eps: float = 1e-5
    rope_base: float = 10000.0
    tie_embeddings: bool = False

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "max_len", "d_model", "n_heads", "n_kv_heads", "n_layers", "d_ff")
        require_positive(self, *sizes)
        if self.d_model % (2 * self.n_heads):
            raise ValueError(
                f"d_model must be a multiple of 2 · n_heads={2 * self.n_heads}, because rotary "
                f"positions turn pairs; got d_model={self.d_model}."
            )
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_kv_heads must be a divisor of n_heads={self.n_heads}; "
                f"got n_kv_heads={self.n_kv_heads}."
            )
        if self.norm_eps <= 0:
            raise ValueError(f"norm_eps must be > 0; got norm_eps={self.norm_eps}.")
        if self.rope_base <= 1:
            raise ValueError(f"rope_base must be > 1; got rope_base={self.rope_base}.")

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads


class LlamaAttention(nn.Module):
    """Causal self-attention with rotary positions; several query heads share a key head.

    Args:
        config: Settings of the model.
        layer: Which layer this is, counted from 0; the cache keeps layers apart.

    Attributes:
        query: The linear map to the queries.
        key: The linear map to the keys.
        value: The linear map to the values.
        output: The linear map that mixes the heads. None of the four has a bias.
    """

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_heads = config.n_heads
        self.n_kv_heads = config.n_kv_heads
        d_kv = config.n_kv_heads * config.d_head
        self.query = nn.Linear(config.d_model, config.d_model, bias=False)
        self.key = nn.Linear(config.d_model, d_kv, bias=False)
        self.value = nn.Linear(config.d_model, d_kv, bias=False)
        self.output = nn.Linear(config.d_model, config.d_model, bias=False)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        angles: Float[Tensor, "T K2"],
        mask: Bool[Tensor, "*#B T S"] | None,
        cache: KVCache | None,
    ) -> Float[Tensor, "B T D"]:
        """Gather from the tokens so far.

        Args:
            x: The new tokens.
            angles: Of the new tokens, from `rotary_angles`.
            mask: From `decoder_mask`; None if only the future is hidden.
            cache: The tokens before, their keys already rotated; takes the new ones in.
        """
        query = rotate(split_heads(self.query(x), self.n_heads), angles)
        key = rotate(split_heads(self.key(x), self.n_kv_heads), angles)
        value = split_heads(self.value(x), self.n_kv_heads)
        if cache is not None:
            key, value = cache.append(self.layer, key, value)
        mixed = attend(query, key, value, mask, is_causal=mask is None)
        return self.output(merge_heads(mixed))


class LlamaBlock(nn.Module):
    """One layer: each token gathers from the past, then thinks by itself; both add to the stream.

    Args:
        config: Settings of the model.
        layer: Which layer this is, counted from 0.
    """

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.d_model, config.norm_eps)
        self.attention = LlamaAttention(config, layer)
        self.feedforward_norm = RMSNorm(config.d_model, config.norm_eps)
        self.feedforward = SwiGLU(config.d_model, config.d_ff)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        angles: Float[Tensor, "T K2"],
        mask: Bool[Tensor, "*#B T S"] | None,
        cache: KVCache | None,
    ) -> Float[Tensor, "B T D"]:
        """Add what attention and feed-forward have to say; see `LlamaAttention.forward`."""
        x = x + self.attention(self.attention_norm(x), angles, mask, cache)
        return x + self.feedforward(self.feedforward_norm(x))


class Llama(nn.Module):
    """Llama, number for number: `llama_from_hf` loads its weights and gives the same logits.

    Args:
        config: Sizes; for well-known ones, `llama2_7b()` and its sisters.
        generator: Where the fresh weights come from, drawn as GPT-2 does; torch's global
            generator if None.

    Attributes:
        config: As above.

    Reference:
        Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models", section 2.2,
        https://arxiv.org/abs/2302.13971; for shared key heads, Touvron et al. 2023, "Llama 2",
        https://arxiv.org/abs/2307.09288. Unlike Hugging Face's, RMS norms are computed in the
        number format of the model, not in float32.

    Example:
        >>> config = LlamaConfig(
        ...     vocab_size=11, max_len=7, d_model=12, n_heads=3, n_kv_heads=1, n_layers=2, d_ff=5
        ... )
        >>> Llama(config)(torch.tensor([[4, 0, 10]])).shape
        torch.Size([1, 3, 11])
    """

    def __init__(self, config: LlamaConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokens = TokenEmbedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(LlamaBlock(config, layer) for layer in range(config.n_layers))
        self.final_norm = RMSNorm(config.d_model, config.norm_eps)
        if not config.tie_embeddings:
            self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        residual = ("attention.output.weight", "feedforward.outer.weight")
        initialise(self, residual=residual, n_layers=config.n_layers, generator=generator)

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> "Llama":
        """Load weights in Hugging Face's format, ready to use (in evaluation mode, float32).

        Args:
            name_or_folder: A folder with `config.json` and `model.safetensors`, or a name on the
                Hugging Face hub, such as "HuggingFaceTB/SmolLM2-135M".

        Raises:
            WeightsNotFoundError: If there is no such folder, and the hub has no such model or
                cannot be reached.
            ValueError: If the folder has no safetensors, or its settings or tensors are not of
                this kind of Llama (stretched rotary positions are not).
        """
        from course_lib.models.llama_weights import llama_settings, llama_tensors  # imports this
        from course_lib.models.loading import load_tensors, read_pretrained

        settings, tensors = read_pretrained(name_or_folder)
        model = cls(llama_settings(settings))
        load_tensors(model, llama_tensors(tensors, model.config))
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
        # Kept in float32 whatever the model's format is, so never stored in the model. Padding at
        # the start shifts all positions of a text alike, and only distances count.
        angles = rotary_angles(n_past + n_new, self.config.d_head, base=self.config.rope_base)
        angles = angles[n_past:].to(ids.device)
        x = self.tokens(ids)
        for block in self.blocks:
            x = block(x, angles, allowed, cache)
        if cache is not None:
            cache.advance(n_new)
        return self.final_norm(x)

    def score(self, hidden: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        """Make the logits from the vectors that `hidden` gives."""
        return self.tokens.logits(hidden) if self.config.tie_embeddings else self.head(hidden)

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
            self.config.n_kv_heads,
            self.config.max_len if max_len is None else max_len,
            self.config.d_head,
            dtype=self.tokens.weight.dtype,
            device=self.tokens.weight.device,
        )


def smollm2_135m() -> LlamaConfig:
    """Give the sizes of SmolLM2-135M, 134,515,008 parameters: a Llama that fits a laptop.

    Reference:
        Allal et al. 2025, "SmolLM2: When Smol Goes Big", https://arxiv.org/abs/2502.02737;
        `HuggingFaceTB/SmolLM2-135M` on the Hugging Face hub.
    """
    return LlamaConfig(
        vocab_size=49152,
        max_len=8192,
        d_model=576,
        n_heads=9,
        n_kv_heads=3,
        n_layers=30,
        d_ff=1536,
        rope_base=100000.0,
        tie_embeddings=True,
    )


def tinyllama_1b() -> LlamaConfig:
    """Give the sizes of TinyLlama, 1,100,048,384 parameters.

    Reference:
        Zhang et al. 2024, "TinyLlama: An Open-Source Small Language Model", table 1,
        https://arxiv.org/abs/2401.02385
    """
    return LlamaConfig(
        vocab_size=32000,
        max_len=2048,
        d_model=2048,
        n_heads=32,
        n_kv_heads=4,
        n_layers=22,
        d_ff=5632,
    )


def llama2_7b() -> LlamaConfig:
    """Give the sizes of Llama 2 7B, 6,738,415,616 parameters.

    Reference:
        Touvron et al. 2023, "Llama 2: Open Foundation and Fine-Tuned Chat Models", table 1,
        https://arxiv.org/abs/2307.09288; widths in "LLaMA", table 2,
        https://arxiv.org/abs/2302.13971
    """
    return LlamaConfig(
        vocab_size=32000,
        max_len=4096,
        d_model=4096,
        n_heads=32,
        n_kv_heads=32,
        n_layers=32,
        d_ff=11008,
    )


def llama3_8b() -> LlamaConfig:
    """Give the sizes of Llama 3 8B (not 3.1, whose rotary positions are stretched).

    It has 8,030,261,248 parameters.

    Reference:
        Grattafiori et al. 2024, "The Llama 3 Herd of Models", table 3,
        https://arxiv.org/abs/2407.21783; `meta-llama/Meta-Llama-3-8B` on the Hugging Face hub.
    """
    return LlamaConfig(
        vocab_size=128256,
        max_len=8192,
        d_model=4096,
        n_heads=32,
        n_kv_heads=8,
        n_layers=32,
        d_ff=14336,
        rope_base=500000.0,
    )
