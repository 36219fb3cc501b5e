from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

from course_lib.models import BERT, bert_from_hf, bert_to_hf
from course_lib.models.bert_weights import bert_settings, bert_tensors
from course_lib.seeding import make_generator

SIZES = {
    "odd": {"vocab_size": 31, "hidden_size": 15, "num_attention_heads": 3, "num_hidden_layers": 2},
    "one": {"vocab_size": 17, "hidden_size": 7, "num_attention_heads": 1, "num_hidden_layers": 1},
    "deep": {"vocab_size": 53, "hidden_size": 44, "num_attention_heads": 4, "num_hidden_layers": 5},
}
KINDS = {
    "pretraining": BertForPreTraining,
    "masked": BertForMaskedLM,
    "encoder": BertModel,
    "bare": lambda config: BertModel(config, add_pooling_layer=False),
}
MASKS = {
    "none": ("xxxxxxxxxxx",) * 3,
    "right": ("xxxxxxxxxxx", "xxxxxxxx...", "x.........."),
    "left": ("xxxxxxxxxxx", "...xxxxxxxx", "..........x"),
    "holes": ("x.xxx.xx.xx", "..xxxxxx...", ".x.x.x.x.x."),
}


def make_hf(size: str = "odd", kind: str = "pretraining", **changes: object):
    """Make a random BERT of transformers in which no weight is zero, one or equal to another."""
    sizes = {"intermediate_size": 13, "max_position_embeddings": 11, "type_vocab_size": 3}
    settings = {**sizes, **SIZES[size], "pad_token_id": None, **changes}
    hf_model = KINDS[kind](BertConfig(**settings)).double().eval()
    generator = make_generator(0)
    with torch.no_grad():
        for parameter in hf_model.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return hf_model


def make_inputs(n_words: int, mask: str = "none") -> tuple[Tensor, Tensor, Tensor]:
    generator = make_generator(1)
    ids = torch.randint(n_words, (3, 11), generator=generator)
    segments = torch.randint(3, (3, 11), generator=generator)
    return ids, torch.tensor([[c == "x" for c in row] for row in MASKS[mask]]), segments


def compare(ours: BERT, hf_model: object, mask: str, tolerance: float) -> None:
    ids, real, segments = make_inputs(ours.config.vocab_size, mask)
    theirs = hf_model(  # pyright: ignore
        input_ids=ids, attention_mask=real.long(), token_type_ids=segments
    )
    pairs = {
        "logits": lambda: ours(ids, real, segments)[real],
        "prediction_logits": lambda: ours(ids, real, segments)[real],
        "seq_relationship_logits": lambda: ours.next_sentence_logits(ids, real, segments),
        "last_hidden_state": lambda: ours.hidden(ids, real, segments)[real],
        "pooler_output": lambda: ours.pooled(ids, real, segments),
    }
    compared = 0
    for name, compute in pairs.items():
        expected = theirs.get(name)
        if expected is not None:
            first_is_real = real[:, 0]
            mine = compute()
            if expected.ndim == 3:
                expected = expected[real]
            else:  # made from the first token, which is nobody's where it is padding
                mine, expected = mine[first_is_real], expected[first_is_real]
            assert_close(mine, expected, rtol=0, atol=tolerance)
            compared += 1
    assert compared > 0


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_equals_transformers_in_float64(size: str, kind: str, mask: str) -> None:
    hf_model = make_hf(size, kind)
    compare(bert_from_hf(hf_model), hf_model, mask, 1e-10)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_equals_transformers_in_float32(size: str, mask: str) -> None:
    hf_model = make_hf(size).float()
    ours = bert_from_hf(hf_model)
    assert ours.tokens.weight.dtype == torch.float32
    compare(ours, hf_model, mask, 1e-4)


