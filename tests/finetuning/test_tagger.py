import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from course_lib.evaluation import entity_scores
from course_lib.finetuning.finetuned import HEAD
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.strategies import (
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    GradualUnfreezing,
    LoRAFineTuning,
)
from course_lib.finetuning.tagger import Tagger, TaggerConfig
from course_lib.training import AdamWConfig

from .tiny_encoders import SYLLABLES, Kind, make_encoder

PLAN = TrainingPlan(n_epochs=8, n_rows=16, optimizer=AdamWConfig(learning_rate=1e-2))
NOTHING = "\u200b"
"""A character of no width, which BERT's tokenizer drops."""

SHORT = TrainingPlan(n_epochs=2, n_rows=8)


def draw(n_sentences: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """A capitalised word is a name: of a place where the sentence says "where", else a person's."""
    chance = random.Random(seed)
    sentences, tags = [], []
    for _ in range(n_sentences):
        kind = chance.choice(["who", "where"])
        words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 3))) for _ in range(4)]
        words = [word.capitalize() if chance.random() < 0.5 else word for word in words]
        words.insert(chance.randint(0, 4), kind)
        name = {"who": "B-PER", "where": "B-LOC"}[kind]
        sentences.append(words)
        tags.append([name if word[0].isupper() else "O" for word in words])
    return sentences, tags


def fit_quickly(folder: Path, config: TaggerConfig | None = None, max_len: int = 32) -> Tagger:
    tagger = Tagger(make_encoder("ours", folder, max_len), FullFineTuning(plan=SHORT), config)
    tagger.fit(*draw(30, seed=1))
    return tagger


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_it_learns_what_a_name_is_and_comes_back_from_a_folder(kind: Kind, tmp_path: Path) -> None:
    encoder = make_encoder(kind, tmp_path)
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}
    tagger = Tagger(encoder, FullFineTuning(plan=PLAN))
    fitted = tagger.fit(*draw(200, seed=1), dev=draw(40, seed=2))
    sentences, tags = draw(60, seed=3)
    assert entity_scores(tagger.predict(sentences), tags).micro.f1 >= 0.9
    assert tagger.classes == ("B-LOC", "B-PER", "O")
    assert fitted.best_step is not None
    for key, tensor in encoder.state_dict().items():  # the pretrained one stays as it is
        assert torch.equal(tensor, before[key])
    tagger.save(tmp_path / "saved")
    again = Tagger.load(tmp_path / "saved")
    assert again.predict(sentences) == tagger.predict(sentences)
    for now, then in zip(
        again.predict_proba(sentences), tagger.predict_proba(sentences), strict=True
    ):
        np.testing.assert_allclose(now, then, atol=1e-6)  # ours reads what theirs wrote


def test_a_round_counts_each_word_once_and_fitting_repeats_itself(tmp_path: Path) -> None:
    sentences, tags = draw(30, seed=1)
    tagger = Tagger(make_encoder("ours", tmp_path), FullFineTuning(plan=SHORT))
    fitted = tagger.fit(sentences, tags)
    assert sum(fitted.history.n_tokens) == SHORT.n_epochs * sum(map(len, sentences))
    first = tagger.predict_proba(sentences)
    tagger.fit(sentences, tags)
    np.testing.assert_array_equal(
        np.concatenate(tagger.predict_proba(sentences)), np.concatenate(first)
    )


def test_predictions_are_one_a_word_and_do_not_depend_on_the_company(tmp_path: Path) -> None:
    tagger = fit_quickly(tmp_path, TaggerConfig(n_rows=3))
    sentences = draw(8, seed=4)[0] + [["Dabi"]]
    together = tagger.predict_proba(sentences)
    for words, rows, tags in zip(sentences, together, tagger.predict(sentences), strict=True):
        assert rows.shape == (len(words), 3)
        np.testing.assert_allclose(rows.sum(axis=1), 1.0)
        np.testing.assert_allclose(tagger.predict_proba([words])[0], rows, atol=1e-6)
        assert tags == [tagger.classes[column] for column in rows.argmax(axis=1)]
    assert tagger.predict([]) == []


@pytest.mark.parametrize("strategy", [FromScratch, GradualUnfreezing, LoRAFineTuning])
def test_the_other_strategies_serve_it_too(strategy: type, tmp_path: Path) -> None:
    tagger = Tagger(make_encoder("ours", tmp_path), strategy(plan=SHORT))
    fitted = tagger.fit(*draw(30, seed=1), dev=draw(9, seed=2))
    assert len(fitted.history.losses) == 8
    assert [len(tags) for tags in tagger.predict(draw(3, seed=3)[0])] == [5, 5, 5]


