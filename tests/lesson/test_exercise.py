import dataclasses
from collections import Counter

import pytest

from course_lib.lesson.exercise import Exercise, Mistake


def test_the_reference_is_imported_from_the_target(toy: Exercise) -> None:
    assert toy.name == "scale_rows"
    assert toy.reference().__doc__ is not None
    assert dataclasses.replace(toy, key="1:sqrt", target="math:sqrt").reference()(9) == 3


def test_a_trial_uses_a_class_as_a_function(toy: Exercise) -> None:
    assert toy.on_trial(len) is len
    counted = dataclasses.replace(toy, trial=lambda kind, items, n: kind(items * n).total())
    assert counted.on_trial(Counter)("ab", 3) == 6


def test_malformed_exercises_are_refused(toy: Exercise) -> None:
    with pytest.raises(ValueError, match=r"key must end in the target's name 'scale_rows'"):
        dataclasses.replace(toy, key="99:other")
    with pytest.raises(ValueError, match=r"at least 3 cases and 4 mistakes"):
        dataclasses.replace(toy, cases=toy.cases[:2])
    with pytest.raises(ValueError, match=r"at least 3 cases and 4 mistakes"):
        dataclasses.replace(toy, mistakes=toy.mistakes[:3])
    with pytest.raises(ValueError, match=r"exactly one of twin and seen"):
        Mistake(name="both", hint="?", twin=len, seen=bool)
    with pytest.raises(ValueError, match=r"exactly one of twin and seen"):
        Mistake(name="none", hint="?")
