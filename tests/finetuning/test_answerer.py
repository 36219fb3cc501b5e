import random
from pathlib import Path

import pytest
import torch

from course_lib.finetuning.answerer import Answerer, AnswererConfig
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.spans import Answer
from course_lib.finetuning.strategies import (
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    GradualUnfreezing,
    LoRAFineTuning,
)
from course_lib.training import AdamWConfig

from .tiny_encoders import SYLLABLES, Kind, make_encoder

PLAN = TrainingPlan(n_epochs=8, n_rows=16, optimizer=AdamWConfig(learning_rate=1e-2))
Rows = tuple[list[str], list[str], list[tuple[str, int] | None]]


def draw(n_rows: int, seed: int, n_words: int = 6) -> Rows:
    """Who is it? The one with a capital, if there is one. Where? Nothing says it."""
    chance = random.Random(seed)
    rows: Rows = ([], [], [])
    for _ in range(n_rows):
        question = chance.choice(["who ?", "who ?", "where ?"])
        words = chance.choices(SYLLABLES, k=n_words)
        name = "".join(chance.choices(SYLLABLES, k=2)).capitalize()
        is_there = chance.random() < 0.7
        if is_there:
            words[chance.randrange(n_words)] = name
        passage = "  ".join(words)
        answer = (name, passage.index(name)) if is_there and question == "who ?" else None
        for column, value in zip(rows, (question, passage, answer), strict=True):
            column.append(value)  # pyright: ignore
    return rows


def right_share(answerer: Answerer, rows: Rows) -> float:
    found = answerer.predict(*rows[:2])
    is_right = [
        (answer.text, answer.start) == (right or ("", 0))
        for answer, right in zip(found, rows[2], strict=True)
    ]
    return sum(is_right) / len(is_right)


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_it_learns_to_answer_and_to_be_silent_in_passages_of_any_length(
    kind: Kind, tmp_path: Path
) -> None:
    encoder = make_encoder(kind, tmp_path)
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}
    answerer = Answerer(encoder, FullFineTuning(plan=PLAN))
    fitted = answerer.fit(*draw(200, seed=1), dev=draw(40, seed=2))
    assert fitted.best_step is not None
    for key, tensor in encoder.state_dict().items():  # the pretrained one stays as it is
        assert torch.equal(tensor, before[key])
    short, long = draw(50, seed=3), draw(50, seed=4, n_words=70)
    assert right_share(answerer, short) >= 0.9
    assert right_share(answerer, long) >= 0.9  # of 32 tokens each, in several windows
    answerer.save(tmp_path / "saved")
    again = Answerer.load(tmp_path / "saved")
    for now, then in zip(again.predict(*long[:2]), answerer.predict(*long[:2]), strict=True):
        assert now[:3] == then[:3]
        assert now[3:] == pytest.approx(then[3:], abs=1e-6)


def fit_quickly(folder: Path, config: AnswererConfig | None = None) -> Answerer:
    plan = TrainingPlan(n_epochs=1, n_rows=16)
    answerer = Answerer(make_encoder("ours", folder), FullFineTuning(plan=plan), config)
    answerer.fit(*draw(16, seed=1))
    return answerer


def test_answers_stand_in_their_passages_and_do_not_depend_on_the_company(tmp_path: Path) -> None:
    answerer = fit_quickly(tmp_path, AnswererConfig(n_rows=3))
    questions, passages, _ = draw(12, seed=5)
    questions, passages = [*questions, "is"], [*passages, "ba " * 40]
    found = answerer.predict(questions, passages)
    for question, passage, answer in zip(questions, passages, found, strict=True):
        assert answer.text == passage[answer.start : answer.end] == answer.text.strip()
        assert bool(answer.text) == (answer.score > answer.no_answer_score)
        assert 0 < answer.score < 1
        alone = answerer.predict([question], [passage])[0]
        assert alone[:3] == answer[:3]
        assert alone[3:] == pytest.approx(answer[3:], abs=1e-6)
    assert answerer.predict([], []) == []


def test_fitting_repeats_itself_and_counts_windows(tmp_path: Path) -> None:
    answerer = Answerer(make_encoder("ours", tmp_path), FullFineTuning(plan=PLAN))
    rows: Rows = (["who ?"] * 2, ["Dabi " + "ba " * 30, "Dabi"], [("Dabi", 0), ("Dabi", 0)])
    fitted = answerer.fit(*rows)
    # 32 tokens less 3 marks and 2 of the question leave 27 of 32; the next window begins at 13
    assert fitted.history.n_tokens == [3] * PLAN.n_epochs
    first = answerer.predict(*rows[:2])
    answerer.fit(*rows)
    assert answerer.predict(*rows[:2]) == first


