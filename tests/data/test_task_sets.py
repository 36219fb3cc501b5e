import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from course_lib.data import load
from course_lib.data.task_sets import read_scitldr, read_xquad

CONTEXT = {"en": "The red cat ate two fish.", "zh": "红猫吃了两条鱼。"}


def squad(path: Path, language: str, answer: str, start: int) -> Path:
    asked = {"id": "q1", "question": "?", "answers": [{"text": answer, "answer_start": start}]}
    paragraph = {"context": CONTEXT[language], "qas": [asked]}
    return written(path, json.dumps({"data": [{"title": "Cats", "paragraphs": [paragraph]}]}))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_questions_in_two_languages(tmp_path: Path) -> None:
    files = [
        squad(tmp_path / "xquad.zh.part1.json", "zh", "两条", 4),
        squad(tmp_path / "xquad.en.json", "en", "two", 16),
    ]
    found = read_xquad(files)
    assert list(found) == ["en", "zh"]
    assert found["zh"] == [
        {
            "id": "q1",
            "title": "Cats",
            "context": CONTEXT["zh"],
            "question": "?",
            "answers": {"text": ["两条"], "answer_start": [4]},
        }
    ]
    assert found["en"][0]["answers"] == {"text": ["two"], "answer_start": [16]}


def test_broken_questions_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"q1: the answer 'two' must stand at 15; .* ' tw'"):
        read_xquad([squad(tmp_path / "xquad.en.json", "en", "two", 15)])
    with pytest.raises(ValueError, match=r"dev\.json must have a name such as xquad\.zh\.json"):
        read_xquad([squad(tmp_path / "dev.json", "en", "two", 16)])
    for text in ("{", '{"data": [{}]}', "[1]"):
        with pytest.raises(ValueError, match=r"xquad\.de\.json must be SQuAD-style JSON"):
            read_xquad([written(tmp_path / "xquad.de.json", text)])


def paper(**changed: Any) -> str:
    item = {"source": [" We test. ", "It works."], "target": ["Works."], "paper_id": "p"} | changed
    return json.dumps(item) + "\n"


def test_abstracts(tmp_path: Path) -> None:
    files = [
        written(tmp_path / "dev.jsonl", paper(target="One.", title="T")),
        written(tmp_path / "train.jsonl", paper() + "\n" + paper(target=["A. ", "B."])),
    ]
    found = read_scitldr(files)
    assert list(found) == ["train", "validation"]
    assert found["train"][0] == {
        "id": "p",
        "title": "",
        "text": "We test. It works.",
        "sentences": ["We test.", "It works."],
        "summaries": ["Works."],
    }
    assert found["train"][1]["summaries"] == ["A.", "B."]
    assert found["validation"][0]["summaries"] == ["One."]
    assert found["validation"][0]["title"] == "T"


def test_a_broken_abstract_is_named_by_its_line(tmp_path: Path) -> None:
    for text in ("{", "{}", "[]", '{"source": 3, "target": "x", "paper_id": "p"}'):
        path = written(tmp_path / "train.jsonl", paper() + text)
        with pytest.raises(ValueError, match=r"train\.jsonl, line 2: must be a JSON object"):
            read_scitldr([path])


def test_through_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    squad(tmp_path / "qa" / "xquad" / "xquad.en.json", "en", "two", 16)
    written(tmp_path / "scitldr" / "train.jsonl", paper())
    written(tmp_path / "translation" / "multi30k" / "train.en", "A dog.\n")
    written(tmp_path / "translation" / "multi30k" / "train.fr", "Un chien.\n")
    found = load("xquad")
    assert isinstance(found, datasets.DatasetDict)
    assert found["en"][0]["answers"]["text"] == ["two"]
    assert load("scitldr")["train"][0]["summaries"] == ["Works."]
    assert load("multi30k")["train"][0] == {"en": "A dog.", "fr": "Un chien."}
    with pytest.raises(ValueError, match="split"):
        load("multi30k", split="test")