@torch.no_grad()
def test_equals_transformers_without_mask_and_segments() -> None:
    hf_model = make_hf()
    ids, _, _ = make_inputs(31)
    assert_close(bert_from_hf(hf_model)(ids), hf_model(input_ids=ids).prediction_logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_there_and_back_keeps_every_number(size: str, kind: str) -> None:
    hf_model = make_hf(
        size, kind, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3, layer_norm_eps=1e-7
    )
    ours = bert_from_hf(hf_model)
    back = bert_to_hf(ours)
    assert type(back) is type(hf_model)
    assert back.dtype == torch.float64
    assert not back.training
    state = back.state_dict()
    assert list(state) == list(hf_model.state_dict())
    assert all(torch.equal(state[name], tensor) for name, tensor in hf_model.state_dict().items())
    again = bert_from_hf(back)
    assert again.config == ours.config
    assert all(torch.equal(t, again.state_dict()[name]) for name, t in ours.state_dict().items())


def test_settings_are_read_by_name() -> None:
    config = bert_settings(
        make_hf(hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3).config.to_dict()
    )
    sizes = (config.vocab_size, config.max_len, config.d_model, config.n_heads, config.n_layers)
    assert sizes == (31, 11, 15, 3, 2)
    assert (config.d_ff, config.n_segments) == (13, 3)
    assert (config.dropout, config.norm_eps) == (0.3, 1e-12)


def test_settings_of_old_files_have_defaults() -> None:
    settings = make_hf().config.to_dict()
    for name in ("type_vocab_size", "layer_norm_eps", "hidden_dropout_prob", "model_type"):
        del settings[name]
    config = bert_settings(settings)
    assert (config.n_segments, config.norm_eps, config.dropout) == (2, 1e-12, 0.1)


def test_the_mode_is_kept() -> None:
    assert bert_from_hf(make_hf().train()).training
    assert not bert_from_hf(make_hf()).training
    assert bert_to_hf(bert_from_hf(make_hf()).train()).training


def test_missing_heads_are_none() -> None:
    assert bert_from_hf(make_hf(kind="masked")).pooler is None
    bare = bert_from_hf(make_hf(kind="bare"))
    assert (bare.pooler, bare.masked_token_head, bare.next_sentence_head) == (None, None, None)


@pytest.mark.parametrize("kind", ["pretraining", "masked", "encoder"])
@torch.no_grad()
def test_from_pretrained_reads_a_folder(tmp_path: Path, kind: str) -> None:
    hf_model = make_hf(kind=kind).float()
    hf_model.save_pretrained(tmp_path)
    ours = BERT.from_pretrained(tmp_path)
    assert not ours.training
    compare(ours, hf_model, "right", 1e-4)


@torch.no_grad()
def test_transformers_reads_what_ours_writes(tmp_path: Path) -> None:
    ours = bert_from_hf(make_hf().float())
    bert_to_hf(ours).save_pretrained(tmp_path)
    compare(ours, BertForPreTraining.from_pretrained(tmp_path).eval(), "right", 1e-4)


@torch.no_grad()
def test_old_names_are_understood(tmp_path: Path) -> None:
    # As in google-bert/bert-base-uncased: gamma and beta, and the position numbers as a weight.
    hf_model = make_hf().float()
    hf_model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in load_file(path).items()
    }
    tensors["bert.embeddings.position_ids"] = torch.arange(11).unsqueeze(0)
    save_file(tensors, path)
    compare(BERT.from_pretrained(tmp_path), hf_model, "right", 1e-4)


def test_a_table_that_is_only_tied_is_enough() -> None:
    hf_model = make_hf()
    tensors = dict(hf_model.state_dict())
    tensors["cls.predictions.decoder.weight"] = tensors.pop(
        "bert.embeddings.word_embeddings.weight"
    )
    found = bert_tensors(tensors, n_layers=2)
    assert torch.equal(found["tokens.weight"], tensors["cls.predictions.decoder.weight"])


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_refuses_untied_weights(part: str) -> None:
    tensors = dict(make_hf().state_dict())
    tensors[f"cls.predictions.decoder.{part}"] = tensors[f"cls.predictions.decoder.{part}"] + 1
    with pytest.raises(ValueError, match=f"cls.predictions.decoder.{part} must equal .*tied"):
        bert_tensors(tensors, n_layers=2)


def test_refuses_what_it_does_not_know() -> None:
    hf_model = make_hf(kind="encoder")
    hf_model.classifier = torch.nn.Linear(15, 2)
    with pytest.raises(ValueError, match=r"unexpected: classifier.weight"):
        bert_from_hf(hf_model)


def test_refuses_a_missing_tensor(tmp_path: Path) -> None:
    make_hf().save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["bert.pooler.dense.bias"], tensors["bert.encoder.layer.1.output.dense.bias"]
    save_file(tensors, path)
    with pytest.raises(ValueError, match="missing: ") as caught:
        BERT.from_pretrained(tmp_path)
    assert "missing: pooler.bias" in str(caught.value)
    assert "missing: blocks.1.feedforward.outer.bias" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act must be one of .*; got 'relu'"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings must be"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type must be"),
        ({"is_decoder": True}, "is_decoder must be"),
        ({"add_cross_attention": True}, "add_cross_attention must be"),
        ({"model_type": "roberta"}, "model_type must be"),
        ({"hidden_dropout_prob": 0.2}, "the dropout rates must be equal"),
    ],
)
def test_refuses_a_model_of_another_kind(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bert_settings({**make_hf().config.to_dict(), **changes})


def test_refuses_heads_that_transformers_has_not() -> None:
    ours = bert_from_hf(make_hf())
    ours.pooler = None
    with pytest.raises(ValueError, match=r"heads must be one of .*; got \('masked_token_head', "):
        bert_to_hf(ours)
