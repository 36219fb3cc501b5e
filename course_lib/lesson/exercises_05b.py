"""The exercises of lesson 05b, objectives and the training loop.

Those on masking and on windows are in `masking_exercises`, those on gradients in
`gradient_exercises`.
"""

import math
from collections.abc import Callable

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.gradient_exercises import ACCUMULATE_GRADIENTS, CLIP_BY_NORM
from course_lib.lesson.masking_exercises import MASK_TOKENS, SLIDING_WINDOWS


def _half_wave(fallen: float, final: float) -> float:
    return final + (1 - final) * (1 + math.cos(math.pi * fallen)) / 2


def _schedule(
    *,
    rise: Callable[[int, int], float] = lambda step, n_warmup: (step + 1) / n_warmup,
    fall: Callable[[float, float], float] = _half_wave,
    counted_from_start: bool = False,
    until_the_last: bool = False,
    warm: bool = True,
) -> Callable[[int, int, int, float], float]:
    """Make a twin of `warmup_cosine` from its parts."""

    def twin(step: int, n_steps: int, n_warmup: int, final: float) -> float:
        if warm and step < n_warmup:
            return rise(step, n_warmup)
        begin = 0 if counted_from_start else n_warmup
        return fall((step - begin) / (n_steps - until_the_last - begin), final)

    return twin


WARMUP_COSINE = Exercise(
    key="05b:warmup_cosine",
    target="course_lib.training.schedules:warmup_cosine",
    level="easy",
    cases=(
        Case(why="the first step", args=lambda: (0, 10, 4, 0.1)),
        Case(why="the middle of the warm-up", args=lambda: (1, 10, 4, 0.1)),
        Case(why="the last step of the warm-up", args=lambda: (3, 10, 4, 0.1)),
        Case(why="the first step after the warm-up", args=lambda: (4, 10, 4, 0.1)),
        Case(why="the middle of the fall", args=lambda: (7, 10, 4, 0.1)),
        Case(why="the last step of the run", args=lambda: (9, 10, 4, 0.1)),
        Case(why="a fall that ends at 0", args=lambda: (13, 17, 3, 0.0)),
        Case(why="a run without warm-up", args=lambda: (2, 7, 0, 0.2)),
    ),
    mistakes=(
        Mistake(
            name="first-step-lost",
            twin=_schedule(rise=lambda step, n_warmup: step / n_warmup),
            hint="Your factor before step 0 is 0: the first step is computed and then thrown away. "
            "Steps count from 0, so which step of the warm-up is step 0?",
        ),
        Mistake(
            name="no-warm-up",
            twin=_schedule(warm=False),
            hint="You begin with the fall. What happens before step n_warmup?",
        ),
        Mistake(
            name="no-warm-up-but-a-plateau",
            twin=_schedule(rise=lambda step, n_warmup: 1.0),
            hint="Your factor is 1 all through the warm-up. It should rise to 1 in a line.",
        ),
        Mistake(
            name="fall-counted-from-the-start",
            twin=_schedule(counted_from_start=True),
            hint="Your fall has begun before the warm-up was over, so the factor jumps down after "
            "it. What share of the steps *after* the warm-up is done?",
        ),
        Mistake(
            name="over-one-step-too-early",
            twin=_schedule(until_the_last=True),
            hint="Your fall is over at the last step. Before that step there is still one step to "
            "go: the share that is done is counted *before* the step, over all n_steps - n_warmup.",
        ),
        Mistake(
            name="straight-fall",
            twin=_schedule(fall=lambda fallen, final: 1 - (1 - final) * fallen),
            hint="You fall in a straight line. A cosine begins slowly, is steepest in the middle, "
            "and ends slowly.",
        ),
        Mistake(
            name="quarter-wave",
            twin=_schedule(
                fall=lambda fallen, final: final + (1 - final) * math.cos(math.pi * fallen / 2)
            ),
            hint="You take a quarter of the wave, from 1 to 0. Take half of it, from 1 to -1, and "
            "bring that to the range from 1 to 0.",
        ),
        Mistake(
            name="final-forgotten",
            twin=_schedule(fall=lambda fallen, final: _half_wave(fallen, 0.0)),
            hint="Your fall ends at 0 whatever `final` says.",
        ),
        Mistake(
            name="final-cut-off",
            twin=_schedule(fall=lambda fallen, final: max(final, _half_wave(fallen, 0.0))),
            hint="You fall towards 0 and stop at `final`: the end of the run is flat. The whole "
            "wave should be squeezed between 1 and `final`.",
        ),
        Mistake(
            name="final-added",
            twin=_schedule(fall=lambda fallen, final: final + _half_wave(fallen, 0.0)),
            hint="Right after the warm-up your factor is above 1. If you add `final` below, what "
            "must the wave be multiplied by?",
        ),
        Mistake(
            name="degrees",
            twin=_schedule(
                fall=lambda fallen, final: final + (1 - final) * (1 + math.cos(180 * fallen)) / 2
            ),
            hint="`math.cos` wants radians: half a wave is π, not 180.",
        ),
    ),
    nudge="Two formulas, and one question that decides between them. In both, ask first: what "
    "share of this part is done?",
    shapes="In: three whole numbers and the share at which the fall ends. Out: one number from "
    "`final` to 1 (in the warm-up, above 0).",
    pseudocode="in the warm-up: (step + 1) / n_warmup\n"
    "else: fallen ← share of the steps after the warm-up that are done\n"
    "      wave ← (1 + cos(π · fallen)) / 2, which goes from 1 to 0\n"
    "      return final + (1 - final) · wave",
)


EXERCISES: tuple[Exercise, ...] = (
    MASK_TOKENS,
    SLIDING_WINDOWS,
    ACCUMULATE_GRADIENTS,
    WARMUP_COSINE,
    CLIP_BY_NORM,
)
