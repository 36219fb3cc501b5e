"""Trying a LoRA layer, for the exercise of lesson 07a: what it does, and what it is made of.

Letters: I = inputs, O = outputs of a linear map, R = rank.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib.finetuning.lora import LoRAConfig
from course_lib.seeding import make_generator

START, UP, DOWN_IS_ZERO = "forward at the start", "up at the start", "down is zero at the start"
EVEN, DRAWN = "down is drawn evenly between ±1/√I", "down comes from the generator"
LEARNING, GRADIENTS = "parameters that learn", "gradients reach"
SHAPES, SCALE = "shapes of down and up", "scale"
BASE, GIVEN = "base is the map itself", "merge gives back"
MERGED_LEARNS, IN_PLACE = "the merged map learns", "the map itself, after merging"


class Sizes(NamedTuple):
    """The linear map that LoRA is put around."""

    n_in: int
    n_out: int
    has_bias: bool = True
    is_turned: bool = False
    dtype: torch.dtype = torch.float64


class Conv1D(nn.Module):
    """A linear map that stores its matrix turned, as Hugging Face's GPT-2 does."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Give the outputs."""
        return x @ self.weight + self.bias


def use_lora(layer_class: Callable[..., Any], sizes: Sizes, config: LoRAConfig) -> dict[str, Any]:
    """Put a layer around a frozen map, let it learn something, merge it, and look at everything.

    Args:
        layer_class: The library's `LoRALinear` or an answer.
        sizes: The map.
        config: As in the signature of `LoRALinear`.

    Returns:
        Name → what was seen.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        base = _make_base(sizes)
        x = _randn(1, 2, 3, sizes.n_in).to(sizes.dtype)
        layer = layer_class(base, config, make_generator(0))
        seen = _look_at_the_start(layer, base, x)
        seen |= _drawing(layer_class)
        _learn(layer)
        seen |= _look_at_the_learnt(layer, x)
        return seen | _look_at_the_merged(layer, base, x)
    finally:
        torch.set_default_dtype(usual)


def _randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed)) / 2


def _make_base(sizes: Sizes) -> nn.Module:
    if sizes.is_turned:
        base: nn.Module = Conv1D(sizes.n_in, sizes.n_out)
    else:
        base = nn.Linear(sizes.n_in, sizes.n_out, bias=sizes.has_bias)
    for seed, parameter in enumerate(base.parameters()):
        parameter.data = _randn(10 + seed, *parameter.shape)
    return base.requires_grad_(False).to(sizes.dtype)


def _matrix(layer: Any, name: str) -> Tensor:
    """Return `down` or `up`; of a linear map in its place, the weight."""
    part: Any = getattr(layer, name)
    matrix: Any = part.weight if isinstance(part, nn.Module) else part
    return matrix


def _look_at_the_start(layer: Any, base: nn.Module, x: Tensor) -> dict[str, Any]:
    layer.eval()
    return {
        START: layer(x).detach(),
        SCALE: layer.scale,
        SHAPES: [tuple(_matrix(layer, name).shape) for name in ("down", "up")],
        UP: _matrix(layer, "up").detach().clone(),
        DOWN_IS_ZERO: not bool(_matrix(layer, "down").any()),
        LEARNING: sorted(name for name, one in layer.named_parameters() if one.requires_grad),
        BASE: layer.base is base,
        "config": layer.config,
    }


def _drawing(layer_class: Callable[..., Any]) -> dict[str, bool]:
    """Look how `down` is drawn, where there are enough numbers to tell."""
    n_in = 64
    drawn = [
        _matrix(
            layer_class(nn.Linear(n_in, 3), LoRAConfig(rank=16), make_generator(seed)), "down"
        ).detach()
        for seed in (5, 5, 6)
    ]
    bound = 1 / math.sqrt(n_in)
    spread = drawn[0].std().item() / (bound / math.sqrt(3))
    same, others = torch.equal(drawn[0], drawn[1]), torch.equal(drawn[0], drawn[2])
    return {
        EVEN: bool(drawn[0].abs().max() <= bound * (1 + 1e-6)) and 0.9 < spread < 1.1,
        DRAWN: same and not others,
    }


def _learn(layer: Any) -> None:
    """Put some numbers in the place of what would be learnt."""
    for seed, name in enumerate(("down", "up")):
        matrix = _matrix(layer, name)
        matrix.data = _randn(20 + seed, *matrix.shape).to(matrix.dtype)


def _look_at_the_learnt(layer: Any, x: Tensor) -> dict[str, Any]:
    torch.manual_seed(0)
    seen = {"forward after learning": layer(x).detach()}
    layer.train()
    torch.manual_seed(0)
    seen["forward in training"] = layer(x).detach()
    layer.eval()
    output = layer(x)
    if output.requires_grad:
        output.square().sum().backward()
    reached = [name for name in ("down", "up") if _matrix(layer, name).grad is not None]
    return {**seen, GRADIENTS: reached}


def _look_at_the_merged(layer: Any, base: nn.Module, x: Tensor) -> dict[str, Any]:
    merged = layer.merge()
    given = {id(base): "the map", id(layer): "the layer", id(None): "nothing"}
    used = base if merged is None else merged
    torch.manual_seed(0)
    return {
        GIVEN: given.get(id(merged), "another map"),
        "forward of what merge gives": used(x).detach(),
        IN_PLACE: base(x).detach(),
        MERGED_LEARNS: any(one.requires_grad for one in base.parameters()),
    }
