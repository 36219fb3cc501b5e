import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from course_lib.models import (
    KneserNeyConfig,
    KneserNeyModel,
    NGramConfig,
    NGramModel,
    discounted_probabilities,
)
from course_lib.tokenizers import Vocabulary

RHYME = [
    ["the", "cat", "sat", "on", "the", "mat"],
    ["the", "dog", "sat", "on", "the", "cat"],
    ["a", "cat", "saw", "the", "dog"],
    ["the", "mat"],
]


def fit(
    sentences: list[list[str]], order: int, discount: float = 0.75, min_count: int = 1
) -> KneserNeyModel:
    vocabulary = Vocabulary.from_sentences(sentences, min_count=min_count)
    return KneserNeyModel(KneserNeyConfig(order=order, discount=discount)).fit(
        sentences, vocabulary
    )


class BruteForce:
    """Interpolated Kneser–Ney from the papers' formulas, with sets of tuples of words."""

    def __init__(self, sentences: list[list[str]], names: list[str], order: int, d: float) -> None:
        self.names, self.order, self.d = names, order, d
        self.seen: list[tuple[str, ...]] = []
        for words in sentences:
            line = ["<s>", *[w if w in names else "<unk>" for w in words], "</s>"]
            for end in range(1, len(line)):
                longest = min(order, end + 1)
                self.seen += [tuple(line[end - n + 1 : end + 1]) for n in range(1, longest + 1)]

    def count(self, ngram: tuple[str, ...]) -> int:
        if len(ngram) == self.order or ngram[0] == "<s>":
            return self.seen.count(ngram)
        return len({long for long in self.seen if long[1:] == ngram})

    def probability(self, word: str, context: tuple[str, ...]) -> float:
        lower = 1 / len(self.names) if not context else self.probability(word, context[1:])
        counts = [self.count((*context, name)) for name in self.names]
        if sum(counts) == 0:
            return lower
        kept = max(self.count((*context, word)) - self.d, 0)
        kinds = sum(count > 0 for count in counts)
        return (kept + self.d * kinds * lower) / sum(counts)


def test_discounted_probabilities_by_hand() -> None:
    counts, fallback = torch.tensor([5.0, 2.0, 0.0]), torch.tensor([0.1, 0.2, 0.7])
    # Each of two seen outcomes gives 0.5; the freed 1.0 of 7 is shared out by the fallback.
    expected = torch.tensor([4.5 + 0.1, 1.5 + 0.2, 0.7]) / 7
    assert_close(discounted_probabilities(counts, fallback, 0.5), expected)


def test_discounted_probabilities_of_an_unseen_context_are_the_fallback() -> None:
    fallback = torch.tensor([0.25, 0.75])
    assert_close(discounted_probabilities(torch.zeros(2), fallback, 0.5), fallback)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=7), st.floats(0.01, 0.99))
def test_discounted_probabilities_sum_to_one(counts: list[int], discount: float) -> None:
    fallback = torch.full((len(counts),), 1 / len(counts), dtype=torch.float64)
    got = discounted_probabilities(torch.tensor(counts).double(), fallback, discount)
    assert_close(got.sum(), torch.tensor(1.0).double())
    assert (got > 0).all()


def test_francisco_is_frequent_but_only_after_san() -> None:
    """By hand: what precedes a word in how many ways, not how often, decides when in doubt."""
    sentences = [["san", "francisco"]] * 4 + [["my", "glasses"], ["her", "glasses"]]
    model = fit(sentences, order=2)
    # Ways to be preceded: san, my and her 1 each (the start), francisco 1 (san), glasses 2 (my and
    # her), the end 2 (francisco and glasses); 8 together, of six kinds.
    unseen = model.encode(["unheard"])[:-1]
    got = model.next_log_probs(unseen).exp()
    francisco, glasses = (model.vocabulary.id_of(word) for word in ("francisco", "glasses"))
    v = model.vocab_size
    assert float(got[francisco]) == pytest.approx((0.25 + 0.75 * 6 / v) / 8)
    assert float(got[glasses]) == pytest.approx((1.25 + 0.75 * 6 / v) / 8)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("discount", "min_count"), [(0.75, 1), (0.3, 2)])
def test_equals_brute_force(order: int, discount: float, min_count: int) -> None:
    model = fit(RHYME, order, discount, min_count)
    names = [*model.vocabulary.words, "<unk>", "</s>"]
    reference = BruteForce(RHYME, names, order, discount)
    for length in range(3):
        for context in itertools.product(["the", "cat", "sat", "<unk>"], repeat=length):
            padded = ("<s>", *[word if word in names else "<unk>" for word in context])
            cut = padded[-(order - 1) :] if order > 1 else ()
            expected = [reference.probability(name, cut) for name in names]
            got = model.next_log_probs(model.encode(context)[:-1]).exp()
            assert_close(got, torch.tensor(expected).double(), msg=str(context))
            assert_close(got.sum(), torch.tensor(1.0).double())


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_token_log_probs_follow_next_log_probs(order: int) -> None:
    model = fit(RHYME, order, min_count=2)
    sentences = [
        model.encode(["the", "cat", "saw", "the", "unheard", "mat"]),
        model.encode(["mat"]),
    ]
    one_by_one = [
        model.next_log_probs(ids[:place])[ids[place]]
        for ids in sentences
        for place in range(len(ids))
    ]
    assert_close(torch.from_numpy(model.token_log_probs(sentences)), torch.stack(one_by_one))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=6),
    st.lists(st.sampled_from("abcdx"), max_size=5),
    st.integers(1, 4),
)
def test_nothing_is_impossible_and_all_sums_to_one(
    sentences: list[list[str]], context: list[str], order: int
) -> None:
    model = fit(sentences, order)
    probabilities = model.next_log_probs(model.encode(context)[:-1]).exp()
    assert (probabilities > 0).all()
    assert_close(probabilities.sum(), torch.tensor(1.0).double())


def test_beats_add_k_on_unseen_text_from_the_same_source() -> None:
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 41)
    words = [f"w{i}" for i in range(40)]
    draw = rng.choice(words, size=(400, 7), p=weights / weights.sum()).tolist()
    train, test = draw[:200], draw[200:]
    vocabulary = Vocabulary.from_sentences(train)
    kneser_ney = KneserNeyModel(KneserNeyConfig(order=3)).fit(train, vocabulary)
    add_k = NGramModel(NGramConfig(order=3, add_k=0.1)).fit(train, vocabulary)
    ids = [kneser_ney.encode(sentence) for sentence in test]
    assert kneser_ney.token_log_probs(ids).mean() > add_k.token_log_probs(ids).mean() + 0.3


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"order": 0}, "order must be ≥ 1; got order=0"),
        ({"discount": 0.0}, r"discount must be between 0 and 1; got discount=0\.0"),
        ({"discount": 1.0}, r"discount must be between 0 and 1; got discount=1\.0"),
        ({"discount": math.nan}, "discount must be between 0 and 1; got discount=nan"),
    ],
)
def test_config_refuses(settings_: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KneserNeyConfig(**settings_)  # pyright: ignore[reportArgumentType]


def test_usual_settings() -> None:
    config = KneserNeyConfig()
    assert (config.order, config.discount) == (3, 0.75)
