import math
from collections import Counter
from itertools import product

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.testing import assert_close

from course_lib.data.batches import pad_left
from course_lib.generation import Rules, Sampling, greedy, sample
from course_lib.generation.drawing import draw
from course_lib.seeding import make_generator

from .conftest import Pair

TABLE = torch.randn(5, 5, generator=make_generator(0), dtype=torch.float64)


def chain(ids: Tensor) -> Tensor:
    """A model that looks at the last token only."""
    return TABLE[ids]


@pytest.mark.parametrize(
    ("sampling", "rules_out"),
    [
        (Sampling(), False),
        (Sampling(temperature=0.6), False),
        (Sampling(top_k=3), True),
        (Sampling(top_p=0.7), True),
        (Sampling(min_p=0.3, temperature=1.8), True),
        (Sampling(typical_p=0.5), True),
    ],
    ids=["plain", "temperature", "top_k", "top_p", "min_p", "typical"],
)
def test_texts_come_as_often_as_they_should(sampling: Sampling, rules_out: bool) -> None:
    n_draws = 4000
    many = Sampling(**{**vars(sampling), "n_sequences": n_draws})
    texts = sample(chain, torch.tensor([[2]]), 2, generator=make_generator(1), sampling=many)
    counts = Counter(tuple(text) for text in texts)
    log_probs = sampling.log_probs(TABLE)
    expected = {
        (a, b): n_draws * math.exp(log_probs[2, a] + log_probs[a, b])
        for a, b in product(range(5), repeat=2)
    }
    possible = [text for text, n in expected.items() if n > 0]
    assert set(counts) <= set(possible)
    assert (len(possible) < 25) is rules_out
    seen = [counts[text] for text in possible]
    assert stats.chisquare(seen, [expected[text] for text in possible]).pvalue > 1e-3


def test_top_k_of_one_is_greedy(pair: Pair) -> None:
    one = Sampling(top_k=1, temperature=3.0)
    texts = sample(pair.ours, pair.prompts, 17, generator=make_generator(0), sampling=one)
    assert texts == greedy(pair.ours, pair.prompts, 17)


@pytest.mark.parametrize("n", [2, 3])
def test_several_texts_for_each_prompt_with_padding(pair: Pair, n: int) -> None:
    prompts = pad_left([[3, 1, 4], [1, 5]])
    sampling = Sampling(n_sequences=n, temperature=2.0)
    together = sample(pair.ours, prompts, 7, generator=make_generator(0), sampling=sampling)
    assert len(together) == 2 * n
    assert len({tuple(text) for text in together}) > 3
    one = Sampling(n_sequences=n, top_k=1)
    texts = sample(pair.ours, prompts, 7, generator=make_generator(0), sampling=one)
    each = [greedy(pair.ours, torch.tensor([ids]), 7)[0] for ids in ([3, 1, 4], [1, 5])]
    assert texts == [text for text in each for _ in range(n)]
    theirs = sample(pair.theirs, prompts, 7, generator=make_generator(0), sampling=one)
    assert theirs == texts


def test_the_same_seed_gives_the_same_texts_and_another_gives_others(pair: Pair) -> None:
    first, again, other = (
        sample(pair.ours, pair.prompts, 17, generator=make_generator(seed)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert [len(text) for text in first] == [17, 17, 17]


def test_rules_hold() -> None:
    sampling = Sampling(n_sequences=50)
    rules = Rules(end_id=3, no_repeat_ngram_size=1)
    texts = sample(
        chain, torch.tensor([[2]]), 9, generator=make_generator(0), sampling=sampling, rules=rules
    )
    assert {len(set(text)) == len(text) for text in texts} == {True}
    assert {token for text in texts for token in text} == {0, 1, 4}


def test_a_draw_has_the_shape_of_what_is_drawn_from() -> None:
    log_probs = torch.full((3, 2, 5), -math.inf)
    log_probs[..., 4] = 0
    log_probs[1, 0] = torch.tensor([-math.inf, 0, -math.inf, -math.inf, -math.inf])
    expected = torch.tensor([[4, 4], [1, 4], [4, 4]])
    assert_close(draw(log_probs, make_generator(0)), expected)
    assert_close(draw(log_probs.bfloat16(), make_generator(0)), expected)


def test_nothing_to_write_is_refused() -> None:
    with pytest.raises(ValueError, match="n_tokens must be ≥ 1; got n_tokens=0"):
        sample(chain, torch.tensor([[2]]), 0, generator=make_generator(0))
