"""What each ingredient of time_to_loss.py buys: the same recipe with one of them taken out.

Each variant is a model or a recipe written anew, trained for as many steps as the whole unless its
name says otherwise. Rates were chosen for the whole, so a variant may do better with its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from number_format import BFLOAT16, FLOAT32, NumberFormat
from torch import Tensor, nn

from course_lib.models import ModernGPT, ModernGPTConfig
from course_lib.models.modern_gpt import (
    ModernAttention,
    ModernFeedForward,
    ModernGPTBlock,
    initialise_modern,
    normalise,
    previous_tokens,
)
from course_lib.nn.attention import attend, merge_heads, split_heads
from course_lib.nn.feedforward import gelu
from course_lib.nn.positions import LearnedPositions, rotate
from course_lib.training import AdamWConfig, MuonConfig, WarmupCosine

if TYPE_CHECKING:
    from time_to_loss import Recipe


class WithoutShift(ModernAttention):
    """A token does not know the one before."""

    def forward(
        self, x: Tensor, angles: Tensor, first_value: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gather as before, from tokens as they are."""
        query, key, value = split_heads(self.qkv(x), 3 * self.n_heads).chunk(3, dim=1)
        first_value = value if first_value is None else first_value
        own, first = self.value_mix.to(value.dtype)
        query, key = rotate(normalise(query), angles), rotate(normalise(key), angles)
        mixed = attend(query, key, own * value + first * first_value, is_causal=True)
        return self.output(merge_heads(mixed)), first_value


