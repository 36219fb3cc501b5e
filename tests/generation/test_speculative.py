import itertools
import math
from collections.abc import Callable, Sequence

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.generation import (
    Draft,
    ForSource,
    Rules,
    Sampling,
    Sliding,
    acceptance_chance,
    adapt,
    expected_tokens_per_round,
    greedy,
    judge_draft,
    speculative,
)
from course_lib.seeding import make_generator

from .conftest import MAX_LEN, VOCAB_SIZE, Pair, make_gpt

Function = Callable[[Tensor], Tensor]


def remembering(seed: int, vocab_size: int = 3) -> Function:
    """A tiny model that depends on every token so far, and on their order."""
    shape = (MAX_LEN, vocab_size, vocab_size)
    table = 0.8 * torch.randn(shape, generator=make_generator(seed)).double()
    return lambda ids: table[torch.arange(ids.shape[1]), ids].cumsum(dim=1)


def half_right(model: nn.Module) -> Function:
    """A draft that is wrong after every odd token."""

    def draft(ids: Tensor) -> Tensor:
        logits = model(ids)
        return torch.where(ids[..., None] % 2 == 1, logits.roll(1, dims=-1), logits)

    return draft


def always(probs: Sequence[float]) -> Function:
    """A model that always says the same."""
    return lambda ids: torch.tensor(probs).log().expand(*ids.shape, -1)


PROMPT = torch.tensor([[0]])


def counts_on(ids: Tensor) -> Tensor:
    return nn.functional.one_hot((ids + 1) % 5, 5).float()


class Logged:
    """Writes down what a model reads, and how many tokens it takes back."""

    def __init__(self, model: Function) -> None:
        self.model, self.log = adapt(model), []

    def begin(self, n_sequences: int, n_tokens: int) -> "Logged":
        self.reading = self.model.begin(n_sequences, n_tokens)
        return self

    def read(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        self.log.append("".join(map(str, ids[0].tolist())))
        return self.reading.read(ids, mask)

    def read_each(self, ids: Tensor) -> Tensor:
        self.log.append("".join(map(str, ids[0].tolist())))
        return self.reading.read_each(ids)

    def keep(self, rows: Tensor) -> None:
        self.reading.keep(rows)

    def forget(self, n_tokens: int) -> None:
        self.log.append(f"-{n_tokens}")
        self.reading.forget(n_tokens)


@pytest.mark.parametrize("n_draft", [1, 3, 20])
def test_without_chance_it_writes_what_greedy_decoding_writes(pair: Pair, n_draft: int) -> None:
    drafts = [half_right(pair.ours), make_gpt(5), remembering(1, VOCAB_SIZE)]
    for number, draft in enumerate(drafts):
        prompt = pair.prompts[number : number + 1, : 3 - number]
        expected = greedy(pair.ours, prompt, 19)[0]
        done = speculative(pair.ours, Draft(draft, n_draft), prompt, 19)
        assert done.ids == expected
        assert len(set(expected)) > 5
        assert done.n_accepted < done.n_judged <= done.n_drafted
        assert len(done.ids) == done.n_accepted + done.n_rounds


def test_the_counts_by_hand() -> None:
    def never_after_two(ids: Tensor) -> Tensor:
        return counts_on(torch.where(ids == 2, 0, ids))  # says 1 after 2, else it is right

    large, small = Logged(counts_on), Logged(never_after_two)
    done = speculative(large, Draft(small, 3), torch.tensor([[1, 2]]), 8)
    # It drafts 1 2 1, refused at once: 3 instead. Then 4 0 1, all right, and 2 behind them. With
    # three left, 1 2, refused at once: 3. With two left, 4, right, and 0 behind it.
    assert done.ids == [3, 4, 0, 1, 2, 3, 4, 0]
    assert done[1:] == (4, 9, 6, 4)
    assert done.acceptance_rate == 4 / 6
    # What each reads, first the prompt but for its last token, and how much it takes back.
    assert large.log == ["1", "2121", "-3", "3401", "212", "-2", "34"]
    assert small.log == ["1", "2", "1", "2", "-2", "3", "4", "0", "12", "1", "-1", "3"]


def test_with_the_same_model_as_draft_everything_is_accepted(pair: Pair) -> None:
    for sampling in (None, Sampling(temperature=0.7, top_k=5)):
        choice = {"generator": make_generator(0), "sampling": sampling}
        done = speculative(pair.ours, Draft(pair.theirs, 4), pair.prompts[:1], 22, **choice)
        assert done[1:] == (5, 17, 17, 17)  # 4 rounds of 5 tokens, then one of 2
        assert done.acceptance_rate == 1


def test_hugging_faces_models_and_ours_are_each_others_drafts(pair: Pair) -> None:
    prompt = pair.prompts[1:2]
    expected = greedy(pair.ours, prompt, 17)[0]
    for model, draft in ((pair.theirs, make_gpt(5)), (pair.ours, half_right(pair.ours))):
        assert speculative(model, Draft(draft, 3), prompt, 17).ids == expected
    theirs = pair.theirs.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=17,
        min_new_tokens=17,
        do_sample=False,
        pad_token_id=0,
    )
    assert theirs[0, prompt.shape[1] :].tolist() == expected


