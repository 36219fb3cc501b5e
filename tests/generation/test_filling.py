import math
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close
from transformers import FillMaskPipeline, PreTrainedTokenizerFast

from course_lib.generation import Filling, fill_mask, likeliest_fillings
from course_lib.models import BERT, BERTConfig, bert_to_hf, load_checkpoint
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = {f"{mark.lower()}_token": f"[{mark}]" for mark in ("CLS", "SEP", "MASK", "PAD", "UNK")}
TEXT = "the old farmer sees the young farmer by the old well and sings all the day long "
MAX_LEN = 13
TEXTS = ("the old[MASK] sings", "[MASK] farmer", "the day[MASK]", "[MASK]", "well, the[MASK]!")


def bpe() -> BPETokenizer:
    marks = [mark for mark in MARKS if mark != "[UNK]"]
    return BPETokenizer.train([TEXT], vocab_size=300, special_tokens=marks)


def wordpiece() -> WordPieceTokenizer:
    words = sorted(set(TEXT.split()))
    return WordPieceTokenizer([*MARKS, *words, ",", "!", "##s", "##er"])


def make_bert(vocab_size: int) -> BERT:
    """A random model whose likeliest tokens differ clearly."""
    config = BERTConfig(
        vocab_size=vocab_size, max_len=MAX_LEN, d_model=10, n_heads=5, n_layers=3, d_ff=7
    )
    model = BERT(config, make_generator(0)).eval()
    model.pooler = model.next_sentence_head = None
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7, generator=make_generator(parameter.numel()))
    return model


def pipeline_of(
    model: BERT, tokenizer: BPETokenizer | WordPieceTokenizer, folder: Path
) -> FillMaskPipeline:
    tokenizer.save(folder / "tokenizer.json")
    names = {name: mark for name, mark in NAMES.items() if mark in tokenizer.special_tokens}
    theirs = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), clean_up_tokenization_spaces=False, **names
    )
    if isinstance(tokenizer, BPETokenizer):
        from tokenizers.processors import TemplateProcessing

        theirs.backend_tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[(mark, tokenizer.id_of(mark)) for mark in ("[CLS]", "[SEP]")],
        )
    return FillMaskPipeline(model=bert_to_hf(model), tokenizer=theirs)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("make_tokenizer", [bpe, wordpiece])
def test_tokens_and_probabilities_are_those_of_transformers(
    make_tokenizer, text: str, tmp_path: Path
) -> None:
    tokenizer = make_tokenizer()
    model = make_bert(tokenizer.vocab_size)
    theirs = pipeline_of(model, tokenizer, tmp_path)(text, top_k=7)
    ours = fill_mask(model, tokenizer, text, n_best=7)
    assert [one.token for one in ours] == [one["token_str"] for one in theirs]
    assert_close(
        torch.tensor([one.probability for one in ours]),
        torch.tensor([one["score"] for one in theirs]),
        rtol=0,
        atol=1e-5,
    )
    for mine, other in zip(ours, theirs, strict=True):  # they leave marks out of the text
        assert mine.token in MARKS or mine.text == other["sequence"]
    assert len({one.probability for one in ours}) == 7
    assert ours[0].probability > 2 / tokenizer.vocab_size


def test_the_text_has_the_token_in_its_gap() -> None:
    tokenizer = bpe()
    model = make_bert(tokenizer.vocab_size)
    for one in fill_mask(model, tokenizer, "the old[MASK] sings", n_best=tokenizer.vocab_size):
        assert "�" in one.text or one.text == f"the old{one.token} sings"


def test_by_hand() -> None:
    logits = torch.tensor([[9.0, 0.0, 0.0], [2.0, 0.0, 1.0]], dtype=torch.float64)
    total = math.exp(2) + math.exp(1) + math.exp(0)
    ids, probabilities = zip(*likeliest_fillings(logits, 1, 2), strict=True)
    assert ids == (0, 2)
    assert probabilities == pytest.approx((math.exp(2) / total, math.exp(1) / total), rel=1e-12)


def test_all_probabilities_have_the_sum_one_and_fall() -> None:
    logits = 3 * torch.randn(5, 11, generator=make_generator(3), dtype=torch.float64)
    for place in range(5):
        ids, probabilities = zip(*likeliest_fillings(logits, place, 11), strict=True)
        assert sorted(ids) == list(range(11))
        assert math.isclose(sum(probabilities), 1.0, rel_tol=1e-12)
        assert list(probabilities) == sorted(probabilities, reverse=True)
        assert ids[0] == int(logits[place].argmax())


