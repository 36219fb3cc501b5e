"""The exercises of lesson 07a, fine-tuning BERT: what pretraining brings.

Weights of classes and learning rates of layers are here; each of the others is in a module of its
own. Letters: N = texts, K = classes, L = blocks.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.filling_exercise import LIKELIEST_FILLINGS
from course_lib.lesson.lora_exercise import LORA_LINEAR
from course_lib.lesson.pooling_exercise import POOL
from course_lib.lesson.recognising import right_but_for_the_error, right_except_on


def _weighing(
    weigh: Callable[[Sequence[int]], Sequence[float]],
) -> Callable[[list[int], int], tuple[float, ...]]:
    """Make a twin of `balanced_weights` from what it does with the counts of the classes."""

    def twin(labels: list[int], n_classes: int) -> tuple[float, ...]:
        _check_labels(labels, n_classes)
        return tuple(weigh([labels.count(label) for label in range(n_classes)]))

    return twin


def _check_labels(labels: list[int], n_classes: int) -> None:
    if sorted(set(labels)) != list(range(n_classes)):
        raise ValueError("each class at least once, and no other")


def _each(
    weigh: Callable[[int, int, int], float],
) -> Callable[[list[int], int], tuple[float, ...]]:
    """Make a twin that weighs each class by its count, N and K."""
    return _weighing(lambda counts: [weigh(n, sum(counts), len(counts)) for n in counts])


def _made_one(counts: Sequence[int]) -> list[float]:
    """Give inverse counts with the sum 1."""
    total = sum(1 / n for n in counts)
    return [1 / n / total for n in counts]


def _by_appearance(labels: list[int], n_classes: int) -> tuple[float, ...]:
    _check_labels(labels, n_classes)
    return tuple(len(labels) / (n_classes * n) for n in Counter(labels).values())


def _by_size(labels: list[int], n_classes: int) -> tuple[float, ...]:
    _check_labels(labels, n_classes)
    return tuple(len(labels) / (n_classes * n) for _, n in Counter(labels).most_common())


def _for_each_text(labels: list[int], n_classes: int) -> tuple[float, ...]:
    _check_labels(labels, n_classes)
    return tuple(len(labels) / (n_classes * labels.count(label)) for label in labels)


_MISSING = ("a class without a text", "the last class without a text", "no text at all")
_OUT_OF_RANGE = ("a label that is too large", "a label below 0")

BALANCED_WEIGHTS = Exercise(
    key="07a:balanced_weights",
    target="course_lib.finetuning.losses:balanced_weights",
    level="easy",
    cases=(
        Case(why="four texts and two", args=lambda: ([0, 0, 1, 0, 1, 0], 2)),
        Case(why="classes of one size", args=lambda: ([2, 0, 1, 1, 2, 0], 3)),
        Case(why="three classes, the large one last", args=lambda: ([2, 2, 1, 2, 0, 2, 1, 2], 3)),
        Case(why="one text among many", args=lambda: ([1] * 19 + [0], 2)),
        Case(why="five classes", args=lambda: ([4, 0, 3, 1, 1, 2, 3, 4, 4, 2, 4, 3, 4], 5)),
        Case(why="a single class", args=lambda: ([0, 0, 0], 1)),
        Case(why="an even division", args=lambda: ([1, 0, 0, 1, 1, 1, 1, 1], 2)),
        Case(why=_MISSING[0], args=lambda: ([0, 2, 0, 2], 3), raises=ValueError),
        Case(why=_MISSING[1], args=lambda: ([0, 1, 1], 3), raises=ValueError),
        Case(why=_MISSING[2], args=lambda: ([], 2), raises=ValueError),
        Case(why=_OUT_OF_RANGE[0], args=lambda: ([0, 1, 2], 2), raises=ValueError),
        Case(why=_OUT_OF_RANGE[1], args=lambda: ([0, -1, 1, 1], 2), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="large-classes-favoured",
            twin=_each(lambda n, total, k: k * n / total),
            hint="Your fraction stands on its head: the class with most texts gets the largest "
            "weight.",
        ),
        Mistake(
            name="shares",
            twin=_each(lambda n, total, k: n / total),
            hint="Those are the shares of the classes. A rare class must weigh *more*.",
        ),
        Mistake(
            name="share-of-the-others",
            twin=_each(lambda n, total, k: 1 - n / total),
            hint="You take 1 minus the share. Then 99 texts at 0.01 and one at 0.99: in all, each "
            "class counts 0.99. But with three classes it no longer comes out even. Divide by the "
            "count instead.",
        ),
        Mistake(
            name="number-of-classes-forgotten",
            twin=_each(lambda n, total, k: total / n),
            hint="You leave out the number of classes. In all, the weights of the texts must give "
            "N again, so that the mean weight of a text is 1; yours give K times as much.",
        ),
        Mistake(
            name="one-over-the-count",
            twin=_each(lambda n, total, k: 1 / n),
            hint="The proportions are right. But with many texts such weights are tiny, and the "
            "learning rate would mean another thing. The weights of all texts together must give "
            "N.",
        ),
        Mistake(
            name="sum-is-one",
            twin=_weighing(_made_one),
            hint="You have made the sum over the *classes* 1. The sum over the *texts* must be N.",
        ),
        Mistake(
            name="sum-is-the-number-of-classes",
            twin=_weighing(lambda counts: [len(counts) * one for one in _made_one(counts)]),
            hint="You have made the mean over the *classes* 1. The mean over the *texts* must be "
            "1: then balanced weights do not change how large the loss is as a whole.",
        ),
        Mistake(
            name="against-the-largest",
            twin=_weighing(lambda counts: [max(counts) / n for n in counts]),
            hint="You measure against the largest class. The proportions are right; measure "
            "against N / K, the number of texts that each class would have if all had as many.",
        ),
        Mistake(
            name="against-the-smallest",
            twin=_weighing(lambda counts: [min(counts) / n for n in counts]),
            hint="You measure against the smallest class. The proportions are right; measure "
            "against N / K, the number of texts that each class would have if all had as many.",
        ),
        Mistake(
            name="root",
            twin=_each(lambda n, total, k: math.sqrt(total / (k * n))),
            hint="You take a root. That is milder, and sometimes used, but then the large class "
            "still counts more in all.",
        ),
        Mistake(
            name="logarithm",
            twin=_each(lambda n, total, k: math.log(total / n)),
            hint="You take a logarithm, as for rare words (idf). Here a class half as large counts "
            "exactly twice as much.",
        ),
        Mistake(
            name="whole-numbers",
            twin=_each(lambda n, total, k: float(total // (k * n))),
            hint="`//` drops what is behind the point. Most weights are no whole numbers.",
        ),
        Mistake(
            name="divided-then-multiplied",
            twin=_each(lambda n, total, k: total / k * n),
            hint="`a / b * c` is (a / b) · c. Put brackets around what stands below the line.",
        ),
        Mistake(
            name="in-the-order-of-appearance",
            twin=_by_appearance,
            hint="Your weights stand in the order in which classes first appear. Weight k belongs "
            "to class k: count class 0, then class 1, …",
        ),
        Mistake(
            name="in-the-order-of-size",
            twin=_by_size,
            hint="Your weights stand in the order of size, the largest class first. Weight k "
            "belongs to class k.",
        ),
        Mistake(
            name="one-for-each-text",
            twin=_for_each_text,
            hint="You give a weight for each *text*. Wanted is one for each class.",
        ),
        Mistake(
            name="class-without-a-text",
            seen=right_except_on(*_MISSING),
            hint="The weights are right. A class without a text would have to weigh infinitely "
            "much: raise a ValueError.",
        ),
        Mistake(
            name="label-out-of-range",
            seen=right_except_on(*_OUT_OF_RANGE),
            hint="The weights are right. A label that is no class is somebody's mistake: raise a "
            "ValueError.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The weights are right. Raise a ValueError if a label is out of range, and if a "
            "class has no text.",
        ),
    ),
    nudge="If all classes had as many texts, how many would each have? A class with half of that "
    "should count double.",
    shapes="In: a list of N labels from 0 to K - 1, and K. Out: a tuple of K numbers.",
    pseudocode="if a label is out of range: raise a ValueError\n"
    "counts ← for each class, from 0 to K - 1, how many labels are it\n"
    "if one of them is 0: raise a ValueError\n"
    "return for each count: N, divided by (K times the count)",
)


Rate = Callable[[float, float, int, int], float]
"""The learning rate of a depth, from the highest rate, the decay, the blocks, and the depth."""


def _rates(
    rate: Rate, *, from_depth: int = 0, heads: bool = True
) -> Callable[[float, float, int], list[float]]:
    """Make a twin of `depth_rates` from the rate of each depth."""

    def twin(top_rate: float, decay: float, n_blocks: int) -> list[float]:
        _check_rates(top_rate, decay, n_blocks)
        depths = range(from_depth, n_blocks + 1 + heads)
        return [rate(top_rate, decay, n_blocks, depth) for depth in depths]

    return twin


def _check_rates(top_rate: float, decay: float, n_blocks: int) -> None:
    if not top_rate > 0 or not 0 < decay <= 1 or n_blocks < 1:
        raise ValueError("out of range")


def _right(top: float, decay: float, n_blocks: int, depth: int) -> float:
    return top * decay ** max(0, n_blocks - depth)


def _top_first(top_rate: float, decay: float, n_blocks: int) -> list[float]:
    _check_rates(top_rate, decay, n_blocks)
    return [_right(top_rate, decay, n_blocks, n_blocks + 1 - i) for i in range(n_blocks + 2)]


DEPTH_RATES = Exercise(
    key="07a:depth_rates",
    target="course_lib.training.layerwise:depth_rates",
    level="core",
    tolerance=1e-9,
    cases=(
        Case(why="two blocks, halved each time", args=lambda: (0.8, 0.5, 2)),
        Case(why="one block", args=lambda: (3.0, 0.25, 1)),
        Case(why="four blocks", args=lambda: (1.0, 0.9, 4)),
        Case(why="a decay of 1, all alike", args=lambda: (0.3, 1.0, 3)),
        Case(why="the paper's 1 / 2.6", args=lambda: (0.01, 1 / 2.6, 5)),
        Case(why="a BERT of twelve layers", args=lambda: (2e-5, 0.95, 12)),
        Case(why="a decay above 1", args=lambda: (0.8, 1.5, 2), raises=ValueError),
        Case(why="a decay of 0", args=lambda: (0.8, 0.0, 2), raises=ValueError),
        Case(why="a learning rate of 0", args=lambda: (0.0, 0.5, 2), raises=ValueError),
        Case(why="a learning rate below 0", args=lambda: (-0.1, 0.5, 2), raises=ValueError),
        Case(why="no block", args=lambda: (0.8, 0.5, 0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="heads-above-the-last-block",
            twin=_rates(lambda top, decay, n, depth: top * decay ** (n + 1 - depth)),
            hint="You step down from the heads to the last block already. Both have the highest "
            "rate; the first step down is to the block below.",
        ),
        Mistake(
            name="embeddings-as-the-first-block",
            twin=_rates(lambda top, decay, n, depth: _right(top, decay, n, max(1, depth))),
            hint="Your embeddings learn as fast as the first block. They stand one step below it.",
        ),
        Mistake(
            name="embeddings-forgotten",
            twin=_rates(_right, from_depth=1),
            hint="A rate is missing: that of the embeddings, below the first block.",
        ),
        Mistake(
            name="heads-forgotten",
            twin=_rates(_right, heads=False),
            hint="A rate is missing: that of the heads, above the last block.",
        ),
        Mistake(
            name="blocks-only",
            twin=_rates(_right, from_depth=1, heads=False),
            hint="Those are the blocks. Below them are the embeddings, above them the heads: "
            "n_blocks + 2 rates in all.",
        ),
        Mistake(
            name="top-first",
            twin=_top_first,
            hint="The rates are right, from the top down. Begin with the embeddings.",
        ),
        Mistake(
            name="falls-upwards",
            twin=_rates(lambda top, decay, n, depth: top * decay**depth),
            hint="Your embeddings learn fastest, and the fresh heads slowest. The other way round: "
            "the heads know nothing yet.",
        ),
        Mistake(
            name="divided-by-the-decay",
            twin=_rates(lambda top, decay, n, depth: top / decay ** max(0, n - depth)),
            hint="Your rates *rise* downwards: dividing by a number below 1 makes larger.",
        ),
        Mistake(
            name="rises-above-the-top",
            twin=_rates(lambda top, decay, n, depth: top * decay ** (n - depth)),
            hint="All is right but the heads: your exponent is -1 there, so they learn faster than "
            "`top_rate`.",
        ),
        Mistake(
            name="in-equal-steps",
            twin=_rates(lambda top, d, n, depth: top * (1 - (1 - d) * max(0, n - depth))),
            hint="You take off the same amount in each step; with many blocks, the rate goes below "
            "0. Each step *multiplies*.",
        ),
        Mistake(
            name="times-the-depth",
            twin=_rates(
                lambda top, decay, n, depth: top * decay * (n - depth) if depth < n else top
            ),
            hint="You multiply the decay by the number of steps. After two steps the factor is "
            "decay · decay: a power.",
        ),
        Mistake(
            name="one-step-for-all",
            twin=_rates(lambda top, decay, n, depth: top * decay if depth < n else top),
            hint="Your rate falls once and then stays. It falls from each block to the one below.",
        ),
        Mistake(
            name="two-steps-at-a-time",
            twin=_rates(lambda top, decay, n, depth: top * decay ** (2 * max(0, n - depth))),
            hint="Your rates fall twice from block to block: is the decay multiplied in at two "
            "places?",
        ),
        Mistake(
            name="factors-not-rates",
            twin=_rates(lambda top, decay, n, depth: decay ** max(0, n - depth)),
            hint="Those are the factors. What are they factors of?",
        ),
        Mistake(
            name="all-alike",
            twin=_rates(lambda top, decay, n, depth: top),
            hint="All your rates are alike, whatever the decay.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The rates are right. Raise a ValueError if an argument is out of its range; the "
            "docstring gives all three.",
        ),
    ),
    nudge="How many steps below the last block is each part of the model? What does one step do to "
    "the rate, what do two?",
    shapes="In: the highest rate, the decay, and the number L of blocks. Out: a list of L + 2 "
    "numbers, from the embeddings up to the heads.",
    pseudocode="if an argument is out of range: raise a ValueError\n"
    "embeddings: L steps down; block l, counted from 1: L - l steps down\n"
    "a rate = top_rate · decay to the power of the steps\n"
    "heads: no step down, as the last block",
)


EXERCISES: tuple[Exercise, ...] = (
    LIKELIEST_FILLINGS,
    POOL,
    BALANCED_WEIGHTS,
    DEPTH_RATES,
    LORA_LINEAR,
)
