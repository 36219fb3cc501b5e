import pytest

from course_lib.lesson import hint
from course_lib.lesson.exercise import Exercise


def show(key: str, capsys: pytest.CaptureFixture[str]) -> str:
    hint(key)
    return capsys.readouterr().out


def test_hints_go_from_a_nudge_to_the_solution(
    toy: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    nudge, shapes, steps, solution = (show(toy.key, capsys) for _ in range(4))
    assert nudge == (
        "Hint 1 of 4 to 99:scale_rows: a nudge\n"
        "What share of the whole is each weight?\n"
        'Need more? hint("99:scale_rows") again shows what goes in and what comes out.\n'
    )
    assert toy.shapes in shapes
    assert toy.pseudocode in steps
    assert "return matrix * (weights / weights.sum()).unsqueeze(1)" in solution
    assert "Need more?" not in solution
    assert show(toy.key, capsys) == solution


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 99:scale_rows"):
        hint("99:scale_row")
