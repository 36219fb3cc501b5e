"""The exercise of lesson 07a on LoRA, a class.

Letters: I = inputs, O = outputs of a linear map, R = rank.
"""

from collections.abc import Callable
from typing import Any

import torch

from course_lib.finetuning.lora import LoRAConfig
from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.lora_trial import (
    BASE,
    DOWN_IS_ZERO,
    DRAWN,
    EVEN,
    GIVEN,
    GRADIENTS,
    IN_PLACE,
    LEARNING,
    MERGED_LEARNS,
    SCALE,
    SHAPES,
    UP,
    Sizes,
    use_lora,
)
from course_lib.lesson.lora_twins import TWINS
from course_lib.lesson.recognising import Recogniser, right_except_on


def _wrong_in(observations: tuple[Observation, ...]) -> set[str]:
    """Name all that differs from the library's on some case."""
    return {
        name
        for one in observations
        for name in one.expected
        if not agree(one.value[name], one.expected[name], 1e-5)
    }


def _only(*names: str) -> Recogniser:
    """Make a recogniser of answers wrong in nothing but `names`, and in the first of them."""

    def seen(observations: tuple[Observation, ...]) -> bool:
        wrong = _wrong_in(observations)
        return names[0] in wrong and wrong <= set(names)

    return seen


def _each(holds: Callable[[dict[str, Any]], bool]) -> Recogniser:
    """Make a recogniser of answers of which something holds on every case that they live through.

    They may have made other mistakes as well.
    """

    def seen(observations: tuple[Observation, ...]) -> bool:
        values = [one.value for one in observations if one.error is None]
        return bool(values) and all(map(holds, values))

    return seen


def _start_is(*, down_is_zero: bool, up_is_zero: bool) -> Recogniser:
    """Make a recogniser of what `down` and `up` begin as."""
    return _each(
        lambda value: (value[DOWN_IS_ZERO], not value[UP].any()) == (down_is_zero, up_is_zero)
    )


def _learning(*names: str) -> Recogniser:
    """Make a recogniser of layers with parameters that learn whose names begin so."""
    return _each(
        lambda value: all(any(one.startswith(name) for one in value[LEARNING]) for name in names)
    )


def _stored_turned(observations: tuple[Observation, ...]) -> bool:
    return all(
        [shape[::-1] for shape in one.value[SHAPES]] == one.expected[SHAPES] for one in observations
    ) and any(one.value[SHAPES] != one.expected[SHAPES] for one in observations)


def _merged_with_gradient(observations: tuple[Observation, ...]) -> bool:
    if all("non-leaf" in str(one.error) for one in observations):
        return True  # torch refuses to keep in the map what is computed from `down` and `up`
    return _only(MERGED_LEARNS)(observations)


_TURNED = ("a Conv1D, which stores its matrix turned", "a square Conv1D")
_FORMAT = "a map in float32, while torch's default is float64"


def _twin(name: str, hint: str) -> Mistake:
    return Mistake(name=name, twin=TWINS[name], hint=hint)


