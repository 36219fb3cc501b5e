import pytest
import torch
from jaxtyping import TypeCheckError
from torch.testing import assert_close

from course_lib.finetuning.encoders import Encoder, wrap_encoder
from course_lib.finetuning.heads import (
    SequenceClassifier,
    SpanFinder,
    TokenTagger,
    best_spans,
    fresh_head,
    pool,
)
from course_lib.models import BERT, GPT, BERTConfig, GPTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
IDS = torch.tensor([[2, 5, 6, 5, 3], [2, 6, 3, 0, 0]])
MASK = IDS != 0


def make_encoder(kind: str = "bert") -> Encoder:
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
    if kind == "bert":
        model = BERT(BERTConfig(vocab_size=7, **sizes), make_generator(0)).eval()
        return wrap_encoder(model, WordPieceTokenizer([*MARKS, "a", "b"])).double()
    tokenizer = BPETokenizer.train(["aa ab"], vocab_size=258)
    model = GPT(GPTConfig(vocab_size=258, **sizes), make_generator(0)).eval()
    return wrap_encoder(model, tokenizer).double()


@pytest.mark.parametrize(("how", "row"), [("first", 0), ("last", 2)])
def test_pool_takes_the_first_or_last_real_token(how: str, row: int) -> None:
    hidden = torch.randn(2, 5, 3, generator=make_generator(0))
    assert torch.equal(pool(hidden, MASK, how)[1], hidden[1, row])  # pyright: ignore
    left = MASK.flip(1)
    assert torch.equal(pool(hidden, left, how)[1], hidden[1, row + 2])  # pyright: ignore


def test_pool_mean_is_over_real_tokens_and_without_mask_over_all() -> None:
    hidden = torch.randn(2, 5, 3, generator=make_generator(0)).double()
    assert_close(pool(hidden, MASK, "mean")[1], hidden[1, :3].mean(dim=0))
    assert_close(pool(hidden, None, "mean"), hidden.mean(dim=1))
    hidden[1, 3:] = torch.nan  # what is in the padding does not matter
    assert pool(hidden, MASK, "mean").isfinite().all()


def test_pool_refuses_what_it_cannot_do() -> None:
    hidden = torch.zeros(2, 5, 3)
    with pytest.raises((ValueError, TypeCheckError), match=r"how must be one of|'max'"):
        pool(hidden, None, "max")  # pyright: ignore
    with pytest.raises(ValueError, match="mask must be True for at least one token"):
        pool(hidden, torch.zeros(2, 5, dtype=torch.bool), "mean")


@pytest.mark.parametrize("kind", ["bert", "gpt"])
@pytest.mark.parametrize("pooling", ["first", "mean", "last"])
def test_padding_changes_no_score(kind: str, pooling: str) -> None:
    model = SequenceClassifier(make_encoder(kind), 3, pooling=pooling).eval()  # pyright: ignore
    logits = model(IDS, MASK)
    assert logits.shape == (2, 3)
    assert_close(logits[1:], model(IDS[1:, :3]))


def test_heads_are_linear_maps_of_the_hidden_states() -> None:
    encoder = make_encoder()
    hidden = encoder(IDS, MASK)
    model = SequenceClassifier(encoder, 3, generator=make_generator(1)).eval()
    weight, bias = model.classifier.weight, model.classifier.bias
    assert_close(model(IDS, MASK), hidden[:, 0] @ weight.T + bias)
    tagger = TokenTagger(encoder, 5).eval()
    assert_close(tagger(IDS, MASK), hidden @ tagger.classifier.weight.T)
    start, end = SpanFinder(encoder).eval()(IDS, MASK)
    assert start.shape == end.shape == (2, 5)
    assert (start[1, 3:] == -torch.inf).all()
    assert start[MASK].isfinite().all()


def test_a_fresh_head_comes_from_its_generator_and_matches_the_encoder() -> None:
    encoder = make_encoder()
    one, same = (fresh_head(encoder, 3, make_generator(5)) for _ in range(2))
    assert torch.equal(one.weight, same.weight)
    assert one.weight.dtype == torch.float64
    assert one.weight.std() < 0.05
    assert not one.bias.any()


def test_sizes_and_poolings_are_checked() -> None:
    encoder = make_encoder()
    with pytest.raises(ValueError, match="n_classes must be ≥ 2; got n_classes=1"):
        SequenceClassifier(encoder, 1)
    with pytest.raises(ValueError, match="n_tags must be ≥ 2; got n_tags=0"):
        TokenTagger(encoder, 0)
    with pytest.raises((ValueError, TypeCheckError), match=r"pooling must be one of|'cls'"):
        SequenceClassifier(encoder, 2, pooling="cls")  # pyright: ignore


def test_best_spans_against_trying_all() -> None:
    generator = make_generator(0)
    start, end = torch.randn(2, 13, 7, generator=generator)
    allowed = torch.rand(13, 7, generator=generator) < 0.7
    allowed[:, 0] = False
    for row, (first, last) in enumerate(best_spans(start, end, allowed, max_tokens=3).tolist()):
        scores = {
            (i, j): float(start[row, i] + end[row, j])
            for i in range(7)
            for j in range(i, min(i + 3, 7))
            if allowed[row, i] and allowed[row, j]
        }
        best = max(scores, key=scores.__getitem__, default=(0, 0))
        none = float(start[row, 0] + end[row, 0])
        assert (first, last) == (best if scores and scores[best] > none else (0, 0))


def test_no_allowed_token_is_no_answer() -> None:
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    assert best_spans(torch.zeros(1, 3), torch.zeros(1, 3), nothing).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="max_tokens must be ≥ 1; got max_tokens=0"):
        best_spans(torch.zeros(1, 3), torch.zeros(1, 3), nothing, max_tokens=0)
