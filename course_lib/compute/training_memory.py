"""How much memory training takes: parameters, gradients, the optimiser's averages, activations."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from course_lib.compute.activations import activation_bytes
from course_lib.compute.parameters import count_parameters, count_parameters_of
from course_lib.compute.shapes import model_class_of

Precision = Literal["float32", "mixed"]

_BYTES_A_PARAMETER = {"float32": (4, 4, 8), "mixed": (2, 2, 12)}
"""Of the parameter itself, its gradient, and AdamW's state; see `memory`."""

_ACTIVATION_NUMBER_BYTES = {"float32": 4, "mixed": 2}


@dataclass(frozen=True, kw_only=True)
class TrainingMemory:
    """Bytes that training keeps at the end of a forward pass.

    Attributes:
        parameter_bytes: The parameters that the products use.
        gradient_bytes: One gradient for each.
        optimizer_bytes: AdamW's two averages; in mixed precision, the parameters in float32, too.
        activation_bytes: What the forward pass keeps for the backward pass.
    """

    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int

    @property
    def total_bytes(self) -> int:
        """All of it. Buffers of kernels, fragments and the data come on top."""
        states = self.parameter_bytes + self.gradient_bytes + self.optimizer_bytes
        return states + self.activation_bytes


def memory(
    source: object,
    *,
    n_sequences: int,
    n_tokens: int,
    precision: Precision = "mixed",
    has_dropout: bool = False,
    is_fused: bool = True,
    on_cpu: bool = False,
) -> TrainingMemory:
    """Count the memory that a step of training with AdamW takes, part by part.

    A parameter takes 16 bytes either way: in float32 4 for itself, 4 for its gradient and 8 for
    AdamW's averages; in mixed precision 2 + 2, and 12 for the averages and a copy in float32.
    torch's `autocast` instead keeps parameters and gradients in float32, which is 16 again.

    Args:
        source: A model or its settings, as for `block_activation_bytes`.
        n_sequences: Sequences of a micro-batch (≥ 1).
        n_tokens: Tokens of each, padding included (≥ 1).
        precision: "mixed" for products in 16 bits, "float32" for all in 32.
        has_dropout: Whether dropout is on.
        is_fused: Whether attention runs in a kernel that keeps no T · T numbers.
        on_cpu: Whether torch runs on a CPU, where it keeps more.

    Raises:
        ValueError: As for `block_activation_bytes`, or if the precision is unknown.

    Reference:
        Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter
        Models", section 3.1, https://arxiv.org/abs/1910.02054; for the activations, Korthikanti et
        al. 2022, https://arxiv.org/abs/2205.05198

    Example:
        >>> from course_lib.models import gpt2_small
        >>> needed = memory(gpt2_small(), n_sequences=8, n_tokens=1024)
        >>> needed.optimizer_bytes // 124_439_808, needed.total_bytes // 2**20
        (12, 5797)
    """
    if precision not in _BYTES_A_PARAMETER:
        raise ValueError(
            f"precision must be one of {list(_BYTES_A_PARAMETER)}; got precision={precision!r}."
        )
    kept = activation_bytes(
        source,
        n_sequences=n_sequences,
        n_tokens=n_tokens,
        number_bytes=_ACTIVATION_NUMBER_BYTES[precision],
        has_dropout=has_dropout,
        is_fused=is_fused,
        on_cpu=on_cpu,
    )
    if isinstance(source, nn.Module):
        n_parameters = count_parameters(source).total
    else:
        n_parameters = count_parameters_of(model_class_of(source), source).total
    of_parameter, of_gradient, of_optimizer = _BYTES_A_PARAMETER[precision]
    return TrainingMemory(
        parameter_bytes=of_parameter * n_parameters,
        gradient_bytes=of_gradient * n_parameters,
        optimizer_bytes=of_optimizer * n_parameters,
        activation_bytes=kept,
    )