class WithoutNormedQueries(ModernAttention):
    """Scores are as large as queries and keys make them."""

    def forward(
        self, x: Tensor, angles: Tensor, first_value: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gather as before, with queries and keys of any length."""
        x = x + self.shift * previous_tokens(x)
        query, key, value = split_heads(self.qkv(x), 3 * self.n_heads).chunk(3, dim=1)
        first_value = value if first_value is None else first_value
        own, first = self.value_mix.to(value.dtype)
        query, key = rotate(query, angles), rotate(key, angles)
        mixed = attend(query, key, own * value + first * first_value, is_causal=True)
        return self.output(merge_heads(mixed)), first_value


class WithoutRotation(ModernAttention):
    """Queries and keys do not know where they stand; for `TokensAndPositions`."""

    def forward(
        self, x: Tensor, angles: Tensor, first_value: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gather as before, wherever the tokens stand."""
        x = x + self.shift * previous_tokens(x)
        query, key, value = split_heads(self.qkv(x), 3 * self.n_heads).chunk(3, dim=1)
        first_value = value if first_value is None else first_value
        own, first = self.value_mix.to(value.dtype)
        query, key = normalise(query), normalise(key)
        mixed = attend(query, key, own * value + first * first_value, is_causal=True)
        return self.output(merge_heads(mixed)), first_value


class WithoutFirstValues(ModernAttention):
    """Every layer has its own values only."""

    def forward(
        self, x: Tensor, angles: Tensor, first_value: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gather as before, from this layer's values."""
        x = x + self.shift * previous_tokens(x)
        query, key, value = split_heads(self.qkv(x), 3 * self.n_heads).chunk(3, dim=1)
        query, key = rotate(normalise(query), angles), rotate(normalise(key), angles)
        return self.output(merge_heads(attend(query, key, value, is_causal=True))), value


class GeluFeedForward(ModernFeedForward):
    """GPT-2's bend in place of ReLU²."""

    def forward(self, x: Tensor) -> Tensor:
        """Transform each vector by itself."""
        return self.outer(gelu(self.inner(x)))


class LayerNormBlock(ModernGPTBlock):
    """GPT-2's norms, with means, gains and biases, in place of `normalise`."""

    def __init__(self, config: ModernGPTConfig) -> None:
        super().__init__(config)
        self.norms = nn.ModuleList(nn.LayerNorm(config.d_model) for _ in range(2))

    def forward(
        self, x: Tensor, angles: Tensor, first_value: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Add what both halves have to say."""
        gathered, handed_on = self.attention(self.norms[0](x), angles, first_value)
        x = x + gathered
        return x + self.feedforward(self.norms[1](x)), handed_on


class TokensAndPositions(nn.Module):
    """GPT-2's learnt positions, added to the token vectors."""

    def __init__(self, tokens: nn.Embedding) -> None:
        super().__init__()
        self.weight = tokens.weight
        self.positions = LearnedPositions(64, tokens.embedding_dim)

    def forward(self, ids: Tensor) -> Tensor:
        """Give a vector for each id at its place."""
        return F.embedding(ids, self.weight) + self.positions(ids.shape[1])


def sizes(vocab_size: int) -> ModernGPTConfig:
    return ModernGPTConfig(vocab_size=vocab_size, d_model=96, n_heads=3, n_layers=3)


def with_attention(
    attention: type[ModernAttention],
) -> Callable[[int, torch.Generator], ModernGPT]:
    """Make models with another attention."""

    def make(vocab_size: int, generator: torch.Generator) -> ModernGPT:
        model = ModernGPT(sizes(vocab_size))
        for block in model.blocks:
            block.attention = attention(model.config)
        initialise_modern(model, generator)
        return model

    return make


def with_gelu(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    model = ModernGPT(sizes(vocab_size))
    for block in model.blocks:
        block.feedforward = GeluFeedForward(model.config)
    initialise_modern(model, generator)
    return model


def with_layer_norm(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    model = ModernGPT(sizes(vocab_size))
    model.blocks = nn.ModuleList(LayerNormBlock(model.config) for _ in model.blocks)
    initialise_modern(model, generator)
    return model


def with_learned_positions(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    model = with_attention(WithoutRotation)(vocab_size, generator)
    model.tokens = TokensAndPositions(model.tokens)  # type: ignore[assignment]
    return model


def without_zeros(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    """Draw what starts at 0 as GPT-2 does."""
    model = ModernGPT(sizes(vocab_size), generator)
    spread = 0.02 / (2 * model.config.n_layers) ** 0.5
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("output.weight", "outer.weight")):
                parameter.normal_(std=spread, generator=generator)
        model.head.weight.normal_(std=0.02, generator=generator)
    return model


def with_tied_head(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    """Let one table embed and score, as small as GPT-2's: its length does not matter inside."""
    model = ModernGPT(sizes(vocab_size), generator)
    with torch.no_grad():
        model.tokens.weight.mul_(0.02)
    model.head.weight = model.tokens.weight
    return model


def as_large_as_the_peer(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    large = ModernGPTConfig(vocab_size=vocab_size, d_model=128, n_heads=4, n_layers=4)
    return ModernGPT(large, generator)


def variants(
    whole: "Recipe", number_format: NumberFormat
) -> Iterator[tuple["Recipe", NumberFormat]]:
    """Give each recipe with its number format.

    Args:
        whole: With all ingredients.
        number_format: The one that the whole is trained in.
    """
    models = {
        "LayerNorm, not RMS norm without gains": with_layer_norm,
        "learnt positions, not rotary": with_learned_positions,
        "queries and keys not normalised": with_attention(WithoutNormedQueries),
        "GELU, not ReLU²": with_gelu,
        "random projections and head, not zeros": without_zeros,
        "no value residual": with_attention(WithoutFirstValues),
        "no token shift": with_attention(WithoutShift),
        "tied head": with_tied_head,
    }
    for name, make_model in models.items():
        yield whole._replace(name=name, make_model=make_model), number_format
    muon = whole.config.optimizer
    assert isinstance(muon, MuonConfig)
    usual = replace(muon, learning_rate=0.02, momentum=0.95, adamw=MuonConfig().adamw)
    adamw = AdamWConfig(learning_rate=0.01, beta2=0.99, weight_decay=0.0)
    cosine = WarmupCosine(n_warmup=5, final=0.1)
    changes = {
        "AdamW for all": replace(whole.config, optimizer=adamw),
        "Muon's and AdamW's usual settings": replace(whole.config, optimizer=usual),
        "cosine to 10 %, not a line to 0": replace(whole.config, schedule=cosine),
    }
    for name, config in changes.items():
        yield whole._replace(name=name, config=config), number_format
    fewer = replace(whole.config, n_steps=whole.config.n_steps // 2)
    name = "as large as the peer, half the steps"
    yield whole._replace(name=name, make_model=as_large_as_the_peer, config=fewer), number_format
    other = FLOAT32 if number_format == BFLOAT16 else BFLOAT16
    yield whole._replace(name=f"in {other.precision}"), other