LORA_LINEAR = Exercise(
    key="07a:LoRALinear",
    target="course_lib.finetuning.lora:LoRALinear",
    level="stretch",
    trial=use_lora,
    cases=(
        Case(
            why="5 inputs, 3 outputs, rank 2",
            args=lambda: (Sizes(5, 3), LoRAConfig(rank=2, alpha=6.0)),
        ),
        Case(
            why="rank 1",
            args=lambda: (Sizes(3, 7), LoRAConfig(rank=1, alpha=0.5)),
        ),
        Case(
            why="without a bias",
            args=lambda: (Sizes(7, 2, has_bias=False), LoRAConfig(rank=3, alpha=4.0)),
        ),
        Case(
            why="as many outputs as inputs",
            args=lambda: (Sizes(5, 5), LoRAConfig(rank=2, alpha=5.0)),
        ),
        Case(
            why="as wide as the map",
            args=lambda: (Sizes(3, 3), LoRAConfig(rank=3, alpha=12.0)),
        ),
        Case(
            why="half of the inputs dropped in training",
            args=lambda: (Sizes(7, 5), LoRAConfig(rank=3, alpha=6.0, dropout=0.5)),
        ),
        Case(
            why=_FORMAT,
            args=lambda: (Sizes(5, 7, dtype=torch.float32), LoRAConfig(rank=2, alpha=3.0)),
        ),
        Case(
            why=_TURNED[0],
            args=lambda: (Sizes(5, 2, is_turned=True), LoRAConfig(rank=3, alpha=2.0)),
        ),
        Case(
            why=_TURNED[1],
            args=lambda: (Sizes(3, 3, is_turned=True), LoRAConfig(rank=2, alpha=5.0)),
        ),
    ),
    mistakes=(
        Mistake(
            name="maps-not-matrices",
            seen=_learning("down.", "up."),
            hint="`down` and `up` are linear maps in your layer. Here they are the matrices "
            "themselves: `nn.Parameter`s.",
        ),
        Mistake(
            name="base-trained-too",
            seen=_learning("base.", "down", "up"),
            hint="The map's own weights learn, too: they were frozen when you got them. Leave "
            "them as they are; that is the whole idea.",
        ),
        Mistake(
            name="not-parameters",
            seen=_each(lambda value: not value[LEARNING]),
            hint="Nothing in your layer learns: an optimiser finds `nn.Parameter`s only, not plain "
            "tensors.",
        ),
        Mistake(
            name="matrices-stored-turned",
            seen=_stored_turned,
            hint="Your `down` is I × R and your `up` R × O. Here `down` is R × I and `up` O × R, "
            "as `nn.Linear` stores its weight: outputs first.",
        ),
        Mistake(
            name="both-random",
            seen=_start_is(down_is_zero=False, up_is_zero=False),
            hint="Both matrices begin with random numbers, so the model is disturbed before it has "
            "learnt anything. Which one must begin as zeros?",
        ),
        Mistake(
            name="both-zero",
            seen=_start_is(down_is_zero=True, up_is_zero=True),
            hint="Both matrices begin as zeros. The gradient of each is a product with the other, "
            "so neither would ever move.",
        ),
        Mistake(
            name="the-other-zero",
            seen=_start_is(down_is_zero=True, up_is_zero=False),
            hint="`down` begins as zeros and `up` with random numbers. That would work, too, but "
            "here, as in the paper, it is the other way round.",
        ),
        Mistake(
            name="generator-ignored",
            seen=_only(DRAWN),
            hint="`down` does not come from the generator: the same seed must give the same "
            "numbers, another seed others.",
        ),
        Mistake(
            name="drawn-otherwise",
            seen=_only(EVEN, DRAWN),
            hint="`down` is drawn otherwise: every number between -1/√I and 1/√I is to be equally "
            "likely.",
        ),
        _twin(
            "scale-forgotten",
            "You never use the scale. The product of the two matrices is multiplied by it.",
        ),
        _twin(
            "forward-without-scale",
            "`merge` knows the scale, `forward` does not: the model would change when it is "
            "merged.",
        ),
        _twin(
            "merge-without-scale",
            "`forward` knows the scale, `merge` does not: the model would change when it is "
            "merged.",
        ),
        _twin(
            "alpha-times-rank",
            "Your scale is alpha times the rank. It is a quotient: with twice the rank, the sum "
            "over it has twice as many terms, and each is to count half.",
        ),
        _twin(
            "alpha-alone",
            "Your scale is alpha. By what is it divided, so that a larger rank is no larger step?",
        ),
        _twin("rank-over-alpha", "Your scale stands on its head."),
        _twin(
            "root-of-the-rank",
            "You divide alpha by the *root* of the rank. There is a method that does (rsLoRA); the "
            "paper's divides by the rank.",
        ),
        _twin("scaled-twice", "You multiply by the scale twice."),
        _twin(
            "all-scaled",
            "You scale the map's own outputs, too. They stay as they were: only the correction is "
            "scaled.",
        ),
        _twin(
            "matrices-not-turned",
            "You multiply x by `up` first, from the right. First `down`, from I to R numbers; then "
            "`up`, from R to O. Written with `@`, both must be turned (`.mT`); `F.linear` does it.",
        ),
        _twin(
            "up-before-down",
            "You apply `up` first. `down` goes from I inputs down to R numbers, `up` from there to "
            "O outputs.",
        ),
        _twin(
            "merge-in-the-wrong-order",
            "You merge `down @ up`, which has R × R numbers. The map has O × I.",
        ),
        _twin(
            "merge-turned",
            "What you add in `merge` is turned. `nn.Linear` stores O × I, which is what `up @ "
            "down` gives. (A Conv1D stores I × O.)",
        ),
        _twin(
            "merge-replaces",
            "You put the correction in the place of the map's matrix. It is *added*.",
        ),
        _twin(
            "merge-does-nothing",
            "The map is the old one after merging: what was learnt is lost. Add the correction to "
            "its matrix, in place.",
        ),
        _twin(
            "merge-adds-twice",
            "You add the correction twice when merging.",
        ),
        _twin(
            "merge-gives-itself",
            "You add the correction to the map, and give back the layer, which adds it once more. "
            "Give back the map.",
        ),
        Mistake(
            name="merge-returns-nothing",
            seen=_only(GIVEN),
            hint="`merge` must give back the map itself, the one that the layer was put around.",
        ),
        Mistake(
            name="another-map",
            seen=_only(GIVEN, BASE, IN_PLACE),
            hint="You make a copy of the map, or a new one. Keep the one you are given, and add to "
            "its own matrix: others may hold it, too.",
        ),
        Mistake(
            name="merged-with-gradient",
            seen=_merged_with_gradient,
            hint="After merging, the frozen map learns: its matrix hangs on the graph of `down` "
            "and `up`, or you made a new parameter. Add in place, under `torch.no_grad()`.",
        ),
        _twin(
            "bias-lost",
            "The map's bias is missing. Let the map itself give its outputs: `self.base(x)`.",
        ),
        _twin(
            "base-left-out",
            "You give the correction alone. It comes on top of what the map gives.",
        ),
        _twin("dropout-forgotten", "In training, inputs of the correction are to be dropped."),
        _twin(
            "dropout-for-all",
            "You drop inputs of the map, too. It has learnt without: only the correction's inputs "
            "are dropped.",
        ),
        _twin(
            "dropout-in-the-middle",
            "You drop numbers between `down` and `up`. It is the *inputs* of the correction that "
            "are dropped.",
        ),
        _twin(
            "dropout-at-the-end",
            "You drop outputs of the correction. It is its *inputs* that are dropped.",
        ),
        _twin(
            "dropout-always",
            "You drop in evaluation, too. `F.dropout` must be told whether this is training; an "
            "`nn.Dropout` knows.",
        ),
        Mistake(
            name="without-gradient",
            seen=_only(GRADIENTS),
            hint="The numbers are right, but no gradient reaches `down` and `up`: nothing would be "
            "learnt. Only `merge` goes without gradient.",
        ),
        _twin(
            "format-ignored",
            "Your matrices have torch's default format. They need that of the map's weight, and "
            "its device.",
        ),
        Mistake(
            name="turned-matrix",
            seen=right_except_on(*_TURNED),
            hint="For `nn.Linear` all is right. Hugging Face's Conv1D stores its matrix turned, "
            "I × O: `linear_sizes` tells outputs and inputs of both.",
        ),
        Mistake(
            name="scale-wrong",
            seen=_only(SCALE),
            hint="What the layer computes is right, but `scale` does not say by what the product "
            "is multiplied.",
        ),
    ),
    nudge="What does the map know already, and what is learnt beside it? Which of the two matrices "
    "makes the beginning exact?",
    shapes="`down` R × I, `up` O × R, both nn.Parameters. `forward`: (…, I) → (…, O). `merge` "
    "gives back the map, with `up` · `down` · scale in its matrix O × I.",
    pseudocode="__init__: keep map and config; down ← drawn evenly between ±1/√I, up ← zeros, in "
    "the weight's format; a dropout\n"
    "scale: alpha / rank\n"
    "forward: the map's outputs + scale · (up applied to (down applied to the dropped x))\n"
    "merge: without gradient, add scale · up · down to the map's weight, turned for a Conv1D; give "
    "the map back",
)
