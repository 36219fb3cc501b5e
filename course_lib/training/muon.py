"""Muon: each step moves a matrix by an (almost) orthogonal matrix, along all directions alike.

Letters: *B = any number of leading axes (matrices side by side), M = rows, N = columns.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.training import foreach
from course_lib.training.groups import hidden_matrices, parameter_groups
from course_lib.training.layerwise import LayerwiseAdamWConfig, layerwise_groups
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.sharding import is_part

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial a x + b x³ + c x⁵, which lifts small singular values fastest."""


@dataclass(frozen=True, kw_only=True)
class MuonConfig:
    """The settings of Muon, and of AdamW for the parameters that Muon leaves alone.

    Attributes:
        learning_rate: How far a hidden matrix moves in one step, along each direction (> 0).
        momentum: How much of the averaged gradient is kept at each step (in [0, 1)).
        n_iterations: Newton–Schulz iterations in each step (≥ 1).
        weight_decay: Share of a hidden matrix, times the learning rate, that is taken off at each
            step (≥ 0).
        precision: Number format of the iterations; "float32" stands for that of the weights.
        adamw: For embeddings, output heads, norms and biases.
    """

    learning_rate: float = 0.02
    momentum: float = 0.95
    n_iterations: int = 5
    weight_decay: float = 0.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    adamw: AdamWConfig = field(default_factory=lambda: AdamWConfig(learning_rate=3e-3))

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0; got learning_rate={self.learning_rate}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1); got momentum={self.momentum}.")
        if self.n_iterations < 1:
            raise ValueError(f"n_iterations must be ≥ 1; got n_iterations={self.n_iterations}.")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be ≥ 0; got weight_decay={self.weight_decay}.")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(
                f"precision must be 'float32' or 'bfloat16'; got precision={self.precision!r}."
            )


def orthogonalise(matrix: Float[Tensor, "*B M N"], n_iterations: int) -> Float[Tensor, "*B M N"]:
    """Bring the singular values of a matrix near 1 and keep its singular vectors.

    Matrices are divided by their lengths, so that no singular value is above 1, and then an odd
    polynomial is applied again and again: it needs only matrix products, no decomposition.

    Args:
        matrix: One matrix or several side by side; a matrix of zeros stays zero.
        n_iterations: How often the polynomial is applied. 5 bring every singular value between
            1 % of the length and the length itself into the band from 0.68 to 1.14.

    Returns:
        About U Vᵀ, if the matrix is U S Vᵀ.

    Reference:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/

    Example:
        >>> orthogonalise(torch.diag(torch.tensor([3.0, 1.0])), 5).diagonal().round(decimals=1)
        tensor([0.8000, 1.1000])
    """
    a, b, c = COEFFICIENTS
    n_rows, n_columns = matrix.shape[-2:]
    x = matrix.reshape(-1, n_rows, n_columns)
    if n_rows > n_columns:  # the product with the own transpose shall be the smaller one
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(n_iterations):
        gram = x @ x.mT
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, factor, x, beta=a)
    return (x.mT if n_rows > n_columns else x).reshape(matrix.shape)


