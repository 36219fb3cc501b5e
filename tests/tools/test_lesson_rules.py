import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lessons  # noqa: E402


def problems(course) -> list[str]:
    return lessons.structure_problems(course.root, course.source)


def test_the_toy_lesson_obeys_every_rule(toy_course) -> None:
    assert problems(toy_course) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# # 01 · A toy", "# # A toy", "must begin with '# NN · Title'"),
        ("**The question:**", "Question:", "must state '**The question:**"),
        ("# ## Recall", "# ### Recall", "the heading '## Recall' is missing"),
        ("# ## Summary", "# ## Summary\n# ## Thanks", "'## Thanks' is no heading of the skeleton"),
        (
            "# ## Quiz\n# ## Summary",
            "# ## Summary\n# ## Quiz",
            "'## Summary' stands where '## Quiz'",
        ),
        ("# ## 1 · One", "# ## 2 · One", "sections must be numbered from 1"),
        ("# @scratch course_lib.toy:halve", "# by hand", "half_by_hand has 6 lines"),
        (
            "assert_close(half_by_hand(3.0)",
            "print(half_by_hand(3.0)",
            "a later cell must assert_close",
        ),
        (
            "assert_close(half_by_hand(3.0), halve(3.0))",
            "assert_close(1, halve(3.0))",
            "half_by_hand",
        ),
        ("def half_by_hand", "def halve", "under another name than halve"),
        ("@sync course_lib.toy:spread", "@sync course_lib.toy:norm", "overwrite the answer"),
        ('mean = check("01:mean", mean)', "", 'must be mean = check("01:mean", mean)'),
        ('mean = check("01:mean", mean)', 'mean = check("02:mean", mean)', "the next cell must be"),
        ('mean = check("01:mean", mean)', 'x = check("01:mean", mean)', "the next cell must be"),
        ("# @exercise course_lib.toy:norm", "1", "at least 3 exercises; it has 2"),
        ('tags=["gpu"]', "", "must be tagged gpu"),
        ("# @setup", "1", "must be marked '# @setup'"),
        ("run.summary()", "run.summary() or 1", "the last code cell must be run.summary()"),
        ("(01_toy.ipynb#Quiz)", "(01_toy.ipynb#Quizzes)", "#Quizzes must be a heading of 01_toy"),
        ("(01_toy.ipynb#Quiz)", "(07_gone.ipynb)", "links to 07_gone.ipynb, which is no lesson"),
        ("(#1-·-One-(core))", "(#One)", "#One must be a heading of 01_toy"),
        ("1 + 1", "1 +", "must be plain Python"),
        ("1 + 1", "!pip install x", "must be plain Python"),
    ],
)
def test_a_broken_rule_is_named(toy_course, old, new, said) -> None:
    toy_course.edit(toy_course.source, old, new)
    found = problems(toy_course)
    assert any(said in problem for problem in found), found
    assert all(problem.startswith("01_toy: ") for problem in found)


def test_a_percent_encoded_link_and_a_link_in_code_are_fine(toy_course) -> None:
    toy_course.edit(toy_course.source, "(#1-·-One-(core))", "(#1-%C2%B7-One-%28core%29)")
    toy_course.edit(toy_course.source, "# Nothing.", "# ```\n# [no](#link)\n# # no heading\n# ```")
    assert problems(toy_course) == []


def test_a_sync_of_an_exercise_is_refused_wherever_it_stands(toy_course) -> None:
    toy_course.edit(toy_course.source, "course_lib.toy:spread", "course_lib.toy:entropy")
    toy_course.edit(toy_course.source, "spread([1.0, 3.0])", "1")
    assert any(
        "sync-entropy: would overwrite the answer" in found for found in problems(toy_course)
    )


def test_a_repair_is_an_exercise_and_is_checked(toy_course) -> None:
    toy_course.edit(
        toy_course.source, "@exercise course_lib.toy:norm", "@repair course_lib.toy:norm"
    )
    assert problems(toy_course) == []
    toy_course.edit(toy_course.source, 'norm = check("01:norm", norm)', "1")
    assert any("repair-norm: the next cell must be" in found for found in problems(toy_course))
    toy_course.edit(toy_course.source, "@sync course_lib.toy:spread", "@sync course_lib.toy:norm")
    assert any("would overwrite the answer" in found for found in problems(toy_course))