def test_translations_are_drafted_too(marian: tuple[nn.Module, nn.Module]) -> None:
    ours, _ = marian
    task = ForSource(ours, torch.tensor([[3, 1, 4, 1]]))
    blind = ForSource(ours, torch.tensor([[3, 1, 4]]))
    done = speculative(task, Draft(blind, 3), task.prompts, 20)
    assert done.ids == greedy(task, task.prompts, 20)[0]


@pytest.mark.parametrize("rules", [Rules(repetition_penalty=1.7), Rules(no_repeat_ngram_size=2)])
def test_rules_change_what_both_models_write(pair: Pair, rules: Rules) -> None:
    prompt = pair.prompts[:1]
    expected = greedy(pair.ours, prompt, 30, rules=rules)[0]
    assert expected != greedy(pair.ours, prompt, 30)[0]
    assert speculative(pair.ours, Draft(make_gpt(5), 4), prompt, 30, rules=rules).ids == expected
    alike = speculative(pair.ours, Draft(pair.ours, 4), prompt, 30, rules=rules)
    assert alike.ids == expected
    assert alike.acceptance_rate == 1


@pytest.mark.parametrize("n_draft", [1, 3, 6])
def test_a_text_ends_at_its_end_wherever_that_is_drafted(n_draft: int) -> None:
    prompt = torch.tensor([[1]])
    for end in range(5):
        rules = Rules(end_id=end)
        done = speculative(counts_on, Draft(counts_on, n_draft), prompt, 8, rules=rules)
        assert done.ids == greedy(counts_on, prompt, 8, rules=rules)[0]
        rules = Rules(stop=lambda ids, end=end: ids[-1] == end)
        done = speculative(counts_on, Draft(counts_on, n_draft), prompt, 8, rules=rules)
        assert done.ids == greedy(counts_on, prompt, 8, rules=rules)[0]


def exact_chances(model: Function, prompt: Tensor, n: int, sampling: Sampling) -> Tensor:
    """The probability of every sequence of n tokens, in the order of `itertools.product`."""
    vocab_size = model(prompt).shape[-1]
    total = []
    for text in itertools.product(range(vocab_size), repeat=n):
        ids = torch.cat((prompt, torch.tensor([text])), dim=1)
        log_probs = sampling.log_probs(model(ids[:, :-1]))[0, prompt.shape[1] - 1 :]
        total.append(log_probs.gather(1, torch.tensor(text)[:, None]).sum().exp())
    return torch.stack(total)


