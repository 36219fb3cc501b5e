"""A GPT with what a few years of speed records have added: the same loss for a tenth of the work.

It is for training fast and for taking apart, so it has neither cache nor padding; each ingredient
is named with its paper where it stands. `benchmarks/time_to_loss.py` measures what each one buys.

Letters: B = sequences, T = tokens, H = heads, K = d_head, K2 = d_head / 2, D = d_model,
V = vocab_size.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.models.decoder import require_positive
from course_lib.nn.attention import attend, merge_heads, split_heads
from course_lib.nn.feedforward import relu_squared
from course_lib.nn.positions import rotary_angles, rotate


@dataclass(frozen=True, kw_only=True)
class ModernGPTConfig:
    """Settings of `ModernGPT`.

    Attributes:
        vocab_size: Number of tokens.
        d_model: Width of the residual stream.
        n_heads: Attention heads in a layer, each of even width d_model / n_heads.
        n_layers: Number of blocks.
        d_ff: Width inside the feed-forward layers; 0 stands for 4 · d_model.
        rope_base: The larger, the slower the slowest rotary positions turn. The usual 10,000 is for
            texts of thousands of tokens.
    """

    vocab_size: int
    d_model: int
    n_heads: int
    n_layers: int
    d_ff: int = 0
    rope_base: float = 1000.0

    def __post_init__(self) -> None:
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        require_positive(self, "vocab_size", "d_model", "n_heads", "n_layers", "d_ff")
        if self.d_model % (2 * self.n_heads):
            raise ValueError(
                f"d_model must be a multiple of 2 · n_heads={2 * self.n_heads}, because rotary "
                f"positions turn pairs; got d_model={self.d_model}."
            )
        if self.rope_base <= 1:
            raise ValueError(f"rope_base must be > 1; got rope_base={self.rope_base}.")

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads


def normalise(x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
    """Scale every vector to root mean square 1, and learn nothing.

    The matrix that follows can stretch each coordinate as well as a learnt gain could.

    Args:
        x: The vectors.

    Reference:
        Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4,
        https://arxiv.org/abs/1910.07467. Unlike the paper, there is no gain.

    Example:
        >>> normalise(torch.tensor([1.0, 7.0]))
        tensor([0.2000, 1.4000])
    """
    return F.rms_norm(x, x.shape[-1:])


def previous_tokens(x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
    """Give each place the vector of the token before; the first place gets zeros.

    Args:
        x: One vector a token.

    Example:
        >>> previous_tokens(torch.tensor([[[3.0], [4.0], [5.0]]])).flatten()
        tensor([0., 3., 4.])
    """
    return F.pad(x, (0, 0, 1, -1))


class ModernAttention(nn.Module):
    """Causal self-attention whose tokens know their neighbour, and whose scores are bounded.

    Args:
        config: Settings of the model.

    Attributes:
        shift: How much of the token before joins each coordinate of a token; 0 at the start.
        qkv: The linear map to queries, keys and values, side by side.
        output: The linear map that mixes the heads; 0 at the start.
        value_mix: The shares of this layer's values and of the first layer's; ½ each at the start.

    Reference:
        Token shift: Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer Era", section
        3.1.1, https://arxiv.org/abs/2305.13048. Unlike the paper, the token before is added.
        Normalised queries and keys: Dehghani et al. 2023, "Scaling Vision Transformers to 22
        Billion Parameters", section 2.1, https://arxiv.org/abs/2302.05442. Unlike the paper, the
        norm is RMS, without gains.
        Rotary positions: Su et al. 2021, "RoFormer", https://arxiv.org/abs/2104.09864.
        Value residual: Zhou et al. 2024, "Value Residual Learning", eq. 4 (learnable),
        https://arxiv.org/abs/2410.17897.
    """

    def __init__(self, config: ModernGPTConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.shift = nn.Parameter(torch.zeros(config.d_model))
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.output = nn.Linear(config.d_model, config.d_model, bias=False)
        self.value_mix = nn.Parameter(torch.full((2,), 0.5))

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        angles: Float[Tensor, "T K2"],
        first_value: Float[Tensor, "B H T K"] | None,
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B H T K"]]:
        """Gather from the tokens so far.

        Args:
            x: The tokens, normalised.
            angles: From `rotary_angles`.
            first_value: The values of the first layer; None if this is the first.

        Returns:
            What was gathered, and the values of the first layer.
        """
        x = x + self.shift * previous_tokens(x)
        n_heads = self.n_heads
        # What happens to queries and keys is the same, so it happens to both at once.
        query_key, value = split_heads(self.qkv(x), 3 * n_heads).split((2 * n_heads, n_heads), 1)
        query, key = rotate(normalise(query_key), angles).chunk(2, dim=1)
        first_value = value if first_value is None else first_value
        own, first = self.value_mix.to(value.dtype)
        mixed = attend(query, key, own * value + first * first_value, is_causal=True)
        return self.output(merge_heads(mixed)), first_value


class ModernFeedForward(nn.Module):
    """The feed-forward half of a block, with ReLU² in between and no biases.

    Args:
        config: Settings of the model.

    Attributes:
        inner: The linear map from d_model to d_ff.
        outer: The linear map from d_ff to d_model; 0 at the start.

    Reference:
        So et al. 2021, "Primer: Searching for Efficient Transformers for Language Modeling",
        https://arxiv.org/abs/2109.08668
    """

    def __init__(self, config: ModernGPTConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.outer = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Transform each vector by itself: no token sees another here."""
        return self.outer(relu_squared(self.inner(x)))


