import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.data.batches import pad_left, pad_texts
from course_lib.evaluation.perplexity import perplexity
from course_lib.evaluation.sliding import sliding_nats
from course_lib.generation import (
    ForSource,
    Sliding,
    choose,
    greedy,
    score_choices,
    token_log_probs,
)
from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator

from .conftest import MAX_LEN, VOCAB_SIZE, Pair, make_gpt

TEXTS = [[5, 3, 11, 7, 2], [1, 30], [4, 4, 9], [8]]
CHOICES = [[3], [7, 0, 12], [7, 1], [30, 30, 5, 9]]
P = (0.5, 0.25, 0.125, 0.125)


def always_p(ids: Tensor) -> Tensor:
    return torch.tensor(P).log().expand(*ids.shape, -1)


@torch.no_grad()
def one_by_one(model: Any, prompt: list[int], answer: list[int]) -> float:
    """The log-probability of an answer, by reading the whole text anew for each token."""
    total = 0.0
    for n in range(len(answer)):
        logits = model(torch.tensor([prompt + answer[:n]]))[0, -1]
        total += float(logits.log_softmax(-1)[answer[n]])
    return total


def test_each_tokens_probability_is_the_one_by_one_and_that_of_transformers(pair: Pair) -> None:
    ids, mask = pad_texts(TEXTS, pad_id=6)
    got = token_log_probs(pair.ours, ids, mask)
    assert_close(token_log_probs(pair.theirs, ids, mask), got)
    for row, text in enumerate(TEXTS):
        steps = [one_by_one(pair.ours, text[:n], text[n : n + 1]) for n in range(1, len(text))]
        steps += [0.0] * (4 - len(steps))
        assert_close(got[row], torch.tensor(steps).double())
    labels = ids.masked_fill(~mask, -100)
    loss = -got.sum() / mask[:, 1:].sum()
    assert_close(loss.float(), pair.theirs(input_ids=ids, labels=labels).loss.detach())
    assert_close(loss, next_token_loss(pair.ours(ids), ids, mask).detach())


def test_what_padding_is_made_of_does_not_matter(pair: Pair) -> None:
    first, second = (token_log_probs(pair.ours, *pad_texts(TEXTS, pad_id=n)) for n in (0, 29))
    assert torch.equal(first, second)


def test_log_probabilities_by_hand() -> None:
    got = token_log_probs(always_p, torch.tensor([[3, 0, 1, 2]]))
    assert_close(got / math.log(2), torch.tensor([[-1.0, -2.0, -3.0]]))
    masked = token_log_probs(
        always_p, torch.tensor([[3, 0, 1]]), torch.tensor([[True, True, False]])
    )
    assert_close(masked / math.log(2), torch.tensor([[-1.0, 0.0]]))


def test_a_long_text_scored_as_a_whole_and_window_by_window(pair: Pair) -> None:
    ids = torch.randint(VOCAB_SIZE, (MAX_LEN,), generator=make_generator(4))
    whole = -token_log_probs(pair.ours, ids[None]).sum().item()
    nats, n_asked = sliding_nats(pair.ours, ids, MAX_LEN, 5)
    assert nats == pytest.approx(whole)
    logits_of_theirs = sliding_nats(lambda read: pair.theirs(read).logits, ids, MAX_LEN, 5)
    assert logits_of_theirs == pytest.approx((whole, MAX_LEN - 1))
    assert perplexity(nats / n_asked) == pytest.approx(math.exp(whole / (MAX_LEN - 1)))
    twice = torch.cat((ids, ids))[None]
    with pytest.raises(ValueError, match=f"at most max_len={MAX_LEN}"):
        token_log_probs(pair.ours, twice)
    slid = token_log_probs(Sliding(pair.ours), twice)
    assert_close(slid[0, : MAX_LEN - 1], token_log_probs(pair.ours, ids[None])[0])


def test_choices_are_scored_as_one_by_one(pair: Pair) -> None:
    for prompt in ([4], [5, 3, 11]):
        for model in (pair.ours, pair.theirs, lambda ids: pair.ours(ids)):
            scores = score_choices(model, torch.tensor([prompt]), CHOICES)
            expected = [one_by_one(pair.ours, prompt, choice) for choice in CHOICES]
            assert [score.log_prob for score in scores] == pytest.approx(expected)
            assert [score.n_tokens for score in scores] == [1, 3, 2, 4]
            per_token = [total / n for total, n in zip(expected, (1, 3, 2, 4), strict=True)]
            assert [score.per_token for score in scores] == pytest.approx(per_token)


