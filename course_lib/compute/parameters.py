"""How many numbers a model has learnt, and in which of its parts they sit."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """Parameters of a model.

    Attributes:
        total: All of them; one that is used twice (tied weights) counts once.
        trainable: Those that training changes.
        by_component: Those of each part, in the model's order; all layers together, so that
            "blocks.attention" stands for the attention of every block.
    """

    total: int
    trainable: int
    by_component: dict[str, int]


def count_parameters(model: nn.Module) -> ParameterCount:
    """Count the parameters of a model, part by part.

    Args:
        model: Any network of torch.

    Returns:
        The counts. A part is a module beside the layers, or the same module of all layers.

    Example:
        >>> network = nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 2))
        >>> count_parameters(network)
        ParameterCount(total=29, trainable=29, by_component={'0': 21, '1': 8})
    """
    by_component: Counter[str] = Counter()
    n_trainable = 0
    for name, parameter in model.named_parameters():
        by_component[component_of(name)] += parameter.numel()
        n_trainable += parameter.numel() if parameter.requires_grad else 0
    return ParameterCount(
        total=by_component.total(), trainable=n_trainable, by_component=dict(by_component)
    )


def count_parameters_of(build: Callable[[Config], nn.Module], config: Config) -> ParameterCount:
    """Count the parameters that a model of these settings would have, without room for them.

    Args:
        build: The model's class, such as `GPT`.
        config: Its settings.

    Returns:
        The counts, even of a model that would not fit into memory.

    Example:
        >>> from course_lib.models import GPT, gpt2_small
        >>> count_parameters_of(GPT, gpt2_small()).total
        124439808
    """
    with torch.device("meta"):  # tensors with a shape and no numbers
        return count_parameters(build(config))


def component_of(name: str) -> str:
    """Name the part of a model that a parameter belongs to.

    Args:
        name: As in `named_parameters()`.

    Returns:
        The module's name; inside numbered layers, without the number and cut after the module
        that follows it.

    Example:
        >>> component_of("blocks.11.attention.qkv.weight"), component_of("tokens.weight")
        ('blocks.attention', 'tokens')
    """
    modules = name.split(".")[:-1]
    numbered = [place for place, module in enumerate(modules[:-1]) if module.isdecimal()]
    if numbered:
        modules = modules[: numbered[0] + 2]
        del modules[numbered[0]]
    return ".".join(modules) or name
