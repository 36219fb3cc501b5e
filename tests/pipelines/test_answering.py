import warnings
from collections.abc import Sequence

import pytest

from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text


def check(number: object) -> int:
    if not isinstance(number, int):
        raise TypeError(f"must be a number; got {number!r}.")
    return number


def halve(numbers: Sequence[int]) -> list[int]:
    """Fails on a whole batch if one number in it is odd."""
    if odd := [number for number in numbers if number % 2]:
        raise ValueError(f"must be even; got {odd[0]}.")
    return [number // 2 for number in numbers]


def test_a_text_and_a_dictionary_are_one_input() -> None:
    assert [is_many(x) for x in ("ab", {"a": 1}, b"ab", 3)] == [False] * 4
    assert all(is_many(x) for x in (["a"], ("a",), (c for c in "ab"), {"a": 1}.values()))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_answers_keep_their_order_in_batches_of_any_size(batch_size: int) -> None:
    sizes = []

    def answer(numbers: Sequence[int]) -> list[int]:
        sizes.append(len(numbers))
        return halve(numbers)

    assert answer_many(range(0, 14, 2), check, answer, batch_size) == list(range(7))
    assert max(sizes) == min(batch_size, 7)
    assert sum(sizes) == 7
    assert answer_many([], check, answer, batch_size) == []


def test_what_fails_in_check_or_answer_spoils_only_itself() -> None:
    with pytest.warns(UserWarning, match="2 of 5") as told:
        found = answer_many([2, "x", 4, 7, 8], check, halve, batch_size=4)
    assert found == [
        1,
        {"error": "must be a number; got 'x'."},
        2,
        {"error": "must be even; got 7."},
        4,
    ]
    (message,) = [str(one.message) for one in told]
    assert message == (
        "2 of 5 inputs could not be answered and have an 'error' in their place; the first is "
        "number 1: must be a number; got 'x'."
    )


def test_a_single_bad_input_raises() -> None:
    assert answer_one(6, check, halve) == 3
    with pytest.raises(TypeError, match="must be a number"):
        answer_one("x", check, halve)
    with pytest.raises(ValueError, match="must be even"):
        answer_one(3, check, halve)


def test_a_mistake_in_the_pipeline_itself_is_not_hidden() -> None:
    def broken(numbers: Sequence[int]) -> list[int]:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        answer_many([2], check, broken, 1)
    with pytest.raises(ValueError, match=r"zip\(\)"):
        answer_many([2, 4], check, lambda numbers: [1], 2)


def test_the_same_warning_of_several_batches_is_given_once() -> None:
    def warn(numbers: Sequence[int]) -> list[int]:
        warnings.warn("cut", stacklevel=2)
        warnings.warn(f"saw {numbers[0]}", stacklevel=2)
        return halve(numbers)

    with pytest.warns(UserWarning, match="cut|saw") as told:
        answer_many([2, 4, 6], check, warn, batch_size=1)
    assert [str(one.message) for one in told] == ["cut", "saw 2", "saw 4", "saw 6"]


def test_only_texts_with_something_in_them_are_texts() -> None:
    assert require_text(" a\n", "it") == " a\n"
    with pytest.raises(ValueError, match=r"it must hold more than white space; got '\\u3000\\n'"):
        require_text("\u3000\n", "it")
    with pytest.raises(TypeError, match="it must be a text; got NoneType: None"):
        require_text(None, "it")