def test_the_choices_of_one_token_are_a_distribution(pair: Pair) -> None:
    scores = score_choices(pair.ours, pair.prompts[:1], [[i] for i in range(VOCAB_SIZE)])
    assert sum(math.exp(score.log_prob) for score in scores) == pytest.approx(1.0)


def test_the_prompt_is_read_once() -> None:
    n_read = []

    class Counting(nn.Module):
        config = make_gpt().config

        def __init__(self) -> None:
            super().__init__()
            self.inner = make_gpt()

        def hidden(self, ids: Tensor, mask: Tensor | None, cache: Any) -> Tensor:
            n_read.append(ids.numel())
            return self.inner.hidden(ids, mask, cache)

        def score(self, hidden: Tensor) -> Tensor:
            return self.inner.score(hidden)

        def make_cache(self, *args: Any) -> Any:
            return self.inner.make_cache(*args)

    prompt = torch.arange(20)[None]
    scores = score_choices(Counting(), prompt, CHOICES)
    assert scores == score_choices(make_gpt(), prompt, CHOICES)
    assert n_read == [20, 4 * 3]
    n_read.clear()
    score_choices(Counting(), prompt, [[1], [2]])
    assert n_read == [20]


def test_all_the_room_of_the_model_can_be_used(pair: Pair) -> None:
    prompt = torch.arange(MAX_LEN - 2)[None] % VOCAB_SIZE
    (score,) = score_choices(pair.ours, prompt, [[1, 2, 3]])
    assert score.log_prob == pytest.approx(one_by_one(pair.ours, prompt[0].tolist(), [1, 2, 3]))
    with pytest.raises(ValueError, match=f"at most max_len={MAX_LEN}"):
        score_choices(pair.ours, prompt, [[1, 2, 3, 4]])


def test_translations_can_be_scored(marian: tuple[nn.Module, nn.Module]) -> None:
    ours, _ = marian
    task = ForSource(ours, torch.tensor([[3, 1, 4, 1]]))
    likeliest = greedy(task, task.prompts, 4)[0]
    scores = score_choices(task, task.prompts, [[*likeliest[:-1], 5], likeliest])
    logits = ours(torch.tensor([[3, 1, 4, 1]]), torch.tensor([[29, *likeliest[:-1]]]))
    log_probs = logits.log_softmax(-1)[0].gather(1, torch.tensor(likeliest)[:, None])
    assert scores[1].log_prob == pytest.approx(log_probs.sum().item())
    assert scores[0].log_prob < scores[1].log_prob


def test_choosing_by_the_sum_favours_short_answers_and_by_the_mean_does_not() -> None:
    prompt, choices = torch.tensor([[0]]), [[1], [0, 0, 0], [1, 1]]
    assert choose(always_p, prompt, choices) == 0
    assert choose(always_p, prompt, choices, by=lambda score: score.per_token) == 1
    assert choose(always_p, prompt, [[2], [3]]) == 0  # of equal ones the first
    assert choose(always_p, prompt, [[2, 2], [2, 0]]) == 1


def test_the_sum_over_many_tokens_is_exact_in_half_precision() -> None:
    def says(ids: Tensor) -> Tensor:
        return always_p(ids).bfloat16()

    (score,) = score_choices(says, torch.tensor([[0]]), [[0] * 300])
    one = token_log_probs(says, torch.tensor([[0, 0]])).item()
    assert score.log_prob == pytest.approx(300 * one, rel=1e-6)


def test_what_cannot_be_scored_is_refused() -> None:
    ids, mask = pad_left([[1, 2, 3], [3, 1]])
    gap = torch.tensor([[True, True, True], [True, False, True]])
    for wrong in (mask, gap):
        with pytest.raises(ValueError, match="mask must be True first, then False"):
            token_log_probs(always_p, ids, wrong)
    with pytest.raises(ValueError, match="ids must hold at least 2 tokens a text; got 1"):
        token_log_probs(always_p, ids[:, :1])
    with pytest.raises(ValueError, match="prompt_ids must be one row"):
        score_choices(always_p, ids, [[1]])
    for choices in ([], [[1], []]):
        with pytest.raises(ValueError, match="choices must be at least one, each of at least"):
            score_choices(always_p, ids[:1], choices)
