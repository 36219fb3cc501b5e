from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close
from transformers import MarianConfig, MarianMTModel

from course_lib.models import EncoderDecoder, encoder_decoder_from_hf, encoder_decoder_to_hf
from course_lib.models.encoder_decoder import marian_positions
from course_lib.models.encoder_decoder_weights import (
    encoder_decoder_settings,
    encoder_decoder_tensors,
)
from course_lib.seeding import make_generator

N_SOURCE, N_TARGET = 11, 7
SIZES = {
    "odd": {"d_model": 15, "heads": 3, "layers": (2, 3), "activation_function": "swish"},
    "one": {"d_model": 7, "heads": 1, "layers": (1, 1), "activation_function": "relu"},
    "deep": {"d_model": 44, "heads": 4, "layers": (5, 2), "activation_function": "silu"},
}
MASKS = {
    "none": ("xxxxxxxxxxx",) * 3,
    "right": ("xxxxxxxxxxx", "xxxxxxxx...", "x.........."),
    "left": ("xxxxxxxxxxx", "...xxxxxxxx", "..........x"),
    "holes": ("x.xxx.xx.xx", "..xxxxxx...", ".x.x.x.x.x."),
}


def make_hf(size: str = "odd", **changes: object) -> MarianMTModel:
    """Make a random Marian model in which no weight is zero, one or equal to another."""
    sizes = dict(SIZES[size])
    heads, (n_encoder, n_decoder) = sizes.pop("heads"), sizes.pop("layers")
    settings = {
        **sizes,
        "vocab_size": 31,
        "max_position_embeddings": 13,
        "encoder_layers": n_encoder,
        "decoder_layers": n_decoder,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 17,
        "decoder_ffn_dim": 17,
        "scale_embedding": True,
        "pad_token_id": 29,
        "decoder_start_token_id": 29,
        "eos_token_id": None,
        "forced_eos_token_id": None,
        **changes,
    }
    hf_model = MarianMTModel(MarianConfig(**settings)).double().eval()
    generator = make_generator(0)
    with torch.no_grad():
        for name, tensor in hf_model.state_dict().items():
            if "embed_positions" not in name:
                tensor.normal_(std=0.3, generator=generator)
    return hf_model


def make_inputs(mask: str = "none") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = make_generator(1)
    source = torch.randint(31, (3, N_SOURCE), generator=generator)
    target = torch.randint(31, (3, N_TARGET), generator=generator)
    source_mask = torch.tensor([[c == "x" for c in row] for row in MASKS[mask]])
    target_mask = (
        source_mask[[1, 2, 0], -N_TARGET:] if mask == "left" else source_mask[:, :N_TARGET]
    )
    return source, target, source_mask, target_mask


def compare(ours: EncoderDecoder, hf_model: MarianMTModel, mask: str, tolerance: float) -> None:
    source, target, source_mask, target_mask = make_inputs(mask)
    theirs = hf_model(
        input_ids=source,
        attention_mask=source_mask.long(),
        decoder_input_ids=target,
        decoder_attention_mask=target_mask.long(),
    )
    mine = ours(source, target, source_mask, target_mask)
    assert_close(mine[target_mask], theirs.logits[target_mask], rtol=0, atol=tolerance)
    memory = ours.encode(source, source_mask)
    expected = theirs.encoder_last_hidden_state
    assert_close(memory[source_mask], expected[source_mask], rtol=0, atol=tolerance)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_equals_transformers_in_float64(size: str, mask: str) -> None:
    hf_model = make_hf(size)
    compare(encoder_decoder_from_hf(hf_model), hf_model, mask, 1e-10)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_equals_transformers_in_float32(size: str, mask: str) -> None:
    hf_model = make_hf(size).float()
    ours = encoder_decoder_from_hf(hf_model)
    assert ours.tokens.weight.dtype == torch.float32
    compare(ours, hf_model, mask, 1e-4)


@torch.no_grad()
def test_equals_transformers_without_masks() -> None:
    hf_model = make_hf()
    source, target, _, _ = make_inputs()
    theirs = hf_model(input_ids=source, decoder_input_ids=target).logits
    assert_close(encoder_decoder_from_hf(hf_model)(source, target), theirs)


@pytest.mark.parametrize("d_model", [15, 44])
def test_positions_are_marians_bit_for_bit(d_model: int) -> None:
    size = "odd" if d_model == 15 else "deep"
    hf_model = make_hf(size, max_position_embeddings=512)
    theirs = hf_model.state_dict()["model.decoder.embed_positions.weight"]
    assert torch.equal(marian_positions(512, d_model).double(), theirs)


