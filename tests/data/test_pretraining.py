from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from course_lib.data import load
from course_lib.data.pretraining import (
    CORPORA,
    Language,
    PretrainingTexts,
    load_pretraining_texts,
    pack_documents,
)
from course_lib.data.storyworld import split_of_story
from course_lib.tokenizers import ByteTokenizer

LEE: Mapping[str, Language] = {"lee-news": "en"}  # 300 documents, shipped with gensim


def write_texts(folder: Path, *texts: str) -> None:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def parts_of(texts: PretrainingTexts) -> list[tuple[str, str, int, int]]:
    return [(s.name, s.language, len(s.train), len(s.held_out)) for s in texts.sources]


def test_every_document_is_in_one_part_in_its_order() -> None:
    documents = list(dict.fromkeys(load("lee-news").documents))
    texts = load_pretraining_texts(corpora=LEE, n_stories=0, held_out_share=0.1, seed=3)
    ((name, language, train, held_out),) = texts.sources
    assert (name, language, texts.skipped) == ("lee-news", "en", {})
    assert len(held_out) == round(0.1 * len(documents))
    assert not set(train) & set(held_out)
    assert sorted(train + held_out) == sorted(documents)
    for part in (train, held_out):
        assert part == [document for document in documents if document in set(part)]


def test_the_seed_decides_what_is_held_out() -> None:
    def held_out(seed: int) -> list[str]:
        texts = load_pretraining_texts(corpora=LEE, n_stories=0, held_out_share=0.1, seed=seed)
        return texts.sources[0].held_out

    assert held_out(3) == held_out(3) != held_out(4)


def test_another_version_of_a_corpus_moves_few_documents(mirror: Path) -> None:
    texts = [f"text number {number}" for number in range(40)]
    write_texts(mirror / "old", *texts)
    write_texts(mirror / "new", *texts[:37])

    def held_out(name: str) -> set[str]:
        mix = load_pretraining_texts(corpora={name: "en"}, n_stories=0, held_out_share=0.25)
        return set(mix.sources[0].held_out)

    old, new = held_out("old"), held_out("new")
    assert len(old) == 10
    assert len(new) == 9
    assert len(new - old) <= 3  # those that took the place of texts that are gone


def test_what_repeats_an_earlier_document_of_any_source_is_dropped(mirror: Path) -> None:
    write_texts(mirror / "one", "the cat", "a  dog", "the  cat\n", "an owl")
    write_texts(mirror / "two", "a dog ", "a fox", "an owl!", "\u200ba fox")
    texts = load_pretraining_texts(
        corpora={"one": "en", "two": "zh"}, n_stories=0, held_out_share=0.5
    )
    assert parts_of(texts) == [("one", "en", 1, 2), ("two", "zh", 1, 1)]
    one, two = (sorted(source.train + source.held_out) for source in texts.sources)
    assert one == ["a  dog", "an owl", "the cat"]
    assert two == ["a fox", "an owl!"]


def test_one_document_at_least_is_held_out_and_one_left(mirror: Path) -> None:
    write_texts(mirror / "two", "a", "b")
    texts = load_pretraining_texts(corpora={"two": "en"}, n_stories=0, held_out_share=0.001)
    assert parts_of(texts) == [("two", "en", 1, 1)]
    write_texts(mirror / "same", "a", "a ")
    with pytest.raises(ValueError, match=r"same must have a document .*; got 1 different docu"):
        load_pretraining_texts(corpora={"same": "en"}, n_stories=0)


def test_what_is_not_on_this_machine_is_skipped_and_says_why(mirror: Path) -> None:
    write_texts(mirror / "mine", "a", "b")
    corpora: Mapping[str, Language] = {"songci": "zh", "mine": "en", "books": "en"}
    texts = load_pretraining_texts(corpora=corpora, n_stories=0)
    assert parts_of(texts) == [("mine", "en", 1, 1)]
    assert list(texts.skipped) == ["songci", "books"]
    assert (
        "copy 宋词/ci.song.*.json of https://github.com/chinese-poetry" in texts.skipped["songci"]
    )


def test_stories_keep_the_split_of_the_story_world() -> None:
    texts = load_pretraining_texts(corpora={}, n_stories=97, seed=5)
    english, chinese = texts.sources
    assert (english.name, english.language) == ("stories-en", "en")
    assert (chinese.name, chinese.language) == ("stories-zh", "zh")
    world = load("storyworld", size=97, seed=5, language="both")
    for source, column in ((english, "text"), (chinese, "text_zh")):
        assert source.train == list(world["train"][column])
        assert source.held_out == list(world["validation"][column])
    assert {split_of_story(text) for text in english.train} == {"train"}
    assert len(world["test"]) > 0


def test_the_mix_names_corpora_only() -> None:
    assert list(CORPORA.values()) == ["en"] * 3 + ["zh"] * 5
    with pytest.raises(ValueError, match="corpora must name text corpora; got 'wordsim353', which"):
        load_pretraining_texts(corpora={"wordsim353": "en"}, n_stories=0)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_must_leave_something(share: float) -> None:
    with pytest.raises(ValueError, match=rf"held_out_share must be .*; got held_out_share={share}"):
        load_pretraining_texts(corpora={}, n_stories=0, held_out_share=share)


def test_no_number_of_stories_is_negative() -> None:
    assert load_pretraining_texts(corpora={}, n_stories=0).sources == []
    with pytest.raises(ValueError, match=r"n_stories must be ≥ 0; got n_stories=-1\."):
        load_pretraining_texts(corpora={}, n_stories=-1)


def test_packed_documents_can_be_unpacked() -> None:
    documents = ["The tea is cold.", "茶凉了。", "", "\n"]
    tokenizer = ByteTokenizer(["<end>"])
    end_id = tokenizer.id_of("<end>")
    ids = pack_documents(tokenizer, iter(documents), end_id)
    assert ids.dtype == torch.long
    assert len(ids) == sum(len(document.encode()) + 1 for document in documents)
    assert tokenizer.decode(ids.tolist()).split("<end>") == [*documents, ""]
    with pytest.raises(ValueError, match=r"documents must hold at least one text; got none\."):
        pack_documents(tokenizer, [], end_id)
