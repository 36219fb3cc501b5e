"""The rows here are made up in the form of the sources; none is copied from them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest

from course_lib.data import Corpus, catalog, load
from course_lib.data.chinese_sets import (
    find_span,
    read_anthology,
    read_chnsenticorp,
    read_cmrc,
    read_lunyu,
    read_shijing,
    read_songci,
    read_tatoeba,
)
from course_lib.errors import DataNotFoundError

PAIRS = (
    "The tea is cold.\t茶凉了。\tCC-BY #1 (an) & #2 (bo)\n"
    "The tea is cold.\t茶已经冷了。\tCC-BY #1 (an) & #3 (cy)\n\n"
    "It snows. \t下雪了。\tCC-BY #4 (di) & #5 (ed)"
)
CONTEXT = "阿明养了三只猫。阿明的妹妹养了两只猫。"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def asked(number: int, question: str, *answers: tuple[str, int]) -> dict[str, Any]:
    spans = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": f"Q{number}", "question": question, "answers": spans}


def squad(path: Path, *questions: dict[str, Any]) -> Path:
    passage = {"id": "P", "context": CONTEXT, "qas": list(questions)}
    article = {"title": "猫", "paragraphs": [passage]}
    return written(path, json.dumps({"data": [article]}, ensure_ascii=False))


def poems(path: Path, *names: str) -> Path:
    items = [{"rhythmic": n, "author": "某甲", "paragraphs": ["一□二。", "三四。"]} for n in names]
    return written(path, json.dumps(items, ensure_ascii=False))


def test_tatoeba_keeps_every_translation_and_its_thanks(tmp_path: Path) -> None:
    rows = read_tatoeba([written(tmp_path / "cmn.txt", PAIRS)])[""]
    assert [row["en"] for row in rows] == ["The tea is cold.", "The tea is cold.", "It snows."]
    assert rows[1] == {
        "en": "The tea is cold.",
        "zh": "茶已经冷了。",
        "attribution": "CC-BY #1 (an) & #3 (cy)",
    }


@pytest.mark.parametrize("line", ["Hi.\t你好。", "Hi.\t \tCC", "Hi.\t你好。\tCC\tmore"])
def test_a_broken_line_of_tatoeba_is_named(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "cmn.txt", "It snows.\t下雪了。\tCC\n\n" + line)
    with pytest.raises(ValueError, match=r"cmn\.txt, line 3: must have English, Chinese and attr"):
        read_tatoeba([path])


def test_cmrc_mends_offsets_and_leaves_out_what_is_not_there(tmp_path: Path) -> None:
    trial = squad(
        tmp_path / "cmrc2018_trial.json",
        asked(1, "阿明有几只猫？", ("三只", 4), ("三只", 0), ("四只", 4)),
        asked(2, "妹妹有几只？", ("五只", -1)),
        asked(3, " ", ("三只", 4)),
        asked(4, "谁有两只猫？", ("阿明", 7), ("猫", 16)),
    )
    rows = read_cmrc([trial])["trial"]
    assert [row["id"] for row in rows] == ["Q1", "Q4"]
    assert rows[0] == {
        "id": "Q1",
        "title": "猫",
        "context": CONTEXT,
        "question": "阿明有几只猫？",
        "answers": {"text": ["三只", "三只"], "answer_start": [4, 4]},
    }
    assert rows[1]["answers"] == {"text": ["阿明", "猫"], "answer_start": [8, 17]}


def test_cmrc_splits_are_named_after_the_files(tmp_path: Path) -> None:
    question = asked(1, "几只？", ("三只", 4))
    names = ("cmrc2018_dev.json", "cmrc2018_trial.json", "cmrc2018_train.json")
    splits = read_cmrc([squad(tmp_path / name, question) for name in names])
    assert list(splits) == ["train", "trial", "validation"]
    assert [len(rows) for rows in splits.values()] == [1, 1, 1]


@pytest.mark.parametrize("text", ["{", "[]", '{"data": [{"title": "t"}]}'])
def test_broken_json_is_named(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "broken.json", text)
    with pytest.raises(ValueError, match=r"broken\.json must be SQuAD-style JSON"):
        read_cmrc([path])
    path = written(tmp_path / "broken.json", text.replace("[]", "[1]"))
    with pytest.raises(ValueError, match=r"broken\.json must be a list of poems in JSON"):
        read_songci([path])


@pytest.mark.parametrize(
    ("answer", "near", "start"),
    [("aa", 0, 0), ("aa", 1, 1), ("aa", 9, 5), ("b", -1, 3), ("", 2, None)],
)
def test_find_span_takes_the_nearest(answer: str, near: int, start: int | None) -> None:
    assert find_span("aaabbaa", answer, near) == start


def test_chnsenticorp(tmp_path: Path) -> None:
    train = written(tmp_path / "train.tsv", 'label\ttext_a\n1\t"好"，不错 \n0\t太小\t太吵\n0\t  \n')
    dev = written(tmp_path / "chnsenticorp_dev.tsv", "0\t差\n")
    splits = read_chnsenticorp([dev, train])
    assert list(splits) == ["train", "validation"]
    assert splits["train"] == [
        {"text": '"好"，不错', "label": 1},
        {"text": "太小\t太吵", "label": 0},
    ]
    assert splits["validation"] == [{"text": "差", "label": 0}]


@pytest.mark.parametrize("line", ["2\t好", "好", "1", "label\ttext_a"])
def test_a_broken_review_is_named(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "dev.tsv", "label\ttext_a\n1\t好\n" + line)
    with pytest.raises(ValueError, match=r"dev\.tsv, line 3: must be 0 or 1, a tab and a review"):
        read_chnsenticorp([path])


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold at least one row in every file; got none"):
        read_chnsenticorp([written(tmp_path / "train.tsv", "label\ttext_a\n")])


def test_songci_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    files = [poems(tmp_path / f"ci.song.{n}.json", f"调{n}") for n in (10000, 0, 2000)]
    documents = read_songci(files)
    assert [document.split("\n")[0] for document in documents] == ["调0", "调2000", "调10000"]
    assert documents[0] == "调0\n某甲\n一□二。\n三四。"


def test_an_anthology_by_hand(tmp_path: Path) -> None:
    poem = {
        "chapter": "茶",
        "subchapter": None,
        "author": "宋：某甲 ",
        "paragraphs": ["一。", "二。"],
    }
    parts = [{"type": "诗", "content": [poem, {**poem, "chapter": "酒"}]}, {"content": [poem]}]
    text = json.dumps({"title": "集", "content": parts})
    documents = read_anthology([written(tmp_path / "a.json", text)])
    assert documents == [f"{title}\n宋：某甲\n一。\n二。" for title in "茶酒茶"]


def test_songs_and_chapters_by_hand(tmp_path: Path) -> None:
    song = {"title": "茶", "chapter": "风", "section": "北", "content": ["一。", "二。"]}
    songs = written(tmp_path / "s.json", json.dumps([song, {**song, "title": "酒"}]))
    assert read_shijing([songs]) == ["茶\n风·北\n一。\n二。", "酒\n风·北\n一。\n二。"]
    chapter = {"chapter": "茶篇", "paragraphs": ["甲曰：“一。”", "乙曰：“二。”"]}
    chapters = written(tmp_path / "c.json", json.dumps([chapter]))
    assert read_lunyu([chapters, chapters]) == ["茶篇\n甲曰：“一。”\n乙曰：“二。”"] * 2


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (read_anthology, "an anthology"),
        (read_shijing, "a list of songs"),
        (read_lunyu, "a list of chapters"),
    ],
)
@pytest.mark.parametrize("text", ["{", "[1]", '[{"title": "茶"}]', '{"content": [1]}'])
def test_a_broken_classic_is_named(
    tmp_path: Path, read: Callable[[Sequence[Path]], list[str]], what: str, text: str
) -> None:
    path = written(tmp_path / "broken.json", text)
    with pytest.raises(ValueError, match=rf"broken\.json must be {what} in JSON"):
        read([path])


def test_through_the_door(mirror: Path) -> None:
    written(mirror / "tatoeba-en-zh" / "cmn.txt", PAIRS)
    written(mirror / "tatoeba-en-zh" / "_about.txt", "not data")
    written(mirror / "sentiment" / "chnsenticorp" / "dev.tsv", "0\t差\n1\t好\n")
    written(mirror / "sentiment" / "chnsenticorp" / "train.tsv", "1\t好\n")
    squad(mirror / "qa" / "cmrc2018" / "cmrc2018_trial.json", asked(1, "几只？", ("三只", 4)))
    poems(mirror / "lm" / "chinese-poetry" / "songci" / "ci.song.0.json", "调")
    pairs = load("tatoeba-en-zh")
    assert isinstance(pairs, datasets.Dataset)
    assert pairs.column_names == ["en", "zh", "attribution"]
    assert len(pairs) == 3
    reviews = load("chnsenticorp")
    assert list(reviews) == ["train", "validation"]
    assert reviews["validation"].features["label"].names == ["negative", "positive"]
    assert reviews["validation"]["label"] == [0, 1]
    assert load("cmrc2018")["trial"][0]["answers"] == {"text": ["三只"], "answer_start": [4]}
    corpus = load("songci")
    assert isinstance(corpus, Corpus)
    assert corpus.documents == ["调\n某甲\n一□二。\n三四。"]
    assert corpus.licence == catalog()["songci"].licence


def test_a_folder_of_its_own_name_comes_first(mirror: Path) -> None:
    poems(mirror / "lm" / "chinese-poetry" / "songci" / "a.json", "后")
    poems(mirror / "songci" / "a.json", "先")
    assert load("songci").documents[0].startswith("先\n")


def test_what_is_not_there_says_where_to_get_it(mirror: Path) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        load("cmrc2018")
    message = str(caught.value)
    for part in (
        f"3. $COURSE_DATA_DIR: {mirror / 'cmrc2018'} nor {mirror / 'qa' / 'cmrc2018'}: there is no",
        "4. the Hugging Face hub: the catalog names no data set there",
        "copy squad-style-data/cmrc2018_*.json of https://github.com/ymcui/cmrc2018 at commit "
        "c0eb1b6ba219847457e6af3180da722bbeb656af, unpacked, to a folder called 'cmrc2018'",
        "export COURSE_DATA_DIR=",
    ):
        assert part in message
    with pytest.raises(ValueError, match=r"load\('cmrc2018'\) must be left out; got split='test'"):
        load("cmrc2018", split="test")