class Muon(torch.optim.Optimizer):
    """Muon for the matrices inside the blocks of a model, AdamW for all its other parameters.

    A matrix of shape 3D × D is taken as queries, keys and values on top of each other, each
    orthogonalised by itself. Matrices of equal shape are orthogonalised together.

    Reference:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/

    Example:
        >>> model = nn.Sequential(nn.ModuleList([nn.Linear(2, 3)]), nn.Linear(3, 7))
        >>> [len(group["params"]) for group in Muon(model, MuonConfig()).param_groups]
        [1, 1, 2]
    """

    def __init__(self, model: nn.Module, config: MuonConfig) -> None:
        """Share the model's parameters out.

        Args:
            model: What is trained.
            config: Settings of both optimisers.

        Raises:
            ValueError: If the model has no matrix inside a stack of blocks, or only parts of them.
        """
        matrices = hidden_matrices(model)
        if any(is_part(matrix) for matrix in matrices):
            raise ValueError(
                "model must have whole matrices for Muon; got parts of them, from shard_blocks. "
                "Take AdamW for it."
            )
        if not matrices:
            raise ValueError(
                "model must have matrices inside an nn.ModuleList for Muon; got none. "
                "Take AdamW for it."
            )
        self.config = config
        hidden = {
            "params": matrices,
            "lr": config.learning_rate,
            "weight_decay": config.weight_decay,
            "is_hidden": True,
        }
        taken = {id(matrix) for matrix in matrices}
        rest = parameter_groups(model, config.adamw.weight_decay)
        for group in rest:
            group["params"] = [p for p in group["params"] if id(p) not in taken]
        self._adamw = fused_adamw([group for group in rest if group["params"]], config.adamw)
        super().__init__([hidden, *self._adamw.param_groups], {"is_hidden": False})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every parameter that has a gradient.

        Args:
            closure: Must be None: the gradients are taken as they are.

        Raises:
            ValueError: If a closure is given.
        """
        if closure is not None:
            raise ValueError("closure must be None: compute the gradients before the step.")
        for group in self.param_groups:
            if group["is_hidden"]:
                self._step_hidden(group)
        # Loading a state puts new objects here, so what the two share is tied anew.
        self._adamw.state = self.state
        self._adamw.param_groups = [g for g in self.param_groups if not g["is_hidden"]]
        self._adamw.step()

    def _step_hidden(self, group: dict[str, Any]) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in group["params"]:
            if matrix.grad is not None:
                by_shape.setdefault(matrix.shape, []).append(matrix)
        for shape, matrices in by_shape.items():
            if group["weight_decay"]:
                foreach.multiply(matrices, 1 - group["lr"] * group["weight_decay"])
            directions = self._directions(matrices)
            rate = group["lr"] * _stretch(shape)
            foreach.add(matrices, directions.unbind(), -rate)

    def _directions(self, matrices: list[nn.Parameter]) -> Tensor:
        """Average the gradients of matrices of one shape and orthogonalise them, one by one."""
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]
        for matrix in matrices:
            if "momentum" not in self.state[matrix]:
                self.state[matrix]["momentum"] = torch.zeros_like(matrix)
        means = [self.state[matrix]["momentum"] for matrix in matrices]
        foreach.approach(means, gradients, 1 - self.config.momentum)
        # Nesterov's look ahead: the average as it would be after this gradient once more.
        ahead = torch.stack(gradients).lerp(torch.stack(means), self.config.momentum)
        _, n_rows, n_columns = ahead.shape
        parts = ahead.view(-1, n_columns, n_columns) if n_rows == 3 * n_columns else ahead
        working = parts.bfloat16() if self.config.precision == "bfloat16" else parts
        return orthogonalise(working, self.config.n_iterations).to(ahead.dtype).view_as(ahead)


def _stretch(shape: torch.Size) -> float:
    """Lengthen the step of a matrix that maps to a wider space, so that outputs move as much."""
    n_rows, n_columns = shape
    return 1.0 if n_rows == 3 * n_columns else math.sqrt(max(1.0, n_rows / n_columns))


def fused_adamw(groups: list[dict[str, Any]], config: AdamWConfig) -> torch.optim.AdamW:
    """Make torch's AdamW, which goes through the memory once per step where torch can.

    Args:
        groups: Parameters with their weight decays, from `parameter_groups`.
        config: The settings; its weight decay is already in the groups.

    Example:
        >>> model = nn.Linear(2, 3)
        >>> len(fused_adamw(parameter_groups(model, 0.1), AdamWConfig()).param_groups)
        2
    """
    devices = {p.device.type for group in groups for p in group["params"]}
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        fused=devices <= {"cpu", "cuda", "mps"},
    )


def make_optimizer(
    model: nn.Module, config: AdamWConfig | LayerwiseAdamWConfig | MuonConfig
) -> torch.optim.Optimizer:
    """Make the optimiser that a config describes; only matrices decay (see `parameter_groups`).

    Args:
        model: What is trained; it must already be on its device.
        config: `AdamWConfig` for AdamW, `LayerwiseAdamWConfig` for AdamW with a learning rate for
            each layer, `MuonConfig` for Muon with AdamW.

    Returns:
        The optimiser. Each group knows its highest learning rate as `initial_lr`.

    Raises:
        ValueError: If Muon finds no matrix to work on, or layer-wise AdamW no stack of blocks.

    Example:
        >>> type(make_optimizer(nn.Linear(2, 3), AdamWConfig())).__name__
        'AdamW'
    """
    if isinstance(config, MuonConfig):
        optimizer = Muon(model, config)
    elif isinstance(config, LayerwiseAdamWConfig):
        optimizer = fused_adamw(layerwise_groups(model, config), config.adamw)
    else:
        optimizer = fused_adamw(parameter_groups(model, config.weight_decay), config)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer
