"""LoRA: leave a pretrained matrix as it is, and learn a small correction of low rank beside it.

Letters: *B = any number of leading axes (sequences, tokens), I = inputs, O = outputs of a linear
map, R = rank.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

QUERIES_AND_VALUES = ("query", "value", "qkv", "c_attn", "q_proj", "v_proj")
"""What is adapted by default: the names in our models and in Hugging Face's BERT, GPT-2 and Llama.

Where queries, keys and values come from one matrix, the keys are adapted with them.
"""


@dataclass(frozen=True, kw_only=True)
class LoRAConfig:
    """The settings of LoRA.

    Attributes:
        rank: Width of the correction in the middle (≥ 1): a matrix of O × I numbers gets
            R · (O + I) new ones.
        alpha: The correction is multiplied by alpha / rank (> 0).
        dropout: Chance that an input of the correction is set to 0 in training (in [0, 1)).
        targets: Names, or ends of names, of the linear maps to adapt, such as "query" or
            "attention.query"; none: those of queries and values, as the paper advises.
        heads: Names, or ends of names, of modules that are trained as a whole, such as a new
            classifier.

    Reference:
        Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", sections 4.1 and 7.1
        (which matrices to adapt), https://arxiv.org/abs/2106.09685
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank must be ≥ 1; got rank={self.rank}.")
        if not self.alpha > 0:
            raise ValueError(f"alpha must be > 0; got alpha={self.alpha}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1); got dropout={self.dropout}.")
        for name in ("targets", "heads"):
            if isinstance(getattr(self, name), str):
                raise ValueError(
                    f"{name} must be a tuple of names; got {getattr(self, name)!r}. "
                    "A tuple of one has a comma at its end."
                )


class LoRALinear(nn.Module):
    """A linear map that stays as it is, plus a product of two small matrices that is learnt.

    As `up` begins as zeros, it first computes what the linear map computes, to the last bit.

    Args:
        base: An `nn.Linear`, or Hugging Face's `Conv1D`, which stores its matrix turned.
        config: Rank, alpha and dropout.
        generator: Where `down` is drawn from; torch's global generator if None.

    Attributes:
        base: The map itself.
        config: As above.
        down: R × I numbers, A in the paper.
        up: O × R numbers, B in the paper.

    Reference:
        Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", eq. 3,
        https://arxiv.org/abs/2106.09685. Unlike the paper, and like its authors' code, A is drawn
        evenly between ±1/√I, not from a normal distribution.

    Example:
        >>> layer = LoRALinear(nn.Linear(5, 3), LoRAConfig(rank=2))
        >>> layer.down.shape, layer.up.shape, layer(torch.zeros(7, 5)).shape
        (torch.Size([2, 5]), torch.Size([3, 2]), torch.Size([7, 3]))
    """

    def __init__(
        self, base: nn.Module, config: LoRAConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        n_out, n_in = linear_sizes(base)
        self.base = base
        self.config = config
        weight = base.get_parameter("weight")
        bound = 1 / math.sqrt(n_in)
        down = torch.empty(config.rank, n_in, dtype=weight.dtype)
        self.down = nn.Parameter(
            down.uniform_(-bound, bound, generator=generator).to(weight.device)
        )
        self.up = nn.Parameter(weight.new_zeros(n_out, config.rank))
        self.dropout = nn.Dropout(config.dropout)
        self.train(base.training)

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        """Give the outputs of the map, and what was learnt beside it."""
        correction = F.linear(F.linear(self.dropout(x), self.down), self.up)
        return self.base(x) + self.scale * correction

    @property
    def scale(self) -> float:
        """What the product of the two matrices is multiplied by."""
        return self.config.alpha / self.config.rank

    @torch.no_grad()
    def merge(self) -> nn.Module:
        """Add the correction to the matrix of the map, and give the map back.

        In float32 and float64 the outputs stay the same up to rounding; in 16 bits, adding small
        numbers to large ones loses digits.
        """
        correction = self.scale * self.up @ self.down
        weight = self.base.get_parameter("weight")
        weight += correction.mT if _is_turned(self.base) else correction
        return self.base


def add_lora(
    model: nn.Module, config: LoRAConfig, generator: torch.Generator | None = None
) -> list[str]:
    """Put LoRA around linear maps of a model, in place, and freeze all its own parameters.

    What is trained from now on are the corrections and the heads that the config names. The model
    still computes what it computed before.

    Args:
        model: Of ours, of Hugging Face, or one that holds such a model.
        config: Which maps, and how wide the corrections are.
        generator: Where the first numbers come from; torch's global generator if None.

    Returns:
        The names of the adapted maps, in the order of the model.

    Raises:
        ValueError: If the model has LoRA already; if a target or a head is not there; or if a map
            or a head shares its weights with another module, as a tied output head does.

    Example:
        >>> model = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 3), nn.Linear(3, 2))
        >>> add_lora(model, LoRAConfig(rank=1, targets=("0", "1"), heads=("2",)))
        ['0', '1']
        >>> [name for name, p in model.named_parameters() if p.requires_grad]
        ['0.down', '0.up', '1.down', '1.up', '2.weight', '2.bias']
    """
    require_no_lora(model)
    _require_heads(model, config)
    heads = find_heads(model, config)
    names = _find_targets(model, config, heads)
    _require_own_weights(model, [*names, *heads])
    model.requires_grad_(False)
    for name in heads:
        model.get_submodule(name).requires_grad_(True)
    for name in names:
        _replace(model, name, LoRALinear(model.get_submodule(name), config, generator))
    return names


def merge_lora(model: nn.Module) -> None:
    """Add what LoRA learnt to the model's own matrices and take LoRA out, in place.

    The model has the modules and the names that it had before `add_lora`, computes what it
    computes now, and costs no more than it did. Its parameters stay frozen; for further training
    call `model.requires_grad_(True)`.

    Args:
        model: With LoRA.

    Raises:
        ValueError: If the model has no LoRA.
    """
    for name, layer in require_layers(model).items():
        _replace(model, name, layer.merge())


def lora_parameters(model: nn.Module) -> list[nn.Parameter]:
    """List the parameters that LoRA added; heads are not among them.

    Args:
        model: With LoRA, or without it: then there are none.

    Example:
        >>> model = nn.Sequential(nn.Linear(5, 3))
        >>> names = add_lora(model, LoRAConfig(rank=2, targets=("0",)))
        >>> sum(parameter.numel() for parameter in lora_parameters(model))
        16
    """
    return [parameter for layer in _layers(model).values() for parameter in (layer.down, layer.up)]


def require_layers(model: nn.Module) -> dict[str, LoRALinear]:
    """Give the adapted maps of a model by name.

    Args:
        model: With LoRA.

    Raises:
        ValueError: If the model has no LoRA.
    """
    if not (layers := _layers(model)):
        raise ValueError("model must have LoRA; got none. Call add_lora(model, config) first.")
    return layers


def require_no_lora(model: nn.Module) -> None:
    """Refuse a model that has LoRA already.

    Args:
        model: Any model.

    Raises:
        ValueError: If it has.
    """
    if _layers(model):
        raise ValueError("model must not have LoRA yet; got some. Call merge_lora(model) first.")


def find_heads(model: nn.Module, config: LoRAConfig) -> list[str]:
    """Name the modules of a model that are trained as a whole.

    Args:
        model: The model, or a part of it, which may have none of the heads.
        config: What the heads are called.

    Returns:
        The names, in the order of the model, without modules inside of others.

    Example:
        >>> model = nn.ModuleDict({"encoder": nn.Linear(5, 3), "head": nn.Linear(3, 2)})
        >>> find_heads(model, LoRAConfig(heads=("head",)))
        ['head']
    """
    heads: list[str] = []
    for name in _matching([name for name, _ in model.named_modules()], config.heads):
        if not _inside(name, heads):
            heads.append(name)
    return heads


def linear_sizes(module: nn.Module) -> tuple[int, int]:
    """Give the numbers of outputs and inputs of a linear map.

    Args:
        module: An `nn.Linear` or Hugging Face's `Conv1D`.

    Raises:
        ValueError: If it is neither.

    Example:
        >>> linear_sizes(nn.Linear(5, 3))
        (3, 5)
    """
    if not is_linear(module):
        raise ValueError(f"module must be an nn.Linear or a Conv1D; got {type(module).__name__}.")
    n_rows, n_columns = module.get_parameter("weight").shape
    return (n_columns, n_rows) if _is_turned(module) else (n_rows, n_columns)


def is_linear(module: nn.Module) -> bool:
    """Tell whether LoRA can be put around a module.

    Args:
        module: Any module.
    """
    return isinstance(module, nn.Linear) or _is_turned(module)


def _require_heads(model: nn.Module, config: LoRAConfig) -> None:
    if missing := _missing([name for name, _ in model.named_modules()], config.heads):
        there_are = ", ".join(name for name, _ in model.named_children())
        raise ValueError(
            f"heads must be names of modules, or their ends; got {missing}. "
            f"At the top there are: {there_are}."
        )


def _find_targets(model: nn.Module, config: LoRAConfig, heads: Sequence[str]) -> list[str]:
    """Name the linear maps to adapt, none of them in a head."""
    names = [
        name
        for name, module in model.named_modules()
        if is_linear(module) and not _inside(name, heads)
    ]
    missing = _missing(names, config.targets)
    found = _matching(names, config.targets or QUERIES_AND_VALUES)
    if missing or not found:
        there_are = ", ".join(sorted({name.rpartition(".")[2] for name in names}))
        raise ValueError(
            "targets must be names of linear maps outside the heads, or their ends; got "
            f"{missing or 'none'}. There are maps whose names end with: {there_are or 'none'}."
        )
    return found


def _matching(names: Sequence[str], endings: Sequence[str]) -> list[str]:
    return [name for name in names if any(f".{name}".endswith(f".{end}") for end in endings)]


def _missing(names: Sequence[str], endings: Sequence[str]) -> list[str]:
    return [end for end in endings if not _matching(names, [end])]


def _require_own_weights(model: nn.Module, names: Sequence[str]) -> None:
    """Refuse modules whose weights, merged or trained, would change another module too."""
    owners: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners.setdefault(id(parameter), []).append(name)
    for name in names:
        for parameter in model.get_submodule(name).parameters():
            if len(owners[id(parameter)]) > 1:
                raise ValueError(
                    f"{name} must have weights of its own; got a parameter shared by "
                    f"{owners[id(parameter)]}. Leave it out."
                )


def _inside(name: str, others: Sequence[str]) -> bool:
    return any(f"{name}.".startswith(f"{other}.") for other in others)


def _layers(model: nn.Module) -> dict[str, LoRALinear]:
    return {name: m for name, m in model.named_modules() if isinstance(m, LoRALinear)}


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)


def _is_turned(module: nn.Module) -> bool:
    """Recognise Hugging Face's Conv1D by its name: transformers need not be there."""
    return type(module).__name__ == "Conv1D"
