"""The exercises of lesson 05a, from raw text to training data.

Those on near-duplicates are in `duplicates_exercises`, those on windows and leaks in
`packing_exercises`.
"""

from collections.abc import Callable

from course_lib.lesson.duplicates_exercises import JACCARD, SHINGLES_OF
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.packing_exercises import OVERLAP_SHARES, PACK_WINDOWS


def _summed(
    weight: Callable[[int], int], *, skip: int = 0, from_left: bool = False
) -> Callable[[str], bool]:
    """Make a twin of `has_luhn_digit`: every second digit is weighed, the first of them `skip`."""

    def twin(digits: str) -> bool:
        numbers = [int(digit) for digit in (digits if from_left else digits[::-1])]
        return (sum(numbers[1 - skip :: 2]) + sum(map(weight, numbers[skip::2]))) % 10 == 0

    return twin


def _folded(digit: int) -> int:
    return 2 * digit - 9 * (digit > 4)


def _without_the_last(digits: str) -> bool:
    numbers = [int(digit) for digit in digits[-2::-1]]
    return (sum(map(_folded, numbers[::2])) + sum(numbers[1::2])) % 10 == 0


def _remainder(observations: tuple[Observation, ...]) -> bool:
    return all(
        type(one.value) is int and (one.value % 10 == 0) == one.expected for one in observations
    )


def _upside_down(observations: tuple[Observation, ...]) -> bool:
    return all(one.value == (not one.expected) for one in observations)


HAS_LUHN_DIGIT = Exercise(
    key="05a:has_luhn_digit",
    target="course_lib.data.masking:has_luhn_digit",
    level="core",
    cases=tuple(
        Case(why=f"“{digits}”", args=lambda digits=digits: (digits,))
        for digits in (
            "79927398713",
            "79927398710",
            "4539578763621486",
            "4539578763621487",
            "378282246310005",
            "18",
            "26",
            "34",
            "59",
            "67",
            "75",
            "91",
            "109",
            "505",
            "0",
            "5",
            "1230",
            "55",
            "90",
            "190",
        )
    ),
    mistakes=(
        Mistake(
            name="counted-from-the-left",
            twin=_summed(_folded, skip=1, from_left=True),
            hint="You count from the left. For numbers with an odd count of digits, others are "
            "doubled then. Begin at the right.",
        ),
        Mistake(
            name="counted-from-the-first-digit",
            twin=_summed(_folded, skip=0, from_left=True),
            hint="You double the first digit from the left, the third, and so on. Begin at the "
            "right: there the check digit stands, and it is not doubled.",
        ),
        Mistake(
            name="check-digit-doubled",
            twin=_summed(_folded, skip=0),
            hint="You double the last digit. It is the check digit: it stays as it is, and the "
            "one before it is the first to be doubled.",
        ),
        Mistake(
            name="nine-not-taken-off",
            twin=_summed(lambda digit: 2 * digit, skip=1),
            hint="A doubled digit may have two digits itself. Then 9 is taken off: 2 · 7 = 14 "
            "counts as 1 + 4 = 5, neither as 14 nor as 4.",
        ),
        Mistake(
            name="nothing-doubled",
            twin=_summed(lambda digit: digit, skip=1),
            hint="You add the digits as they are. Then two digits in the wrong order would go "
            "unnoticed. Every second one is doubled.",
        ),
        Mistake(
            name="all-doubled",
            twin=lambda digits: sum(_folded(int(digit)) for digit in digits) % 10 == 0,
            hint="You double every digit. Only every second one is, from the right.",
        ),
        Mistake(
            name="check-digit-left-out",
            twin=_without_the_last,
            hint="You leave the last digit out of the sum. It is there to bring the sum to a "
            "multiple of 10.",
        ),
        Mistake(
            name="remainder-returned",
            seen=_remainder,
            hint="You return a number. Compare its remainder with 0 and return True or False.",
        ),
        Mistake(
            name="upside-down",
            seen=_upside_down,
            hint="You say True where it is False, and the other way round. The sum of a right "
            "number *is* a multiple of 10.",
        ),
    ),
    nudge="Turn the number round. Which digits are doubled then: those at places 0, 2, 4, … or "
    "at 1, 3, 5, …?",
    shapes="In: a string of digits. Out: True or False.",
    pseudocode="total ← 0\n"
    "for each digit, from the right:\n"
    "    every second one, the last digit not among them, is doubled; 9 off if that is above 9\n"
    "    add it to the total\n"
    "return whether the total is a multiple of 10",
)


EXERCISES: tuple[Exercise, ...] = (
    SHINGLES_OF,
    JACCARD,
    HAS_LUHN_DIGIT,
    PACK_WINDOWS,
    OVERLAP_SHARES,
)
