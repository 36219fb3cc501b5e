import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from course_lib.cli.model_folder import load_model, save_model
from course_lib.errors import CourseError
from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig, llama_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer

CPU = torch.device("cpu")
TOKENIZER = BPETokenizer.train(
    ["the cat 小猫 sees"], vocab_size=262, special_tokens=["<|endoftext|>"]
)
IDS = torch.tensor([[7, 2, 11]])


def make_gpt() -> GPT:
    sizes = {"d_model": 12, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(vocab_size=262, max_len=5, **sizes), make_generator(1))


@torch.no_grad()
def test_what_is_written_is_read_by_us_and_by_transformers(tmp_path: Path) -> None:
    ours = make_gpt()
    save_model(ours, TOKENIZER, tmp_path)
    model, tokenizer = load_model(tmp_path, CPU)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    their_tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    torch.testing.assert_close(model(IDS), ours(IDS))
    torch.testing.assert_close(theirs(IDS).logits, ours(IDS), rtol=1e-4, atol=1e-5)
    text = "the cats 小猫 see é"
    assert tokenizer.encode(text) == TOKENIZER.encode(text) == their_tokenizer(text)["input_ids"]
    end_id = TOKENIZER.id_of("<|endoftext|>")
    assert theirs.config.eos_token_id == theirs.generation_config.eos_token_id == end_id
    assert their_tokenizer.eos_token_id == end_id
    assert their_tokenizer.model_max_length == 5
    assert not model.training


@torch.no_grad()
def test_a_llama_is_read_too(tmp_path: Path) -> None:
    sizes = {"d_model": 12, "n_heads": 3, "n_kv_heads": 1, "n_layers": 2, "d_ff": 5}
    ours = Llama(LlamaConfig(vocab_size=262, max_len=7, **sizes), make_generator(1))
    llama_to_hf(ours).save_pretrained(tmp_path)
    TOKENIZER.save(tmp_path / "tokenizer.json")
    model, _ = load_model(tmp_path, CPU)
    assert isinstance(model, Llama)
    torch.testing.assert_close(model(IDS), ours(IDS))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    save_model(make_gpt(), TOKENIZER, folder)
    return folder


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="there is no such folder"):
        load_model(tmp_path / "none", CPU)
    with pytest.raises(CourseError, match=r"missing: config\.json, tokenizer\.json\.$"):
        load_model(tmp_path, CPU)


def test_a_run_that_is_not_finished_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}", "utf-8")
    with pytest.raises(CourseError, match=rf"course train gpt --out {tmp_path} --resume"):
        load_model(tmp_path, CPU)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "holds no model that we can read"),
        ("config.json", json.dumps({"model_type": "bert"}), "model_type .*; got 'bert'"),
        ("model.safetensors", "cut", "must be a safetensors file"),
        ("tokenizer.json", "{}", r"must be a tokenizer\.json"),
    ],
)
def test_a_damaged_folder_says_what_is_wrong(
    name: str, content: str, message: str, good: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    (folder / name).write_text(content, "utf-8")
    with pytest.raises(CourseError, match=message):
        load_model(folder, CPU)
