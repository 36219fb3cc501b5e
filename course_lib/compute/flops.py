"""How many operations a Transformer takes: counted by its structure, and measured by torch.

An operation is a multiplication or an addition of two numbers; a product of an (n, k) and a (k, m)
matrix takes 2 · n · k · m of them. Only matrix products are counted, as everywhere in the field:
norms, bends and softmax take a few operations a number, products thousands.

Letters: B = sequences, T = tokens that look, S = tokens that are looked at, D = d_model.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from course_lib.compute.scaling import OPERATIONS_PER_PARAMETER_AND_TOKEN
from course_lib.compute.shapes import ModelShape, shape_of

BACKWARD_PER_FORWARD = 2
"""Each product Y = X · W takes two backwards: one for the gradient of X, one for that of W."""


@dataclass(frozen=True, kw_only=True)
class FlopCount:
    """Operations of one pass through a model.

    Attributes:
        forward_by_component: Those of the forward pass, part by part, in the model's order.
    """

    forward_by_component: dict[str, int]

    @property
    def forward(self) -> int:
        """Operations of the forward pass."""
        return sum(self.forward_by_component.values())

    @property
    def backward_by_component(self) -> dict[str, int]:
        """Those of the backward pass, part by part, if all parameters learn."""
        parts = self.forward_by_component.items()
        return {part: BACKWARD_PER_FORWARD * flops for part, flops in parts}

    @property
    def backward(self) -> int:
        """Operations of the backward pass, if all parameters learn."""
        return BACKWARD_PER_FORWARD * self.forward

    @property
    def total(self) -> int:
        """Operations of both passes: one step of training, the optimiser's own left out."""
        return self.forward + self.backward


def count_flops(
    source: object, *, n_sequences: int, n_tokens: int, n_source_tokens: int = 0
) -> FlopCount:
    """Count the operations of a Transformer by its structure; nothing is built or run.

    All T · S pairs of tokens are counted, those that a mask hides, too: the plain product computes
    them. A kernel that skips them does about half of "scores" and "values".

    Args:
        source: A model or its settings, as for `shape_of`.
        n_sequences: How many sequences are read side by side (≥ 1).
        n_tokens: Tokens of each, padding included; of an encoder-decoder, those of the target
            (≥ 1).
        n_source_tokens: Tokens of each source; 0 for a model that has none.

    Raises:
        ValueError: If the model is unknown, a number is below its limit, or there are tokens of a
            source for a model without one, or none for one with it.

    Reference:
        Kaplan et al. 2020, "Scaling Laws for Neural Language Models", table 1,
        https://arxiv.org/abs/2001.08361. Unlike the paper, both products of attention and the
        scores of all tokens are counted.

    Example:
        >>> from course_lib.models import gpt2_small
        >>> count = count_flops(gpt2_small(), n_sequences=1, n_tokens=1024)
        >>> f"{count.forward:,} forward, {count.total:,} with backward"
        '291,648,307,200 forward, 874,944,921,600 with backward'
    """
    shape = shape_of(source)
    require_lengths(shape, n_sequences, n_tokens, n_source_tokens)
    own = _attention(shape, n_tokens, n_tokens) + _feedforward(shape, n_tokens)
    flops = _times(own, shape.n_layers)
    if shape.n_source_layers:
        encoder = _attention(shape, n_source_tokens, n_source_tokens)
        encoder += _feedforward(shape, n_source_tokens)
        flops += _times(encoder, shape.n_source_layers)
        flops += _times(_attention(shape, n_tokens, n_source_tokens), shape.n_layers)
    head_width = shape.vocab_size + (shape.d_model if shape.kind == "bert" else 0)
    flops["head"] = 2 * n_tokens * shape.d_model * head_width
    parts = {part: n_sequences * number for part, number in flops.items()}
    return FlopCount(forward_by_component={"embedding": 0, **parts})  # a look-up multiplies nothing


def require_lengths(
    shape: ModelShape, n_sequences: int, n_tokens: int, n_source_tokens: int
) -> None:
    """Refuse numbers of sequences and tokens that a model cannot read.

    Args:
        shape: The model's sizes.
        n_sequences: How many sequences.
        n_tokens: Tokens of each.
        n_source_tokens: Tokens of each source.

    Raises:
        ValueError: As for `count_flops`.
    """
    for name, number in (("n_sequences", n_sequences), ("n_tokens", n_tokens)):
        if number < 1:
            raise ValueError(f"{name} must be ≥ 1; got {name}={number}.")
    if shape.n_source_layers and n_source_tokens < 1:
        raise ValueError(
            "n_source_tokens must be ≥ 1 for an encoder-decoder, which reads a source; "
            f"got n_source_tokens={n_source_tokens}."
        )
    if not shape.n_source_layers and n_source_tokens != 0:
        raise ValueError(
            "n_source_tokens must be 0 for a model that reads no source; "
            f"got n_source_tokens={n_source_tokens}."
        )


def _attention(shape: ModelShape, n_queries: int, n_keys: int) -> Counter[str]:
    """Count one layer's attention in one sequence: four projections, Q · Kᵀ, weights · V."""
    d_queries, d_keys = shape.n_heads * shape.d_head, shape.n_kv_heads * shape.d_head
    projected = 2 * d_queries * n_queries + 2 * d_keys * n_keys  # Q and output, K and V
    pairs = 2 * n_queries * n_keys * d_queries  # shared heads of keys serve every query head
    return Counter(
        {
            "attention projections": 2 * shape.d_model * projected,
            "scores": pairs,
            "values": pairs,
        }
    )


def _feedforward(shape: ModelShape, n_tokens: int) -> Counter[str]:
    n_matrices = 3 if shape.kind == "llama" else 2
    return Counter({"feed-forward": n_matrices * 2 * n_tokens * shape.d_model * shape.d_ff})


def _times(flops: Counter[str], n_layers: int) -> Counter[str]:
    return Counter({part: n_layers * number for part, number in flops.items()})


def palm_flops_per_token(
    n_parameters: float, *, n_layers: int, n_heads: int, d_head: int, n_tokens: int
) -> float:
    """Estimate the operations of training, per token, by the formula of PaLM: 6N + 12LHQT.

    It adds to `training_flops` the two products between tokens, which do not grow with N.

    Args:
        n_parameters: N, parameters that each token is multiplied with: a table of positions does
            not count.
        n_layers: L, number of blocks.
        n_heads: H, heads of the queries in a layer.
        d_head: Q, width of a head.
        n_tokens: T, length of a sequence.

    Reference:
        Chowdhery et al. 2022, "PaLM: Scaling Language Modeling with Pathways", appendix B,
        https://arxiv.org/abs/2204.02311

    Example:
        >>> n_parameters = 124_439_808.0 - 1024 * 768  # GPT-2 without its positions
        >>> sizes = {"n_layers": 12, "n_heads": 12, "d_head": 64, "n_tokens": 1024}
        >>> f"{1024 * palm_flops_per_token(n_parameters, **sizes):,.0f}"  # 0.1 % above the truth
        '875,690,459,136'
    """
    between_tokens = 12 * n_layers * n_heads * d_head * n_tokens
    return OPERATIONS_PER_PARAMETER_AND_TOKEN * n_parameters + between_tokens


def mfu(tokens_per_second: float, *, flops_per_token: float, peak_flops_per_second: float) -> float:
    """Say which share of a device's promised operations goes into those that the model needs.

    Args:
        tokens_per_second: Measured speed, of all devices together (> 0).
        flops_per_token: What the model needs for a token (> 0): in training, of both passes;
            what is computed twice to save memory counts once.
        peak_flops_per_second: The promise, of all devices together (> 0).

    Returns:
        Model FLOPs utilisation. Above 1, one of the three numbers is wrong.

    Raises:
        ValueError: If a number is not above 0.

    Reference:
        Chowdhery et al. 2022, "PaLM", appendix B, https://arxiv.org/abs/2204.02311

    Example:
        >>> mfu(100_000.0, flops_per_token=1e9, peak_flops_per_second=312e12)
        0.32...
    """
    numbers = {
        "tokens_per_second": tokens_per_second,
        "flops_per_token": flops_per_token,
        "peak_flops_per_second": peak_flops_per_second,
    }
    for name, number in numbers.items():
        if number <= 0:
            raise ValueError(f"{name} must be > 0; got {name}={number}.")
    return tokens_per_second * flops_per_token / peak_flops_per_second


def counted_flops(run: Callable[[], object]) -> int:
    """Let torch count the operations of whatever `run` does, and refuse a count with a hole in it.

    `FlopCounterMode` knows the fused attention of CUDA, but not that of a CPU: there it counts 0
    for both products between tokens, without a word.

    Args:
        run: Calls the model; calls `backward` too, if that shall count.

    Raises:
        ValueError: If `run` calls a kernel of attention that torch's counter does not know.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(3, 5)
        >>> counted_flops(lambda: layer(torch.ones(7, 3)))  # 2 · 7 · 3 · 5
        210
    """
    with FlopCounterMode(display=False) as counter, _AttentionGuard():
        run()
    return counter.get_total_flops()


class _AttentionGuard(TorchDispatchMode):
    """Refuses operations of attention for which torch's counter would write down nothing."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if "attention" in name and func.overloadpacket not in flop_registry:
            raise ValueError(
                f"run must not call {name}, for which torch's counter writes down 0. Let attention "
                "be written out: run it in `with torch.nn.attention.sdpa_kernel(SDPBackend.MATH)`, "
                'or load Hugging Face\'s model with attn_implementation="eager".'
            )
        return func(*args, **(kwargs or {}))
