from collections import Counter

import pytest

from course_lib.generation import (
    Message,
    Shot,
    ShotTemplate,
    few_shot_messages,
    few_shot_prompt,
    shuffle_answers,
)
from course_lib.seeding import make_generator

SHOTS = [Shot("2 + 3", "5"), Shot("4 + 4", "8")]


def test_prompts_by_hand() -> None:
    assert few_shot_prompt([], "4 + 1") == "Question: 4 + 1\nAnswer:"
    assert few_shot_prompt(SHOTS, "4 + 1", instruction="Add.") == (
        "Add.\n\nQuestion: 2 + 3\nAnswer: 5\n\nQuestion: 4 + 4\nAnswer: 8\n\n"
        "Question: 4 + 1\nAnswer:"
    )
    template = ShotTemplate(question="{} =", answer=" {}.", between=" ")
    assert few_shot_prompt(SHOTS, "4 + 1", template=template) == "2 + 3 = 5. 4 + 4 = 8. 4 + 1 ="


def test_a_choice_is_written_as_the_answers_of_the_examples_are() -> None:
    template = ShotTemplate(question="{} =", answer=" {}.")
    zero = few_shot_prompt([], "2 + 3", template=template)
    one = few_shot_prompt(SHOTS[:1], "", template=template)
    assert one.startswith(zero + template.reply("5") + template.between)


def test_braces_in_questions_and_templates_stay() -> None:
    template = ShotTemplate(question='{"q": "{}"}', answer="{}")
    shots = [Shot("{a} {}", "{b}")]
    assert few_shot_prompt(shots, "{", template=template) == ('{"q": "{a} {}"}{b}\n\n{"q": "{"}')


def test_a_template_must_hold_its_place_once() -> None:
    with pytest.raises(ValueError, match=r"question must hold {} once; got question='Q: '"):
        ShotTemplate(question="Q: ")
    with pytest.raises(ValueError, match=r"answer must hold {} once; got answer='{}{}'"):
        ShotTemplate(answer="{}{}")


def test_messages_by_hand() -> None:
    assert few_shot_messages(SHOTS[:1], "4 + 1", instruction="Add.") == [
        Message("system", "Add."),
        Message("user", "2 + 3"),
        Message("assistant", "5"),
        Message("user", "4 + 1"),
    ]
    assert few_shot_messages([], "4 + 1") == [Message("user", "4 + 1")]


def test_shuffled_answers_are_the_same_ones_in_every_order() -> None:
    shots = [Shot("a", "0"), Shot("b", "1"), Shot("c", "2")]
    generator = make_generator(0)
    orders = Counter(
        "".join(shot.answer for shot in shuffle_answers(shots, generator)) for _ in range(120)
    )
    assert set(orders) == {"012", "021", "102", "120", "201", "210"}
    assert min(orders.values()) > 8
    assert [shot.question for shot in shuffle_answers(shots, generator)] == ["a", "b", "c"]
    assert shots[0] == Shot("a", "0")
    assert shuffle_answers([], generator) == []
