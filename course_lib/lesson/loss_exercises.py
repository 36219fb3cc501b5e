"""The two exercises of lesson A1 about the loss: softmax and cross-entropy.

Letters in shapes: B rows, V classes.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error
from course_lib.nn.loss import IGNORE_ID, log_softmax, softmax
from course_lib.seeding import make_generator


def _scores(*shape: int, seed: int) -> Tensor:
    return 2 * torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def _huge(*rows: list[float]) -> Tensor:
    """Scores whose exponential is 0 or infinite even with 64 bits."""
    return torch.tensor(rows, dtype=torch.float64)


def _finite(observation: Observation) -> bool:
    value = observation.value
    return isinstance(value, Tensor) and bool(value.isfinite().all())


def _right(observation: Observation) -> bool:
    value, expected = observation.value, observation.expected
    if not isinstance(value, Tensor) or value.shape != expected.shape:
        return False
    return torch.allclose(value.double(), expected.double(), rtol=1e-5, atol=1e-8)


def _overflows(seen: tuple[Observation, ...]) -> bool:
    """Right on ordinary scores, not finite on the two cases with huge ones."""
    return all(map(_right, seen[:-2])) and not all(map(_finite, seen[-2:]))


def _rows_off_one(seen: tuple[Observation, ...]) -> bool:
    """Row by row a multiple of the right answer: the division is missing or not by the sum."""
    for observation in seen[:-2]:
        if not _finite(observation) or observation.value.shape != observation.expected.shape:
            return False
        factor = observation.value / observation.expected
        if not torch.allclose(factor, factor[..., :1].expand_as(factor)):
            return False
    return True


def _needs_a_second_axis(seen: tuple[Observation, ...]) -> bool:
    return isinstance(seen[0].error, IndexError) and _right(seen[1])


SOFTMAX = Exercise(
    key="a1:softmax",
    target="course_lib.nn.loss:softmax",
    level="easy",
    cases=(
        Case(
            why="one row, the logarithms of 1, 2 and 5",
            args=lambda: (torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64).log(),),
        ),
        Case(why="2 rows of 3 scores", args=lambda: (_scores(2, 3, seed=1),)),
        Case(why="a block of shape (2, 3, 5)", args=lambda: (_scores(2, 3, 5, seed=2),)),
        Case(
            why="scores around 1,000 in one row and -1,000 in the next",
            args=lambda: (_huge([1000.0, 1001.0, 999.0], [-1000.0, -999.0, -1001.0]),),
        ),
        Case(
            why="scores around -1,000, and one of 3,000 among them",
            args=lambda: (_huge([-1000.0, -1001.0, -1000.0], [0.0, 3000.0, 0.0]),),
        ),
    ),
    mistakes=(
        Mistake(
            name="exponential-overflows",
            seen=_overflows,
            hint="Right on ordinary scores. But exp(1000) is infinite for the computer, exp(-1000) "
            "is 0, and ∞/∞ and 0/0 are not numbers. Only differences between scores matter: "
            "what could you subtract from a whole row before you take exp?",
        ),
        Mistake(
            name="fixed-axis",
            seen=_needs_a_second_axis,
            hint="With dim=1 a single row has no such axis, and a block is summed over the wrong "
            "one. Which number means 'the last axis', however many there are?",
        ),
        Mistake(
            name="first-axis",
            twin=lambda logits: torch.softmax(logits, dim=0),
            hint="Your columns sum to 1. Each row is one question with V possible answers, so "
            "over which axis must the probabilities sum to 1?",
        ),
        Mistake(
            name="sum-over-everything",
            twin=lambda logits: (logits - logits.max()).exp() / (logits - logits.max()).exp().sum(),
            hint="All entries together sum to 1. Every row should do so for itself: sum over the "
            "last axis and keep that axis (keepdim=True), so that the division lines up.",
        ),
        Mistake(
            name="logarithms-returned",
            twin=log_softmax,
            hint="Your numbers are negative: these are log-probabilities. What undoes ln?",
        ),
        Mistake(
            name="no-exponential",
            twin=lambda logits: logits / logits.sum(dim=-1, keepdim=True),
            hint="You divide the scores by their sum. With negative scores that gives negative "
            "'probabilities'. Which function makes every number positive and keeps the order?",
        ),
        Mistake(
            name="powers-of-two",
            twin=lambda logits: torch.softmax(logits * math.log(2), dim=-1),
            hint="You raise 2 to the scores. A softmax uses e = 2.718…: torch.exp.",
        ),
        Mistake(
            name="sigmoid",
            twin=torch.sigmoid,
            hint="A sigmoid answers yes or no for each score alone, so rows need not sum to 1. In "
            "a softmax the classes compete: something must be divided by the row's total.",
        ),
        Mistake(
            name="rows-do-not-sum-to-one",
            seen=_rows_off_one,
            hint="The proportions within a row are right, but its sum is not 1. What must each "
            "exp(score) be divided by?",
        ),
    ),
    nudge="Make every score positive with exp, then divide by the total of its row. For the huge "
    "scores: adding the same number to a whole row changes nothing, so choose it well.",
    shapes="In: (…, V). Out: the same shape. The row totals have shape (…, 1) if you keep the "
    "axis, and then the division broadcasts.",
    pseudocode="shifted ← logits minus the row's largest\n"
    "weights ← exp of shifted\n"
    "return weights divided by the row's sum of weights",
)


def _surprise_twin(
    combine: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Callable[..., Tensor]:
    """Make a twin of `cross_entropy` from what it does with the flattened batch.

    Args:
        combine: Gets the logits (N, V), the targets (N,) with 0 where a row does not count, and
            which rows count (N,).
    """

    def twin(logits: Tensor, targets: Tensor, ignore_id: int = IGNORE_ID) -> Tensor:
        counted = (targets != ignore_id).flatten()
        rows = logits.reshape(-1, logits.shape[-1])
        return combine(rows, targets.flatten().where(counted, torch.tensor(0)), counted)

    return twin


def _picked(table: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
    return table.gather(-1, targets.unsqueeze(-1)).squeeze(-1)[counted]


def _mean_of_sequence_means(logits: Tensor, targets: Tensor, ignore_id: int = IGNORE_ID) -> Tensor:
    if logits.ndim < 3:
        return torch.nn.functional.cross_entropy(logits, targets, ignore_index=ignore_id)
    parts = [
        torch.nn.functional.cross_entropy(rows, ids, ignore_index=ignore_id)
        for rows, ids in zip(logits, targets, strict=True)
    ]
    return torch.stack(parts).mean()


def _log_of_zero(seen: tuple[Observation, ...]) -> bool:
    """Right on ordinary scores, infinite on the case with a probability of e^-2000."""
    return all(map(_right, seen[:-2])) and not _finite(seen[-2])


def _logits_as_probabilities(seen: tuple[Observation, ...]) -> bool:
    """On three scores of 0, ln 0: minus infinity."""
    return isinstance(seen[0].value, Tensor) and not _finite(seen[0])


def _index_of_ignored(seen: tuple[Observation, ...]) -> bool:
    return (
        _right(seen[0]) and _right(seen[1]) and isinstance(seen[2].error, IndexError | RuntimeError)
    )


CROSS_ENTROPY = Exercise(
    key="a1:cross_entropy",
    target="course_lib.nn.loss:cross_entropy",
    level="core",
    cases=(
        Case(
            why="one row with three equal scores",
            args=lambda: (torch.zeros(1, 3, dtype=torch.float64), torch.tensor([1])),
        ),
        Case(
            why="5 rows of 7 scores",
            args=lambda: (_scores(5, 7, seed=3), torch.tensor([0, 6, 3, 3, 1])),
        ),
        Case(
            why="5 rows, 2 of which do not count",
            args=lambda: (_scores(5, 7, seed=4), torch.tensor([2, IGNORE_ID, 5, IGNORE_ID, 1])),
        ),
        Case(
            why="2 sequences of 3 positions, of which 3 and 1 count",
            args=lambda: (
                _scores(2, 3, 5, seed=5),
                torch.tensor([[4, 0, 2], [IGNORE_ID, 1, IGNORE_ID]]),
            ),
        ),
        Case(
            why="ignore_id=0",
            args=lambda: (_scores(4, 5, seed=6), torch.tensor([0, 3, 0, 4]), 0),
        ),
        Case(
            why="a right answer with the score -1,000 beside one with 1,000",
            args=lambda: (_huge([1000.0, -1000.0]), torch.tensor([1])),
        ),
        Case(
            why="a batch in which no row counts",
            args=lambda: (torch.zeros(2, 3), torch.tensor([IGNORE_ID, IGNORE_ID])),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="nothing-counted-accepted",
            seen=right_but_for_the_error,
            hint="All numbers are right. One thing is left: if no row counts, there is no mean. "
            "The docstring says what to raise, so that nobody trains on 0/0.",
        ),
        Mistake(
            name="log-of-zero",
            seen=_log_of_zero,
            hint="Right on ordinary scores. On the last one the probability is e^-2000, which the "
            "computer rounds to 0, and ln 0 is -∞. Take the logarithm by hand first: ln(exp(s) / "
            "total) = s - ln(total). log_softmax does just that.",
        ),
        Mistake(
            name="ignored-id-used-as-a-class",
            seen=_index_of_ignored,
            hint="-100 is no class: it marks rows to leave out, and you look up its probability. "
            "Drop those rows first: `counted = targets != ignore_id`.",
        ),
        Mistake(
            name="ignore-id-fixed",
            seen=agrees_with(
                lambda logits, targets, ignore_id=IGNORE_ID: torch.nn.functional.cross_entropy(
                    logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORE_ID
                )
            ),
            hint="You always leave out -100. The caller says which id to leave out: ignore_id.",
        ),
        Mistake(
            name="logits-taken-as-probabilities",
            seen=_logits_as_probabilities,
            hint="Three equal scores of 0 give infinity: you take the logarithm of the scores "
            "themselves. They are not probabilities yet. What turns a row of scores into some?",
        ),
        Mistake(
            name="ignored-rows-in-the-count",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        -_picked(log_softmax(logits), targets, counted).sum() / len(targets)
                    )
                )
            ),
            hint="The sum is right, but you divide by all rows. Rows that do not count must not "
            "count below the line either.",
        ),
        Mistake(
            name="mean-of-sequence-means",
            seen=agrees_with(_mean_of_sequence_means),
            hint="You average within each sequence and then over sequences, so the lone token of "
            "the short one weighs as much as three. Sum over all counted tokens first, divide "
            "once.",
        ),
        Mistake(
            name="sign-flipped",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: _picked(
                        log_softmax(logits), targets, counted
                    ).mean()
                )
            ),
            hint="This is the mean log-probability, never above 0. A loss is what we make small: "
            "the negative of it.",
        ),
        Mistake(
            name="sum-instead-of-mean",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        -_picked(log_softmax(logits), targets, counted).sum()
                    )
                )
            ),
            hint="You sum over the rows, so a bigger batch has a bigger loss. Per counted token, "
            "please.",
        ),
        Mistake(
            name="base-ten",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        -_picked(log_softmax(logits), targets, counted).mean() / math.log(10)
                    )
                )
            ),
            hint="You use log10. A nat is counted with the natural logarithm: torch.log.",
        ),
        Mistake(
            name="base-two",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        -_picked(log_softmax(logits), targets, counted).mean() / math.log(2)
                    )
                )
            ),
            hint="You use log2, so this is in bits. We count in nats: torch.log.",
        ),
        Mistake(
            name="divided-by-the-classes-too",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        -_picked(log_softmax(logits), targets, counted).mean() / logits.shape[-1]
                    )
                )
            ),
            hint="You divide by the number of classes as well. There is one surprise per row, not "
            "one per class.",
        ),
        Mistake(
            name="mean-over-every-class",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: -log_softmax(logits)[counted].mean()
                )
            ),
            hint="You average the surprise over all classes, so the targets play no part. Pick the "
            "one log-probability of the right class in each row (gather does it).",
        ),
        Mistake(
            name="normaliser-forgotten",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: -_picked(logits, targets, counted).mean()
                )
            ),
            hint="You use the score of the right class as if it were its log-probability. What is "
            "missing is the row's ln(sum of exp).",
        ),
        Mistake(
            name="no-logarithm",
            seen=agrees_with(
                _surprise_twin(
                    lambda logits, targets, counted: (
                        1 - _picked(softmax(logits), targets, counted)
                    ).mean()
                )
            ),
            hint="1 - p grows at most to 1, however sure the model was of something false. "
            "Surprise is -ln p, which has no upper end.",
        ),
    ),
    nudge="One number per row: how surprised are we by the right class? Surprise is -ln p. Then "
    "the mean, over those rows only that count.",
    shapes="logits are (…, V), targets are (…) and hold class numbers. `logits[counted]` is (N, V) "
    "and `targets[counted]` (N,), with N counted rows. Out: one number, shape ().",
    pseudocode="counted ← targets different from ignore_id\n"
    "if nothing counts: raise ValueError\n"
    "log_probs ← log_softmax of the counted logits\n"
    "surprise ← minus the log-probability at each counted row's target (gather)\n"
    "return the sum of surprise over the number of counted rows",
)
