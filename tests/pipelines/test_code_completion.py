import ast
from collections.abc import Sequence

import pytest

from course_lib.pipelines import CodeCompletionPipeline, Writer, Writing, longest_readable

BEGINNING = "def area(a, b):\n    return"


class Script(Writer):
    """Writes what it was told: first the likeliest texts, then the drawn ones."""

    def __init__(self, likeliest: str, drawn: Sequence[str]) -> None:
        self.likeliest, self.drawn = likeliest, list(drawn)
        self.asked: list[Writing] = []

    def write(self, prompts: Sequence[str], writing: Writing) -> list[list[str]]:
        self.asked.append(writing)
        if writing.sampling is None:
            return [[self.likeliest] for _ in prompts]
        return [self.drawn[: writing.sampling.n_sequences] for _ in prompts]


def complete(likeliest: str, drawn: Sequence[str] = ()) -> tuple[CodeCompletionPipeline, Script]:
    script = Script(likeliest, drawn)
    return CodeCompletionPipeline(script, batch_size=2), script


def test_the_likeliest_is_taken_if_it_can_be_read() -> None:
    pipe, script = complete(" a * b\n", ["nothing"])
    assert pipe(BEGINNING) == [{"generated_text": BEGINNING + " a * b\n", "parses": True}]
    assert len(script.asked) == 1


def test_what_cannot_be_read_is_cut_off_line_by_line() -> None:
    pipe, _ = complete(" a * b\n\nprint(area(1,\n  2")
    assert pipe(BEGINNING)[0]["generated_text"] == BEGINNING + " a * b\n"


def test_else_others_are_drawn_and_the_longest_is_taken() -> None:
    pipe, script = complete(" (a *", [" b\n", " a * b + 1\n", " )"])
    found = pipe(BEGINNING, n_tries=3, temperature=0.5, seed=7)
    assert found == [{"generated_text": BEGINNING + " a * b + 1\n", "parses": True}]
    drawn = script.asked[1]
    assert drawn.sampling is not None
    assert (drawn.sampling.n_sequences, drawn.sampling.temperature, drawn.seed) == (3, 0.5, 7)


def test_if_none_can_be_read_the_beginning_comes_back() -> None:
    pipe, script = complete(" (a *", [" )", " ]"])
    assert pipe(BEGINNING, n_tries=2) == [{"generated_text": BEGINNING, "parses": False}]
    assert pipe(BEGINNING, n_tries=0)[0]["parses"] is False
    assert len(script.asked) == 3


def test_only_those_that_failed_are_drawn_again() -> None:
    pipe, _ = complete(" 1\n", [" = 2\n"])
    found = pipe([BEGINNING, "x"], n_tries=1)
    assert [row[0]["generated_text"] for row in found] == [BEGINNING + " 1\n", "x = 2\n"]
    assert all(ast.parse(row[0]["generated_text"]) for row in found)


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ([" + 1"], "x + 1"),
        ([""], None),
        (["  \n\n"], None),
        ([" +\n", " + 2\n\n\n"], "x + 2\n"),
        ([" = '\0'"], None),
        ([" = " + "(" * 5000], None),
        ([' = "\\d"\n'], 'x = "\\d"\n'),
    ],
)
def test_longest_readable(added: list[str], expected: str | None) -> None:
    assert longest_readable("x", added) == expected


def test_bad_calls() -> None:
    pipe, _ = complete(" 1\n")
    with pytest.raises(ValueError, match="n_tries must be ≥ 0"):
        pipe(BEGINNING, n_tries=-1)
    with pytest.raises(ValueError, match="the code must hold more"):
        pipe("")
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        assert pipe([BEGINNING, ""])[1] == {
            "error": "the code must hold more than white space; got ''."
        }
