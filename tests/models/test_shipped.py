import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from course_lib.data import data_path, sha256_of
from course_lib.errors import DigestMismatchError, WeightsNotFoundError
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    bert_to_hf,
    checkpoint_names,
    encoder_decoder_to_hf,
    gpt_to_hf,
    llama_to_hf,
    load_checkpoint,
)
from course_lib.models.shipped import DIGESTS, FILES
from course_lib.tokenizers import BPETokenizer

TEXT = "low lower lowest"
IDS = torch.tensor([[3, 1, 4, 1, 5]])


def ship(folder: Path, hf_model: torch.nn.Module) -> None:
    """Write a model as the recipes do."""
    hf_model.to(torch.bfloat16).save_pretrained(folder)  # pyright: ignore[reportCallIssue]
    BPETokenizer.train([TEXT], vocab_size=258).save(folder / "tokenizer.json")
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in FILES]
    (folder / DIGESTS).write_text("".join(lines), "utf-8")


@torch.no_grad()
def round_weights(model: torch.nn.Module) -> None:
    """Round every weight to what bfloat16 can hold."""
    for parameter in model.parameters():
        parameter.copy_(parameter.bfloat16())


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course that ships one tiny Llama, and vectors, which are no model."""
    config = LlamaConfig(
        vocab_size=11, max_len=7, d_model=12, n_heads=3, n_kv_heads=1, n_layers=2, d_ff=5
    )
    ship(tmp_path / "mini-llama", llama_to_hf(Llama(config)))
    (tmp_path / "vectors").mkdir()
    monkeypatch.setattr("course_lib.models.shipped.data_path", lambda relative: tmp_path)
    return tmp_path


def test_it_gives_the_model_that_was_shipped(checkpoints: Path) -> None:
    model, tokenizer = load_checkpoint("mini-llama")
    assert isinstance(model, Llama)
    assert not model.training
    shipped = load_file(checkpoints / "mini-llama" / "model.safetensors")
    expected = shipped["model.layers.1.self_attn.q_proj.weight"].float()
    torch.testing.assert_close(model.state_dict()["blocks.1.attention.query.weight"], expected)
    assert tokenizer.encode(TEXT) == BPETokenizer.train([TEXT], vocab_size=258).encode(TEXT)


def test_every_kind_of_model_can_ship(checkpoints: Path) -> None:
    sizes: dict[str, Any] = {"vocab_size": 11, "max_len": 7, "d_model": 6, "n_heads": 3}
    pair = EncoderDecoderConfig(**sizes, d_ff=5, n_encoder_layers=1, n_decoder_layers=2)
    bert = BERT(BERTConfig(**sizes, n_layers=2, d_ff=5))
    bert.pooler = bert.next_sentence_head = None
    gpt, translator = GPT(GPTConfig(**sizes, n_layers=2)), EncoderDecoder(pair)
    kinds: list[tuple[str, torch.nn.Module, Callable[[Any], torch.nn.Module]]] = [
        ("a", bert, bert_to_hf),
        ("b", gpt, gpt_to_hf),
        ("c", translator, encoder_decoder_to_hf),
    ]
    for name, model, to_hf in kinds:
        round_weights(model)
        ship(checkpoints / name, to_hf(model))
        loaded = load_checkpoint(name).model
        assert type(loaded) is type(model)
        inputs = (IDS, IDS) if isinstance(model, EncoderDecoder) else (IDS,)
        torch.testing.assert_close(loaded(*inputs), model.eval()(*inputs))


def test_an_unknown_name_is_told_what_there_is(checkpoints: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"\(mini-llama\); got 'maxi'"):
        load_checkpoint("maxi")
    with pytest.raises(WeightsNotFoundError, match=r"got '\.\./mini-llama'"):
        load_checkpoint("../mini-llama")
    (checkpoints / "mini-llama" / DIGESTS).unlink()
    with pytest.raises(WeightsNotFoundError, match=r"\(none\)"):
        load_checkpoint("mini-llama")


@pytest.mark.parametrize("file", FILES)
def test_an_altered_file_is_refused(checkpoints: Path, file: str) -> None:
    path = checkpoints / "mini-llama" / file
    if file == "model.safetensors":
        tensors = load_file(path)
        save_file({name: tensor + 1 for name, tensor in tensors.items()}, path)
    else:
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=3), "utf-8")
    with pytest.raises(DigestMismatchError, match=rf"mini-llama: .*{file}"):
        load_checkpoint("mini-llama")


def test_the_models_that_ship_are_as_their_cards_say() -> None:
    for name in checkpoint_names():
        folder = data_path(f"checkpoints/{name}")
        card = (folder / "README.md").read_text("utf-8")
        assert sha256_of(folder / "model.safetensors") in card
        assert (folder / "model.safetensors").stat().st_size <= 20 * 1024**2
        model, tokenizer = load_checkpoint(name)
        n_parameters = sum(parameter.numel() for parameter in model.parameters())
        assert n_parameters <= 9_000_000
        assert f"{n_parameters:,} parameters" in card
        assert tokenizer.vocab_size <= model.config.vocab_size