@pytest.mark.parametrize(
    ("sampling", "n_draft"),
    [
        (Sampling(), 1),
        (Sampling(temperature=1.5, top_k=2), 2),
        (Sampling(temperature=0.8, top_p=0.8), 3),
    ],
)
def test_drawn_texts_follow_the_large_models_distribution(sampling: Sampling, n_draft: int) -> None:
    model, draft, prompt = remembering(3), remembering(8), torch.tensor([[2, 0]])
    exact = exact_chances(model, prompt, 3, sampling)
    assert_close(exact.sum(), torch.tensor(1.0).double())
    choice = {"generator": make_generator(1), "sampling": sampling}
    counts = torch.zeros(27)
    for _ in range(300):
        first, second, third = speculative(model, Draft(draft, n_draft), prompt, 3, **choice).ids
        counts[9 * first + 3 * second + third] += 1
    assert (300 * exact > 5).sum() >= 6
    assert chi_squared(counts, exact) > 0.001
    assert chi_squared(counts, exact_chances(draft, prompt, 3, sampling)) < 1e-9


def chi_squared(counts: Tensor, probs: Tensor) -> float:
    """Compare counts with probabilities; rare outcomes are counted as one."""
    if counts[probs == 0].any():
        return 0.0
    order = probs.argsort()
    expected = (probs * counts.sum())[order]
    n_rare = int((expected.cumsum(dim=0) < 5).sum()) + 1
    groups = [
        torch.cat((each[:n_rare].sum(0, keepdim=True), each[n_rare:])).numpy()
        for each in (counts[order].double(), expected)
    ]
    return float(stats.chisquare(*groups).pvalue)


P, Q = (0.5, 0.3, 0.15, 0.05), (0.2, 0.3, 0.1, 0.4)
ALPHA = 0.2 + 0.3 + 0.1 + 0.05


def test_the_chance_of_acceptance_by_hand() -> None:
    probs, draft_probs = torch.tensor([P, P]), torch.tensor([Q, P])
    assert_close(acceptance_chance(probs, draft_probs), torch.tensor([ALPHA, 1.0]))
    distance = (probs - draft_probs).abs().sum(dim=-1) / 2
    assert_close(acceptance_chance(probs, draft_probs), 1 - distance)
    assert_close(acceptance_chance(probs[0], draft_probs[0]), torch.tensor(ALPHA))


def test_the_measured_rate_is_the_theorys_and_so_is_the_length_of_a_round() -> None:
    choice = {"generator": make_generator(2), "sampling": Sampling()}
    draft = Draft(always(Q), 3)
    runs = [speculative(always(P), draft, PROMPT, 24, **choice) for _ in range(25)]
    n_accepted, n_judged = sum(run.n_accepted for run in runs), sum(run.n_judged for run in runs)
    assert stats.binomtest(n_accepted, n_judged, ALPHA).pvalue > 0.001
    assert stats.binomtest(n_accepted, n_judged, 0.55).pvalue < 0.001
    per_round = 25 * 24 / sum(run.n_rounds for run in runs)
    by_theory = expected_tokens_per_round(ALPHA, 3)
    assert per_round == pytest.approx(by_theory, rel=0.07)  # the last rounds are cut short


def test_tokens_per_round_by_hand() -> None:
    assert expected_tokens_per_round(0.8, 3) == pytest.approx(1 + 0.8 + 0.64 + 0.512)
    assert expected_tokens_per_round(0.0, 5) == 1
    assert expected_tokens_per_round(1.0, 5) == 6
    assert expected_tokens_per_round(0.3, 0) == 1


def test_judging_by_hand() -> None:
    generator = make_generator(0)
    probs = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    sure, unsure = torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.5, 0.5, 0.0]])

    def judged(drafted: Sequence[int], *draft_probs: Tensor) -> tuple[int, int]:
        n_drafted = len(drafted)
        q = torch.cat([probs[:0], *draft_probs])
        ids = torch.tensor(drafted, dtype=torch.long)
        return judge_draft(ids, q, probs[2 - n_drafted :], generator)

    assert judged([]) == (0, 2)
    assert judged([1], sure) == (1, 2)
    assert judged([0], unsure) == (0, 1)
    assert judged([0, 1], unsure, sure) == (0, 1)  # what follows a refused token is not judged
    assert judged([1, 0], unsure, unsure) == (1, 1)