@pytest.mark.parametrize("mask", MASKS)
@torch.no_grad()
def test_token_by_token_equals_transformers_with_its_cache(mask: str) -> None:
    hf_model = make_hf()
    ours = encoder_decoder_from_hf(hf_model)
    source, target, source_mask, _ = make_inputs(mask)
    cache, past = ours.make_cache(3), None
    encoded = hf_model.get_encoder()(input_ids=source, attention_mask=source_mask.long())
    for token in target.split(1, dim=1):
        theirs = hf_model(
            encoder_outputs=encoded,
            attention_mask=source_mask.long(),
            decoder_input_ids=token,
            past_key_values=past,
            use_cache=True,
        )
        past = theirs.past_key_values
        mine = ours(source, token, source_mask, cache=cache)
        assert_close(mine, theirs.logits, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back_keeps_every_number(size: str) -> None:
    hf_model = make_hf(size, dropout=0.3)
    ours = encoder_decoder_from_hf(hf_model)
    back = encoder_decoder_to_hf(ours)
    assert back.dtype == torch.float64
    assert not back.training
    state = back.state_dict()
    assert list(state) == list(hf_model.state_dict())
    assert all(torch.equal(state[name], tensor) for name, tensor in hf_model.state_dict().items())
    again = encoder_decoder_from_hf(back)
    assert again.config == ours.config
    assert all(torch.equal(t, again.state_dict()[name]) for name, t in ours.state_dict().items())


def test_settings_are_read_by_name() -> None:
    config = encoder_decoder_settings(make_hf(dropout=0.3).config.to_dict())
    assert (config.vocab_size, config.max_len, config.d_model, config.n_heads) == (31, 13, 15, 3)
    assert (config.n_encoder_layers, config.n_decoder_layers, config.d_ff) == (2, 3, 17)
    assert (config.dropout, config.activation, config.start_id) == (0.3, "swish", 29)


def test_the_mode_is_kept() -> None:
    assert encoder_decoder_from_hf(make_hf().train()).training
    assert not encoder_decoder_from_hf(make_hf()).training
    assert encoder_decoder_to_hf(encoder_decoder_from_hf(make_hf()).train()).training


@torch.no_grad()
def test_from_pretrained_reads_a_folder(tmp_path: Path) -> None:
    hf_model = make_hf().float()
    hf_model.save_pretrained(tmp_path)
    ours = EncoderDecoder.from_pretrained(tmp_path)
    assert not ours.training
    compare(ours, hf_model, "right", 1e-4)


@torch.no_grad()
def test_transformers_reads_what_ours_writes(tmp_path: Path) -> None:
    ours = encoder_decoder_from_hf(make_hf().float())
    encoder_decoder_to_hf(ours).save_pretrained(tmp_path)
    compare(ours, MarianMTModel.from_pretrained(tmp_path).eval(), "right", 1e-4)


@torch.no_grad()
def test_files_may_leave_out_copies_and_positions(tmp_path: Path) -> None:
    hf_model = make_hf().float()
    hf_model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    kept = {
        name: tensor
        for name, tensor in hf_model.state_dict().items()
        if "embed_" not in name and name != "model.shared.weight"
    }
    save_file(kept, path)
    compare(EncoderDecoder.from_pretrained(tmp_path), hf_model, "right", 1e-4)


def test_refuses_a_missing_tensor(tmp_path: Path) -> None:
    make_hf().save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["final_logits_bias"], tensors["model.decoder.layers.2.encoder_attn.q_proj.bias"]
    save_file({**tensors, "classifier.weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="missing: ") as caught:
        EncoderDecoder.from_pretrained(tmp_path)
    assert "missing: logits_bias" in str(caught.value)
    assert "missing: decoder.2.cross_attention.query.bias" in str(caught.value)
    assert "unexpected: classifier.weight" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lm_head.weight", "lm_head.weight must equal model.shared.weight .*tied"),
        ("model.encoder.embed_tokens.weight", "must equal model.shared.weight"),
        ("model.encoder.embed_positions.weight", "must hold Marian's sinusoids"),
        ("model.decoder.embed_positions.weight", "must hold Marian's sinusoids"),
    ],
)
def test_refuses_tables_that_we_would_replace(name: str, message: str) -> None:
    hf_model = make_hf()
    config = encoder_decoder_settings(hf_model.config.to_dict())
    tensors = dict(hf_model.state_dict())
    tensors[name] = tensors[name] + 0.01
    with pytest.raises(ValueError, match=message):
        encoder_decoder_tensors(tensors, config)


def test_positions_in_half_precision_are_sinusoids_still() -> None:
    hf_model = make_hf()
    config = encoder_decoder_settings(hf_model.config.to_dict())
    tensors = {name: tensor.half() for name, tensor in hf_model.state_dict().items()}
    assert "positions" not in encoder_decoder_tensors(tensors, config)
    tensors["model.encoder.embed_positions.weight"] = torch.zeros(12, 15)
    with pytest.raises(ValueError, match="must hold Marian's sinusoids"):
        encoder_decoder_tensors(tensors, config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation_function": "gelu"}, "activation_function must be one of .*; got 'gelu'"),
        ({"scale_embedding": False}, "scale_embedding must be"),
        ({"share_encoder_decoder_embeddings": False}, "share_encoder_decoder_embeddings must be"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings must be"),
        ({"model_type": "bart"}, "model_type must be"),
        (
            {"decoder_attention_heads": 5},
            "encoder_attention_heads and decoder_attention_heads must be equal; got 3 and 5",
        ),
        ({"decoder_ffn_dim": 18}, "encoder_ffn_dim and decoder_ffn_dim must be equal"),
    ],
)
def test_refuses_a_model_of_another_kind(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoder_decoder_settings({**make_hf().config.to_dict(), **changes})


@pytest.mark.parametrize("name", ["activation_function", "scale_embedding"])
def test_a_setting_left_out_is_transformers_default(name: str) -> None:
    settings = make_hf().config.to_dict()
    del settings[name]
    with pytest.raises(ValueError, match=f"{name} must be"):
        encoder_decoder_settings(settings)
    settings = make_hf(dropout=0.3).config.to_dict()
    del settings["dropout"]
    assert encoder_decoder_settings(settings).dropout == 0.1