def test_frozen_features_are_for_classifiers(tmp_path: Path) -> None:
    tagger = Tagger(make_encoder("ours", tmp_path), FrozenFeatures())
    with pytest.raises(ValueError, match=r"got FrozenFeatures for a TokenTagger.*GradualUnfree"):
        tagger.fit(*draw(9, seed=1))
    with pytest.raises(ValueError, match=r"the tagger must be fitted first; call \.fit"):
        tagger.predict([["Dabi"]])


def test_words_that_are_cut_off_are_told_and_are_outside(tmp_path: Path) -> None:
    tagger = fit_quickly(tmp_path, max_len=17)
    with pytest.warns(UserWarning, match=r"^3 of 34 words came after the 17 tokens") as told:
        rows = tagger.predict_proba([["Da"] * 16, ["Dabi"] * 8, ["Da", *["Dabi"] * 9]])
    assert len(told) == 1
    # Between marks is room for 15 pieces; of the last word that fits, the first piece is enough.
    n_read = [int((~np.isnan(of_words).any(axis=1)).sum()) for of_words in rows]
    assert n_read == [15, 8, 8]
    with pytest.warns(UserWarning, match="not learnt, and predicted as 'O'"):
        assert tagger.predict([["Da"] * 16])[0][15] == "O"


def test_words_without_a_token_are_told_and_teach_nothing(tmp_path: Path) -> None:
    tagger = Tagger(make_encoder("ours", tmp_path), FullFineTuning(plan=SHORT))
    with pytest.warns(UserWarning, match=r"^2 of 5 words came without a single token"):
        fitted = tagger.fit(
            [["Da", NOTHING, "ba"], [NOTHING], ["du"]], [["B-X", "O", "O"], ["O"], ["O"]]
        )
    assert sum(fitted.history.n_tokens) == SHORT.n_epochs * 3
    with pytest.warns(UserWarning, match="1 of 2 words came without"):
        assert tagger.predict([["Da", NOTHING]])[0][1] == "O"


@pytest.mark.parametrize(
    ("sentences", "tags", "message"),
    [
        ([["Da"]], [["B-X"], ["O"]], "tags must be as many as the texts; got 1 texts and 2"),
        ([["Da"], ["ba", "du"]], [["B-X"], ["O"]], "got 2 words and 1 tags in row 1. Tags are for"),
        ([["Da"], ["ba", "du"]], [["B-X"], ["O", "X"]], "in row 1, tags must.*'X' at position 1"),
        ([["Da"]], [["S-X"]], "tags must be BIO tags; in row 0.*got 'S-X' at position 0"),
        ([["Da", "ba"]], [["O", "O"]], r"tags must hold at least two that differ; got only \['O'"),
        ([["Da", "ba"], []], [["B-X", "O"], []], "at least one word each; got none in row 1"),
        (
            [["Da"], [" "]],
            [["O"], ["B-X"]],
            "words must be strings and not empty; got ' ' in row 1",
        ),
    ],
)
def test_bad_input_is_named(
    sentences: list[list[str]], tags: list[list[str]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        Tagger(make_encoder("ours", tmp_path)).fit(sentences, tags)


def test_one_string_is_no_sentence(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"each sentence must be a list of words.*'Da ba'"):
        fit_quickly(tmp_path).predict(["Da ba"])


def test_tags_must_be_among_the_classes(tmp_path: Path) -> None:
    config = TaggerConfig(classes=("O", "B-X"))
    tagger = Tagger(make_encoder("ours", tmp_path), FullFineTuning(plan=SHORT), config)
    message = r"tags must be among the classes \['O', 'B-X'\]; got 'B-Y' in row 1\. Name it in"
    with pytest.raises(ValueError, match=message):
        tagger.fit([["Da"], ["Ba"]], [["B-X"], ["B-Y"]])
    with pytest.raises(ValueError, match="tags of dev must be among the classes"):
        tagger.fit([["Da"]], [["B-X"]], dev=([["Da"]], [["B-Y"]]))
    with pytest.raises(ValueError, match="classes must be two or more, all different"):
        TaggerConfig(classes=("O",))
    with pytest.raises(ValueError, match="tags must be O, B-<type> or I-<type>; got 'PER'"):
        TaggerConfig(classes=("O", "PER"))


def test_a_head_that_does_not_fit_is_named(tmp_path: Path) -> None:
    fit_quickly(tmp_path).save(tmp_path)
    head = load_file(tmp_path / HEAD)
    save_file({**head, "weight": torch.zeros(2, 24)}, tmp_path / HEAD)
    with pytest.raises(ValueError, match=r"(?s)must fit 3 tags and .* d_model=24 .*got \(2, 24\)"):
        Tagger.load(tmp_path)
    (tmp_path / "tagger.json").unlink()
    with pytest.raises(ValueError, match=r"must hold tagger\.json"):
        Tagger.load(tmp_path)
