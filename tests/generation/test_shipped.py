"""The models that come with the course write the same tokens here and in transformers."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, MarianMTModel

from course_lib.data import data_path
from course_lib.data.batches import pad_left
from course_lib.generation import ForSource, Rules, beam_search, greedy
from course_lib.models import load_checkpoint

BEGINNINGS = ("There was once a farmer", "从前，", "One breezy noon, Lucia opened the door of her")
TO_TRANSLATE = (
    ("<|to-zh|>", "There was once a farmer called Lucia."),
    ("<|to-en|>", "从前有一个农夫，名叫露西娅。"),
)


@pytest.fixture(scope="module", params=["mini-gpt", "story-gpt", "story-gpt-draft"])
def pair(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    model, tokenizer = load_checkpoint(request.param)
    folder = data_path("checkpoints") / request.param
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model.double(), theirs.double(), tokenizer


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_texts_are_those_of_transformers(pair: tuple[Any, Any, Any], penalty: float) -> None:
    model, theirs, tokenizer = pair
    end_id = tokenizer.id_of("<|endoftext|>")
    prompts = pad_left([[end_id, *tokenizer.encode(text)] for text in BEGINNINGS], pad_id=end_id)
    written = greedy(model, prompts, 40, rules=Rules(end_id=end_id, repetition_penalty=penalty))
    for text, ids in zip(BEGINNINGS, written, strict=True):
        alone = torch.tensor([[end_id, *tokenizer.encode(text)]])
        expected = theirs.generate(
            alone,
            attention_mask=torch.ones_like(alone),
            max_new_tokens=40,
            do_sample=False,
            repetition_penalty=penalty,
            pad_token_id=end_id,
        )
        found = expected[0, alone.shape[1] :].tolist()
        assert ids == found[: found.index(end_id) if end_id in found else None]
        assert len(ids) > 10


def test_beams_are_those_of_transformers(pair: tuple[Any, Any, Any]) -> None:
    model, theirs, tokenizer = pair
    end_id = tokenizer.id_of("<|endoftext|>")
    prompt = torch.tensor([[end_id, *tokenizer.encode(BEGINNINGS[0])]])
    expected = theirs.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=30,
        do_sample=False,
        num_beams=3,
        num_return_sequences=3,
        pad_token_id=end_id,
    )
    found = beam_search(model, prompt, 30, n_beams=3, rules=Rules(end_id=end_id))[0]
    assert [beam.ids for beam in found] == expected[:, prompt.shape[1] :].tolist()


@pytest.mark.parametrize("n_beams", [1, 3])
def test_translations_are_those_of_transformers(n_beams: int) -> None:
    model, tokenizer = load_checkpoint("story-translator")
    theirs = MarianMTModel.from_pretrained(
        data_path("checkpoints") / "story-translator", dtype=torch.float32
    )
    end_id, pad_id = tokenizer.id_of("<|endoftext|>"), tokenizer.id_of("<|pad|>")
    for direction, text in TO_TRANSLATE:
        source = torch.tensor([[tokenizer.id_of(direction), *tokenizer.encode(text), end_id]])
        task = ForSource(model.double(), source)
        found = beam_search(task, task.prompts, 40, n_beams=n_beams, rules=Rules(end_id=end_id))[0]
        expected = (
            theirs.double()
            .eval()
            .generate(
                source,
                attention_mask=torch.ones_like(source),
                max_new_tokens=40,
                do_sample=False,
                num_beams=n_beams,
            )
        )
        wanted = [i for i in expected[0, 1:].tolist() if i not in (end_id, pad_id)]
        assert found[0].ids == wanted
        assert len(wanted) > 5
