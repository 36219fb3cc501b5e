import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import MarianMTModel

from course_lib.data.batches import TokenBatch, pad_left
from course_lib.generation import Cached, ForHuggingFaceSource, ForSource, Rules, Uncached
from course_lib.generation.greedy import greedy, greedy_decode
from course_lib.generation.writing import as_batch
from course_lib.models import GPT, EncoderDecoder, GPTConfig, gpt_to_hf
from course_lib.seeding import make_generator

from .conftest import Pair, make_gpt


def counts_on(ids: Tensor) -> Tensor:
    return F.one_hot((ids + 1) % 5, 5).float()


def test_by_hand_with_an_end() -> None:
    begin = torch.tensor([[1, 2], [0, 4]])
    assert greedy_decode(counts_on, begin, 3).tolist() == [[1, 2, 3, 4, 0], [0, 4, 0, 1, 2]]
    ended = greedy_decode(counts_on, begin, 3, end_id=4)
    assert ended.tolist() == [[1, 2, 3, 4, 4], [0, 4, 4, 4, 4]]


def test_an_end_inside_the_beginning_does_not_end_it() -> None:
    assert greedy_decode(counts_on, torch.tensor([[4, 1]]), 2, end_id=4).tolist() == [[4, 1, 2, 3]]


def test_agrees_with_transformers() -> None:
    config = GPTConfig(vocab_size=13, max_len=17, d_model=6, n_heads=3, n_layers=2)
    model = GPT(config, make_generator(0)).eval()
    with torch.no_grad():
        model.tokens.weight.mul_(30)  # so that the tokens vary
    theirs = gpt_to_hf(model).eval()
    ids = torch.randint(13, (3, 4), generator=make_generator(1))
    options = {"do_sample": False, "max_new_tokens": 11, "min_new_tokens": 11, "pad_token_id": 0}
    expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), **options)
    assert greedy_decode(model, ids, 11).tolist() == expected.tolist()


def test_writes_nothing_if_asked_for_nothing_and_keeps_its_input() -> None:
    ids = torch.tensor([[3, 1]])
    assert greedy_decode(counts_on, ids, 0).tolist() == [[3, 1]]
    greedy_decode(counts_on, ids, 2, end_id=1)
    assert ids.tolist() == [[3, 1]]


def test_gradients_are_not_kept() -> None:
    weight = torch.ones(5, requires_grad=True)
    seen = []

    def model(ids: Tensor) -> Tensor:
        seen.append(counts_on(ids) * weight)
        return seen[-1]

    greedy_decode(model, torch.tensor([[0]]), 1)
    assert not seen[0].requires_grad


def test_refuses_a_negative_number() -> None:
    with pytest.raises(ValueError, match="n_tokens must be ≥ 0; got n_tokens=-1"):
        greedy_decode(counts_on, torch.tensor([[0]]), -1)


OPTIONS = {
    "plain": ({}, Rules()),
    "penalty": ({"repetition_penalty": 1.7}, Rules(repetition_penalty=1.7)),
    "ngrams": ({"no_repeat_ngram_size": 2}, Rules(no_repeat_ngram_size=2)),
    "both": (
        {"repetition_penalty": 1.2, "no_repeat_ngram_size": 1},
        Rules(repetition_penalty=1.2, no_repeat_ngram_size=1),
    ),
}


def written_by_transformers(pair: Pair, prompts: TokenBatch, n: int, **options) -> list[list[int]]:
    settings = {"do_sample": False, "max_new_tokens": n, "min_new_tokens": n, "pad_token_id": 0}
    mask = prompts.mask.long()
    texts = pair.theirs.generate(prompts.ids, attention_mask=mask, **settings, **options)
    return texts[:, prompts.ids.shape[1] :].tolist()


@pytest.mark.parametrize("name", OPTIONS)
def test_writes_what_transformers_writes(pair: Pair, name: str) -> None:
    options, rules = OPTIONS[name]
    prompts = as_batch(pair.prompts)
    expected = written_by_transformers(pair, prompts, 19, **options)
    for model in (pair.ours, pair.theirs, Uncached(pair.ours), Cached(pair.ours, packed=True)):
        assert greedy(model, pair.prompts, 19, rules=rules) == expected
    assert len({token for text in expected for token in text}) > 4


def test_prompts_of_different_lengths(pair: Pair) -> None:
    texts = [[3, 1, 4], [1, 5, 9, 2, 6], [8]]
    alone = [greedy(pair.ours, torch.tensor([text]), 13)[0] for text in texts]
    prompts = pad_left(texts)
    assert greedy(pair.ours, prompts, 13) == alone
    assert greedy(pair.theirs, prompts, 13) == alone
    assert greedy(Uncached(pair.ours, takes_mask=True), prompts, 13) == alone
    assert written_by_transformers(pair, prompts, 13) == alone


@pytest.mark.parametrize("name", OPTIONS)
def test_translates_as_transformers_does(
    marian: tuple[EncoderDecoder, MarianMTModel], name: str
) -> None:
    (ours, theirs), (options, rules) = marian, OPTIONS[name]
    source = torch.randint(28, (3, 7), generator=make_generator(5))
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3, [True] * 6 + [False]])
    settings = {"do_sample": False, "num_beams": 1, "max_new_tokens": 13, "min_new_tokens": 13}
    expected = theirs.generate(source, attention_mask=mask.long(), **settings, **options)[:, 1:]
    for task in (ForSource(ours, source, mask), ForHuggingFaceSource(theirs, source, mask)):
        assert greedy(task, task.prompts, 13, rules=rules) == expected.tolist()
    assert len({token for text in expected.tolist() for token in text}) > 4


def test_it_writes_what_the_plain_loop_writes(pair: Pair) -> None:
    plain = greedy_decode(pair.ours, pair.prompts, 17)[:, 5:].tolist()
    assert greedy(pair.ours, pair.prompts, 17) == plain


def test_several_greedy_texts_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"got n_sequences=5. Greedy decoding has no chance"):
        greedy(counts_on, torch.tensor([[0]]), 3, n_sequences=5)


def test_greedy_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="n_tokens must be ≥ 1; got n_tokens=0"):
        greedy(counts_on, torch.tensor([[0]]), 0)
    with pytest.raises(ValueError, match=r"at most max_len=43 of the model .* got 44"):
        greedy(make_gpt(), torch.tensor([[0]]), 44)
    assert len(greedy(make_gpt(), torch.tensor([[0]]), 43)[0]) == 43