@pytest.mark.parametrize("strategy", [FromScratch, GradualUnfreezing, LoRAFineTuning])
def test_the_other_strategies_serve_it_too(strategy: type, tmp_path: Path) -> None:
    plan = TrainingPlan(n_epochs=2, n_rows=8)
    answerer = Answerer(make_encoder("ours", tmp_path), strategy(plan=plan))
    fitted = answerer.fit(*draw(16, seed=1), dev=draw(9, seed=2))
    assert len(fitted.history.losses) == 4
    assert all(isinstance(answer, Answer) for answer in answerer.predict(*draw(3, seed=3)[:2]))


def test_what_cannot_be_done_is_named(tmp_path: Path) -> None:
    answerer = Answerer(make_encoder("ours", tmp_path), FrozenFeatures())
    with pytest.raises(ValueError, match="got FrozenFeatures for a SpanFinder"):
        answerer.fit(*draw(4, seed=1))
    with pytest.raises(ValueError, match=r"the answerer must be fitted first; call \.fit"):
        answerer.predict(["who ?"], ["Dabi"])


def test_lost_answers_and_cut_questions_are_told(tmp_path: Path) -> None:
    config = AnswererConfig(max_tokens=9, stride_tokens=3)
    answerer = Answerer(make_encoder("ours", tmp_path), config=config)
    long = "ba bi bu da Di du"  # a window holds 4
    with pytest.warns(UserWarning, match="^1 of 3 answers are whole in no window") as told:
        answerer.fit(["who ?"] * 3, [long] * 3, [("Di", 12), (long, 0), None])
    assert len(told) == 1
    with pytest.warns(UserWarning, match="^1 of 2 questions had more tokens than half of a window"):
        answerer.predict(["who ?", "who is it from ?"], [long, long])


@pytest.mark.parametrize(
    ("passage", "answer", "message"),
    [
        ("ba Dabi", ("Dabi", 2), r"got \('Dabi', 2\) in row 1, where .* ' Dab'\. It stands at 3\."),
        ("ba Dabi", ("Tiku", 3), r"\('Tiku', 3\) in row 1.*It stands nowhere in it"),
        ("ba Dabi", ("ba", -7), r"\('ba', -7\) in row 1, where the passage has ''"),
        ("ba Dabi", ("", -1), r"answers must not be empty; got \('', -1\) in row 1.*it is None"),
        (" ", None, "passages must not be empty; got ' ' in row 1"),
    ],
)
def test_bad_answers_are_named(
    passage: str, answer: tuple[str, int] | None, message: str, tmp_path: Path
) -> None:
    answerer = Answerer(make_encoder("ours", tmp_path))
    with pytest.raises(ValueError, match=message):
        answerer.fit(["who ?"] * 2, ["Dabi", passage], [("Dabi", 0), answer])


def test_bad_settings_and_numbers_of_rows_are_named(tmp_path: Path) -> None:
    answerer = Answerer(make_encoder("ours", tmp_path))
    with pytest.raises(
        ValueError, match="passages must be as many as the texts; got 2 texts and 1"
    ):
        answerer.fit(["who ?"] * 2, ["Dabi"], [None, None])
    with pytest.raises(ValueError, match="answers must be as many as the texts; got 1 texts and 2"):
        answerer.fit(["who ?"], ["Dabi"], [None, None])
    with pytest.raises(ValueError, match="questions must not be empty; got '' in row 0"):
        answerer.fit([""], ["Dabi"], [None])
    with pytest.raises(ValueError, match="max_answer_tokens must be ≥ 1; got max_answer_tokens=0"):
        AnswererConfig(max_answer_tokens=0)
    with pytest.raises(ValueError, match="stride_tokens must be ≥ 1; got stride_tokens=0"):
        AnswererConfig(stride_tokens=0)
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\)"):
        AnswererConfig(dropout=1.0)


def test_a_folder_without_a_part_is_named(tmp_path: Path) -> None:
    fit_quickly(tmp_path).save(tmp_path)
    (tmp_path / "answerer.json").unlink()
    with pytest.raises(ValueError, match=r"must hold answerer\.json"):
        Answerer.load(tmp_path)
