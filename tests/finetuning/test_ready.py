import shutil
from pathlib import Path

import pytest

from course_lib.errors import DigestMismatchError, WeightsNotFoundError
from course_lib.finetuning import (
    Answerer,
    Tagger,
    finetuned_names,
    load_answerer,
    load_classifier,
    load_tagger,
)
from course_lib.models import checkpoint_names
from tests.pipelines.tiny import make_folder


def test_shipped_models_have_names_that_no_pretrained_model_has() -> None:
    names = finetuned_names()
    assert {"mini-bert-answerer", "mini-bert-sentiment", "mini-bert-tagger"} == set(names)
    assert not set(names) & set(checkpoint_names())
    assert isinstance(load_tagger("mini-bert-tagger"), Tagger)
    assert isinstance(load_answerer(), Answerer)
    assert load_classifier().classes == ("negative", "neutral", "positive")


def test_a_folder_of_ours_and_one_of_transformers(tmp_path: Path) -> None:
    folder = finetuned_names()["mini-bert-tagger"]
    copied = Path(shutil.copytree(folder, tmp_path / "mine"))
    sentence = [["Omar", "lived", "in", "Moonferry", "."]]
    assert load_tagger(copied).predict(sentence) == load_tagger().predict(sentence)
    tags = {0: "O", 1: "B-X", 2: "I-X"}
    theirs = make_folder(tmp_path / "theirs", "BertForTokenClassification", id2label=tags)
    tagger = load_tagger(theirs)
    assert tagger.classes == ("O", "B-X", "I-X")
    with pytest.raises(ValueError, match="must be fitted here to be saved"):
        tagger.save(tmp_path / "again")
    tagger.fit(sentence * 4, [["B-X", "O", "O", "I-X", "O"]] * 4)  # begins anew from its encoder
    tagger.save(tmp_path / "again")
    assert load_tagger(tmp_path / "again").predict(sentence) == tagger.predict(sentence)


def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finetuned_names()["mini-bert-tagger"]
    copied = Path(shutil.copytree(folder, tmp_path / "checkpoints" / "mini-bert-tagger"))
    monkeypatch.setattr("course_lib.finetuning.ready.data_path", lambda name: tmp_path / name)
    load_tagger()
    (copied / "encoder" / "config.json").write_text("{}")
    with pytest.raises(DigestMismatchError, match="mini-bert-tagger"):
        load_tagger()


def test_a_model_of_another_kind_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold answerer\.json.*\['tagger'\]"):
        load_answerer("mini-bert-tagger")
    with pytest.raises(WeightsNotFoundError, match=r"\(mini-bert-answerer, .*got 'no/such'"):
        load_classifier("no/such")
    make_folder(tmp_path, "BertForTokenClassification", id2label={0: "NOUN", 1: "VERB"})
    with pytest.raises(ValueError, match="tags must be O, B-<type> or I-<type>; got 'NOUN'"):
        load_tagger(tmp_path)
