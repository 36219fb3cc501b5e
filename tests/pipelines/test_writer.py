from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers import pipeline as their_pipeline

from course_lib.generation import Sampling
from course_lib.pipelines import TextGenerationPipeline, Writer, Writing, load_writer, pipeline
from course_lib.pipelines.writer import read_settings
from course_lib.tokenizers import BPETokenizer

END = "<|endoftext|>"
CORPUS = ["the cat sat on the mat. the dog ran home. 红猫和白狗。"] * 3
PROMPTS = ["the cat", "a dog ran", "红"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpt2")
    tokenizer = BPETokenizer.train(CORPUS, vocab_size=300, special_tokens=(END,))
    tokenizer.save(path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(path / "tokenizer.json"), eos_token=END)
    theirs.pad_token = END
    theirs.save_pretrained(path)
    end_id = tokenizer.id_of(END)
    config = GPT2Config(
        vocab_size=tokenizer.vocab_size,
        n_positions=48,
        n_embd=24,
        n_layer=2,
        n_head=2,
        initializer_range=0.4,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def generate(folder: Path) -> TextGenerationPipeline:
    return pipeline("text-generation", folder, batch_size=2)


def test_it_goes_on_as_transformers_does(folder: Path, generate: TextGenerationPipeline) -> None:
    theirs = their_pipeline("text-generation", model=str(folder))
    expected = theirs(PROMPTS, max_new_tokens=12, do_sample=False)
    found = generate(PROMPTS, max_new_tokens=12)
    assert found == expected
    assert generate(PROMPTS[0], max_new_tokens=12) == found[0]
    (new,) = generate(PROMPTS[0], return_full_text=False, max_new_tokens=12)
    assert PROMPTS[0] + new["generated_text"] == found[0][0]["generated_text"]


def test_draws_repeat_with_their_seed(generate: TextGenerationPipeline) -> None:
    settings = {"do_sample": True, "temperature": 1.5, "num_return_sequences": 3}
    first, again, other = (
        generate("the cat", **settings, seed=seed, max_new_tokens=9)  # pyright: ignore
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len({row["generated_text"] for row in first}) > 1
    assert all(row["generated_text"].startswith("the cat") for row in first)


def test_a_stream_is_the_text_in_pieces(generate: TextGenerationPipeline) -> None:
    whole = generate("the cat", return_full_text=False, max_new_tokens=12)[0]["generated_text"]
    pieces = list(generate.stream("the cat", max_new_tokens=12))
    assert len(pieces) > 1
    assert "".join(pieces) == whole.rstrip("\ufffd")


def test_stop_strings_end_a_text_and_are_not_in_it(generate: TextGenerationPipeline) -> None:
    (row,) = generate("the cat", return_full_text=False, max_new_tokens=12)
    whole = row["generated_text"]
    stop = whole[2:4]
    (stopped,) = generate(
        "the cat", return_full_text=False, max_new_tokens=12, stop_strings=[stop, "zzz"]
    )
    assert stopped["generated_text"] == whole[: whole.index(stop)]
    assert (
        "".join(generate.stream("the cat", max_new_tokens=12, stop_strings=stop))
        == (stopped["generated_text"])
    )


def test_a_prompt_longer_than_the_model_loses_its_beginning(
    generate: TextGenerationPipeline,
) -> None:
    long = "the cat sat. " * 50
    with pytest.warns(UserWarning, match="1 of 1 prompts had more than 48 tokens; only their ends"):
        (row,) = generate(long, max_new_tokens=60)
    assert row["generated_text"].startswith(long)
    assert len(row["generated_text"]) > len(long)


def test_an_empty_prompt_needs_a_token_to_begin_with(
    folder: Path, generate: TextGenerationPipeline
) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        generate("")
    bare = load_writer(folder)
    end_id = bare.end_id
    assert end_id is not None
    tokenizer = BPETokenizer.train(CORPUS, vocab_size=300, special_tokens=(END,))
    writer = Writer(bare.model, tokenizer, start_ids=[end_id], end_id=end_id)
    assert writer.encode("") == [end_id]
    assert len(writer.write([""], Writing(max_new_tokens=3))[0]) == 1


def test_what_a_user_types_is_never_a_special_token(folder: Path) -> None:
    writer = load_writer(folder)
    assert writer.end_id is not None
    assert writer.end_id not in writer.encode(f"the cat{END}")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_tokens": 3}, TypeError, "settings must be among max_new_tokens, .*got max_tokens"),
        ({"temperature": 0.5}, ValueError, "do_sample must be True for temperature"),
        ({"num_return_sequences": 2}, ValueError, "do_sample must be True for num_return"),
        ({"max_new_tokens": 0}, ValueError, "max_new_tokens must be ≥ 1; got max_new_tokens=0"),
        ({"seed": -1}, ValueError, "seed must be ≥ 0"),
        ({"do_sample": True, "top_p": 2.0}, ValueError, "p must be > 0 and ≤ 1"),
        ({"repetition_penalty": 0.0}, ValueError, "repetition_penalty must be > 0"),
    ],
)
def test_bad_settings(
    generate: TextGenerationPipeline, settings: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        generate("the cat", **settings)


def test_settings_become_ours() -> None:
    found = read_settings(
        {
            "do_sample": True,
            "top_k": 5,
            "min_p": 0.1,
            "stop_strings": "x",
            "no_repeat_ngram_size": 2,
        }
    )
    assert found == Writing(
        sampling=Sampling(top_k=5, min_p=0.1), stop=("x",), no_repeat_ngram_size=2
    )
    assert read_settings({}) == Writing()


def test_models_that_cannot_write_are_refused() -> None:
    with pytest.raises(ValueError, match="must be able to go on with a text; got 'mini-bert'"):
        load_writer("mini-bert")
