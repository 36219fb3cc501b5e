import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation import (
    accuracy,
    chance_level,
    first_sentences,
    majority_label,
    majority_share,
    random_span,
)


def test_by_hand() -> None:
    assert chance_level([2, 2]) == 0.5
    assert chance_level([1, 1]) == 1.0
    assert chance_level([2, 3, 6]) == pytest.approx(1 / 3)
    assert majority_share(["b", "a", "b", "c"]) == 0.5
    assert majority_share([1]) == 1.0


@given(st.lists(st.integers(0, 3), min_size=1))
def test_no_constant_answer_beats_the_majority(labels: list[int]) -> None:
    best = max(accuracy([label] * len(labels), labels) for label in set(labels))
    assert majority_share(labels) == best >= 1 / len(set(labels))


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match=r"at least one number, all ≥ 1; got \[\]"):
        chance_level([])
    with pytest.raises(ValueError, match=r"all ≥ 1; got \[2, 0\]"):
        chance_level([2, 0])
    with pytest.raises(ValueError, match="at least one label; got none"):
        majority_share([])


def test_the_most_frequent_label_and_of_equal_ones_the_first() -> None:
    assert majority_label([2, 1, 1, 2, 3]) == 2
    assert majority_label(["b"]) == "b"
    with pytest.raises(ValueError, match="at least one label"):
        majority_label([])


@pytest.mark.parametrize(
    ("text", "n", "lead"),
    [
        ("Mira ran. Omar sat! Who?", 2, "Mira ran. Omar sat!"),
        ("It cost 3.50 kr. in all. “No,” he said.", 1, "It cost 3.50 kr."),
        ("“Hold on.” They waded.", 1, "“Hold on.”"),
        ("猫跑。“狗坐！”天黑。", 2, "猫跑。“狗坐！”"),
        ("no end here", 3, "no end here"),
        ("One... two", 1, "One..."),
        ("  \n", 1, ""),
    ],
)
def test_the_lead_of_a_text(text: str, n: int, lead: str) -> None:
    assert first_sentences(text, n) == lead


def test_sentences_lose_nothing() -> None:
    text = "A b. C d?! “E.” F 3.5 g。红猫！ end"
    assert first_sentences(text, 99) == text
    with pytest.raises(ValueError, match="n must be ≥ 1; got n=0"):
        first_sentences("a", 0)


def test_random_pieces_are_of_the_text_and_of_all_places_and_lengths() -> None:
    text = "Omar, the dancer, lived in 月渡镇."
    pieces = {random_span(text, seed, most_units=3) for seed in range(300)}
    assert all(piece in text for piece in pieces)
    assert {"Omar", "Omar, the", "Omar, the dancer", "镇", "in 月渡"} <= pieces
    assert max(len(piece.split()) for piece in pieces) == 3
    assert random_span(text, 5) == random_span(text, 5)
    with pytest.raises(ValueError, match="at least one word; got '…'"):
        random_span("…", 0)
    with pytest.raises(ValueError, match="most_units must be ≥ 1"):
        random_span("a", 0, most_units=0)