def test_a_refused_token_is_replaced_by_what_the_draft_neglects() -> None:
    generator = make_generator(5)
    drafted, p, q = torch.tensor([3]), torch.tensor([P, P]), torch.tensor([Q])
    verdicts = [judge_draft(drafted, q, p, generator) for _ in range(800)]
    replacing = [token for n_accepted, token in verdicts if not n_accepted]
    assert stats.binomtest(800 - len(replacing), 800, 0.05 / 0.4).pvalue > 0.001
    counts = [replacing.count(token) for token in range(4)]
    assert counts[1] == counts[3] == 0
    left = len(replacing) / 0.35  # of p - q: 0.3 for token 0, and 0.05 for token 2
    assert stats.chisquare(counts[::2], [0.3 * left, 0.05 * left]).pvalue > 0.001


def test_the_same_seed_gives_the_same_text(pair: Pair) -> None:
    def draw(seed: int) -> list[int]:
        choice = {"generator": make_generator(seed), "sampling": Sampling(temperature=3.0)}
        return speculative(pair.ours, Draft(make_gpt(5), 3), pair.prompts[:1], 13, **choice).ids

    assert draw(0) == draw(0) != draw(1)


def test_greedy_decoding_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    speculative(counts_on, Draft(always((*P, 0.0)), 2), PROMPT, 5)
    assert torch.equal(torch.get_rng_state(), before)


def test_all_the_room_of_the_model_can_be_used(pair: Pair) -> None:
    prompt = pair.prompts[:1]
    n_tokens = MAX_LEN - prompt.shape[1] + 1
    done = speculative(pair.ours, Draft(half_right(pair.ours), 3), prompt, n_tokens)
    assert done.ids == greedy(pair.ours, prompt, n_tokens)[0]
    for models in ((pair.ours, counts_on), (counts_on, pair.theirs)):
        with pytest.raises(ValueError, match=f"at most max_len={MAX_LEN}"):
            speculative(models[0], Draft(models[1], 3), prompt, n_tokens + 1)


def test_without_a_judged_token_there_is_no_rate() -> None:
    done = speculative(counts_on, Draft(counts_on, 3), PROMPT, 1)
    assert done[:] == ([1], 1, 0, 0, 0)
    assert math.isnan(done.acceptance_rate)


def test_what_cannot_be_done_is_refused(pair: Pair) -> None:
    draft = Draft(counts_on, 2)
    with pytest.raises(ValueError, match="prompt_ids must be one row"):
        speculative(counts_on, draft, torch.tensor([[1], [2]]), 4)
    with pytest.raises(ValueError, match=r"vocabulary of 31 tokens; got 5\."):
        speculative(pair.ours, draft, PROMPT, 4)
    with pytest.raises(ValueError, match="generator must be given"):
        speculative(counts_on, draft, PROMPT, 4, sampling=Sampling())
    with pytest.raises(ValueError, match="n_tokens must be ≥ 1; got n_tokens=0"):
        speculative(counts_on, draft, PROMPT, 0)
    with pytest.raises(ValueError, match="n_tokens of the draft must be ≥ 1"):
        Draft(counts_on, 0)
    with pytest.raises(ValueError, match="cannot take back tokens"):
        speculative(Sliding(pair.ours), Draft(make_gpt(5), 3), PROMPT, 9)
    for rate in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"rate must be from 0 to 1; got rate={rate}"):
            expected_tokens_per_round(rate, 3)
    with pytest.raises(ValueError, match="n_draft must be ≥ 0; got n_draft=-1"):
        expected_tokens_per_round(0.5, -1)
