"""The recipes of the fine-tuned models and of mini-coder, at a small fraction of their sizes."""

import csv
from pathlib import Path

import pytest

from course_lib.cli.recipe import load_recipe
from course_lib.data import sha256_of
from course_lib.data.stories import stream_stories
from course_lib.finetuning import Answerer, Classifier, Rewriter, Tagger
from course_lib.models.shipped import DIGESTS, check_shipped
from recipes._reading import cut, sentence_starts, stretches
from recipes.mini_bert_answerer import cut_up
from recipes.mini_bert_tagger import entity_places, tagged

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
STORY = next(stream_stories(3, languages=("en", "zh")))


def run_recipe(name: str, out: Path) -> Path:
    """Run a recipe; return the folder that ships."""
    load_recipe(RECIPES / f"{name}.py").run(out, scale=0.002, resume=False)
    folder = out / name.replace("_", "-")
    check_shipped(folder)
    card = (folder / "README.md").read_text("utf-8")
    assert card.startswith(f"# {folder.name}\n")
    weights = next(path for path in sorted(folder.rglob("model.safetensors")))
    assert weights.stat().st_size <= 20 * 1024**2
    assert sha256_of(weights) in card
    assert sha256_of(weights) in (folder / DIGESTS).read_text("utf-8")
    with (folder / "curve.csv").open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) >= 1
    return folder


@pytest.mark.slow
def test_mini_bert_answerer(tmp_path: Path) -> None:
    folder = run_recipe("mini_bert_answerer", tmp_path)
    (answer,) = Answerer.load(folder).predict(["Who?"], [STORY.told["en"].text])
    assert answer.text in STORY.told["en"].text
    assert "hand-written passages, split test: F1" in (folder / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_mini_bert_tagger(tmp_path: Path) -> None:
    folder = run_recipe("mini_bert_tagger", tmp_path)
    assert {tag[2:] for tag in Tagger.load(folder).classes} <= {"", "PER", "LOC", "OBJ"}


@pytest.mark.slow
def test_mini_bert_sentiment(tmp_path: Path) -> None:
    folder = run_recipe("mini_bert_sentiment", tmp_path)
    assert Classifier.load(folder).classes == ("negative", "neutral", "positive")


@pytest.mark.slow
def test_story_summarizer(tmp_path: Path) -> None:
    folder = run_recipe("story_summarizer", tmp_path)
    assert len(Rewriter(folder).predict([STORY.told["zh"].text])) == 1


@pytest.mark.slow
def test_mini_coder(tmp_path: Path) -> None:
    folder = run_recipe("mini_coder", tmp_path)
    card = (folder / "README.md").read_text("utf-8")
    assert "the next token is the likeliest one" in card
    assert "modules learnt from" in card


@pytest.mark.parametrize("language", ["en", "zh"])
def test_stretches_are_the_whole_story_in_order(language: str) -> None:
    import numpy as np

    told = STORY.told[language]
    found = list(stretches(told, np.random.default_rng(0), most=3))
    assert all(told.text[part.start : part.end] == part.text for part in found)
    between = "" if language == "zh" else " "
    assert between.join(part.text for part in found) == told.text
    assert cut(told, 1, 3).text == between.join(told.sentences[1:3])
    assert [told.text[start] for start in sentence_starts(told)] == [s[0] for s in told.sentences]


def test_cut_up_questions_keep_their_answers() -> None:
    asked = list(cut_up([STORY] * 20))
    n_without = sum(one.answer is None for one in asked)
    assert 0 < n_without < len(asked) / 3
    for one in asked:
        if one.answer is not None:
            text, start = one.answer
            assert one.passage.startswith(text, start)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tags_of_stretches_are_those_of_the_story(language: str) -> None:
    told = STORY.told[language]
    places = entity_places(told)
    assert all(told.text[a:b].strip() == told.text[a:b] != "" for a, b, _ in places)
    words, tags = tagged([STORY], [language], seed=0)
    n_begun = sum(tag.startswith("B-") for row in tags for tag in row)
    assert n_begun == len(places)
    assert "".join(word for row in words for word in row) == "".join(told.text.split())