class ModernGPTBlock(nn.Module):
    """One layer: each token gathers from the past, then thinks by itself; both add to the stream.

    Args:
        config: Settings of the model.
    """

    def __init__(self, config: ModernGPTConfig) -> None:
        super().__init__()
        self.attention = ModernAttention(config)
        self.feedforward = ModernFeedForward(config)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        angles: Float[Tensor, "T K2"],
        first_value: Float[Tensor, "B H T K"] | None,
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B H T K"]]:
        """Add what both halves have to say; see `ModernAttention.forward`."""
        gathered, handed_on = self.attention(normalise(x), angles, first_value)
        x = x + gathered
        return x + self.feedforward(normalise(x)), handed_on


class ModernGPT(nn.Module):
    """A decoder that learns fast: every block begins as nothing, and every token as equally likely.

    The matrices that write to the residual stream and the head start at 0, so that the stream is
    the token's own vector at first and the loss exactly ln V. The head is a table of its own: one
    shared with the token vectors could not start at 0 without them.

    Args:
        config: Sizes.
        generator: Where the fresh weights come from; torch's global generator if None.

    Attributes:
        config: As above.
        tokens: The table of token vectors.
        head: Scores the next token; 0 at the start.

    Reference:
        Zeros: Zhao, Schäfer and Anandkumar 2022, "ZerO Initialization: Initializing Neural Networks
        with only Zeros and Ones", https://arxiv.org/abs/2110.12661; Yang et al. 2022, "Tensor
        Programs V", appendix D.2 (the head), https://arxiv.org/abs/2203.03466.
        Most of the ingredients together: Jordan et al. 2024, "modded-nanogpt",
        https://github.com/KellerJordan/modded-nanogpt

    Example:
        >>> model = ModernGPT(ModernGPTConfig(vocab_size=11, d_model=12, n_heads=3, n_layers=2))
        >>> model(torch.tensor([[4, 0, 10]])).shape
        torch.Size([1, 3, 11])
    """

    def __init__(self, config: ModernGPTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(ModernGPTBlock(config) for _ in range(config.n_layers))
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        initialise_modern(self, generator)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Score every token of the vocabulary as the next one, after each token.

        Args:
            ids: The tokens. Padding is allowed after the end of a text only, where no real token
                sees it.
        """
        # Kept in float32 whatever the model's format is, so never stored in the model.
        angles = rotary_angles(ids.shape[1], self.config.d_head, base=self.config.rope_base)
        angles = angles.to(ids.device)
        x, first_value = normalise(self.tokens(ids)), None
        for block in self.blocks:
            x, first_value = block(x, angles, first_value)
        return self.head(normalise(x))


@torch.no_grad()
def initialise_modern(model: ModernGPT, generator: torch.Generator | None) -> None:
    """Draw fresh weights: 0 for what writes to the stream and for the head, no growth elsewhere.

    Args:
        model: Its matrices are drawn anew, in place.
        generator: Where the numbers come from; torch's global generator if None.
    """
    for name, parameter in model.named_parameters():
        if name.endswith(("output.weight", "outer.weight", "head.weight")):
            parameter.zero_()
        elif name.endswith(("qkv.weight", "inner.weight")):  # keeps root mean square 1 at 1
            parameter.normal_(std=model.config.d_model**-0.5, generator=generator)
    model.tokens.weight.normal_(generator=generator)