def test_whoever_wants_fewer_gets_the_first_of_them() -> None:
    tokenizer = wordpiece()
    model = make_bert(tokenizer.vocab_size)
    many = fill_mask(model, tokenizer, "the [MASK] sings", n_best=7)
    assert fill_mask(model, tokenizer, "the [MASK] sings") == many[:5]
    assert all(isinstance(one, Filling) for one in many)


def test_no_gradient_is_kept_and_nothing_moves() -> None:
    tokenizer = wordpiece()
    model = make_bert(tokenizer.vocab_size)
    before = [parameter.clone() for parameter in model.parameters()]
    first = fill_mask(model, tokenizer, "[MASK] farmer")
    assert fill_mask(model, tokenizer, "[MASK] farmer") == first
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
        assert parameter.grad is None


@pytest.mark.parametrize("place", [-1, 3])
def test_a_place_that_is_not_there_is_refused(place: int) -> None:
    with pytest.raises(ValueError, match=rf"mask_place must be from 0 to 2; got {place}\."):
        likeliest_fillings(torch.zeros(3, 7), place, 1)


@pytest.mark.parametrize("n_best", [0, -1, 8])
def test_more_or_fewer_tokens_than_there_are_are_refused(n_best: int) -> None:
    with pytest.raises(ValueError, match=rf"n_best must be from 1 to 7; got n_best={n_best}\."):
        likeliest_fillings(torch.zeros(3, 7), 1, n_best)


def test_the_ends_of_the_ranges_are_accepted() -> None:
    assert len(likeliest_fillings(torch.zeros(3, 7), 2, 7)) == 7
    assert len(likeliest_fillings(torch.zeros(3, 7), 0, 1)) == 1


@pytest.mark.parametrize(("text", "count"), [("a farmer", 0), ("[MASK] [MASK]", 2), ("", 0)])
def test_a_text_must_have_one_gap(text: str, count: int) -> None:
    tokenizer = wordpiece()
    with pytest.raises(ValueError, match=rf"exactly one \[MASK\]; got {count} in '"):
        fill_mask(make_bert(tokenizer.vocab_size), tokenizer, text)


def test_a_text_that_just_fits_is_accepted_and_a_longer_one_refused() -> None:
    tokenizer = wordpiece()
    model = make_bert(tokenizer.vocab_size)
    assert fill_mask(model, tokenizer, "the " * (MAX_LEN - 3) + "[MASK]", n_best=1)
    with pytest.raises(ValueError, match=r"at most 11 tokens beside \[CLS\] and \[SEP\]; got 12"):
        fill_mask(model, tokenizer, "the " * (MAX_LEN - 2) + "[MASK]")


def test_other_marks_in_the_text_are_plain_text() -> None:
    tokenizer = bpe()
    model = make_bert(tokenizer.vocab_size)
    best = fill_mask(model, tokenizer, "[SEP][MASK]", n_best=1)[0]
    assert best.text == f"[SEP]{best.token}"
    with pytest.raises(ValueError, match="at most 11 tokens"):
        fill_mask(model, tokenizer, "[SEP]" * 3 + "[MASK]")


def test_a_model_without_its_head_is_refused() -> None:
    tokenizer = wordpiece()
    model = make_bert(tokenizer.vocab_size)
    model.masked_token_head = None
    with pytest.raises(ValueError, match="must have a masked_token_head"):
        fill_mask(model, tokenizer, "[MASK]")


def test_a_tokenizer_without_marks_is_refused() -> None:
    tokenizer = BPETokenizer.train([TEXT], vocab_size=300, special_tokens=["[CLS]", "[MASK]"])
    with pytest.raises(ValueError, match=r"and \[MASK\]; it lacks \['\[SEP\]'\]"):
        fill_mask(make_bert(300), tokenizer, "[MASK]")


def test_the_shipped_model_fills_gaps() -> None:
    model, tokenizer = load_checkpoint("mini-bert")
    assert isinstance(model, BERT)
    filled = fill_mask(model, tokenizer, "He went out of the[MASK].")
    assert len({one.token for one in filled}) == 5
    assert filled[0].probability > 100 / tokenizer.vocab_size  # it has learnt something
    assert all(one.text.startswith("He went out of the") for one in filled)
