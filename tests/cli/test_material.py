from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.cli import material
from course_lib.cli.material import digest_of, prepare, train_tokenizer
from course_lib.cli.run_settings import RunSettings
from course_lib.errors import CourseError

SETTINGS = RunSettings(
    text=[],
    text_sha256="",
    preset="tiny",
    steps=None,
    seed=3,
    precision="float32",
    float32_products="highest",
)


def test_the_digest_knows_where_documents_end() -> None:
    digests = {digest_of(texts) for texts in (["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"])}
    assert len(digests) == 4
    assert digest_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_training_and_held_out_text_are_all_there_is(own_text: Path) -> None:
    text = own_text.read_text("utf-8")
    got = prepare(SETTINGS, [text])
    assert got.tokenizer.vocab_size <= 320
    assert got.held_out == [text[round(0.9 * len(text)) :]]
    heard = got.tokenizer.decode(got.batches.ids.tolist())
    assert heard == "<|endoftext|>" + text[: round(0.9 * len(text))]
    assert got.tokenizer.decode(got.held_out_ids.tolist()[1:]) == got.held_out[0]
    assert (got.batches.n_rows, got.batches.n_tokens, got.batches.seed) == (16, 128, 3)


def test_a_run_can_be_prepared_again(own_text: Path) -> None:
    documents = own_text.read_text("utf-8").splitlines()
    first, again = prepare(SETTINGS, documents), prepare(SETTINGS, documents)
    other = prepare(replace(SETTINGS, seed=4), documents)
    assert torch.equal(first.batches[2].ids, again.batches[2].ids)
    assert first.held_out == again.held_out != other.held_out
    assert not torch.equal(first.batches[2].ids, other.batches[2].ids)


def test_the_tokenizer_learns_from_the_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "TOKENIZER_CHARACTERS", 16)
    tokenizer = train_tokenizer(["abababab" + "xyxyxyxyxyxy", "cdcdcdcd" + "zwzwzwzwzwzw"], 2048)
    learnt = "".join(tokenizer.token_of(i) for i in range(257, tokenizer.vocab_size))
    assert set(learnt) == set("abcd")


@pytest.mark.parametrize("text", ["x", "cat " * 50, "a\nb"])
def test_too_little_text_is_said_so(text: str) -> None:
    with pytest.raises(CourseError, match=rf"more text for the preset tiny; got {len(text)} char"):
        prepare(SETTINGS, [text])
