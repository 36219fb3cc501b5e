import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from course_lib.models import NGramConfig, NGramModel, add_k_probabilities, count_ngrams
from course_lib.tokenizers import Vocabulary

RAIN = [["it", "rains"], ["it", "rains"], ["it", "snows"]]
RHYME = [
    ["the", "cat", "sat", "on", "the", "mat"],
    ["the", "dog", "sat", "on", "the", "cat"],
    ["a", "cat", "saw", "the", "dog"],
    ["the", "mat"],
]


def fit(
    sentences: list[list[str]], order: int, add_k: float = 0.0, min_count: int = 1
) -> NGramModel:
    vocabulary = Vocabulary.from_sentences(sentences, min_count=min_count)
    return NGramModel(NGramConfig(order=order, add_k=add_k)).fit(sentences, vocabulary)


def brute_force(model: NGramModel, sentences: list[list[str]], context: list[str]) -> list[float]:
    """Count by slicing lists of words, and divide; nothing shared with the library."""
    names = [*model.vocabulary.words, "<unk>", "</s>"]
    order, add_k = model.config.order, model.config.add_k
    rename = [[word if word in names else "<unk>" for word in words] for words in sentences]
    context = ["<s>", *[word if word in names else "<unk>" for word in context]]
    context = context[-(order - 1) :] if order > 1 else []
    followers: Counter[str] = Counter()
    for words in rename:
        line = ["<s>", *words, "</s>"]
        for end in range(1, len(line)):
            if line[max(0, end - order + 1) : end] == context or order == 1:
                followers[line[end]] += 1
    total = followers.total() + add_k * len(names)
    return [(followers[name] + add_k) / total for name in names]


def test_count_ngrams_by_hand() -> None:
    tokens = ["a", "rose", "is", "a", "rose"]
    assert count_ngrams(tokens, 2) == {("a", "rose"): 2, ("rose", "is"): 1, ("is", "a"): 1}
    assert count_ngrams(tokens, 1) == {("a",): 2, ("rose",): 2, ("is",): 1}
    assert count_ngrams(tokens, 6) == {}


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_count_ngrams_counts_every_position_once(tokens: list[int], order: int) -> None:
    assert count_ngrams(tokens, order).total() == max(0, len(tokens) - order + 1)


def test_count_ngrams_refuses_order_zero() -> None:
    with pytest.raises(ValueError, match="order must be ≥ 1; got order=0"):
        count_ngrams("abc", 0)


def test_add_k_probabilities_by_hand() -> None:
    counts = torch.tensor([3.0, 1.0, 0.0, 0.0, 0.0])
    assert_close(add_k_probabilities(counts, 1.0), torch.tensor([4.0, 2.0, 1.0, 1.0, 1.0]) / 9)
    assert_close(add_k_probabilities(counts, 0.0), torch.tensor([0.75, 0.25, 0.0, 0.0, 0.0]))


def test_bigram_by_hand() -> None:
    model = fit(RAIN, order=2)
    # Outcomes: it, rains, snows, <unk>, </s>.
    assert_close(model.next_log_probs([]).exp(), torch.tensor([1.0, 0, 0, 0, 0]).double())
    expected = torch.tensor([0, 2 / 3, 1 / 3, 0, 0]).double()
    assert_close(model.next_log_probs([0]).exp(), expected)
    assert model.log_prob(model.encode(["it", "snows"])) == pytest.approx(math.log(1 / 3))
    assert model.log_prob(model.encode(["snows"])) == -math.inf


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("add_k", "min_count"), [(0.3, 1), (2.0, 2)])
def test_equals_brute_force(order: int, add_k: float, min_count: int) -> None:
    model = fit(RHYME, order, add_k, min_count)
    words = ["the", "cat", "dog", "unheard"]
    for length in range(4):
        for context in itertools.product(words, repeat=length):
            got = model.next_log_probs(model.encode(context)[:-1]).exp()
            expected = torch.tensor(brute_force(model, RHYME, list(context))).double()
            assert_close(got, expected, msg=str(context))
            assert_close(got.sum(), torch.tensor(1.0).double())


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_token_log_probs_follow_next_log_probs(order: int) -> None:
    model = fit(RHYME, order, add_k=0.1, min_count=2)
    sentences = [
        model.encode(["the", "cat", "saw", "the", "unheard", "mat"]),
        model.encode(["mat"]),
    ]
    got = torch.from_numpy(model.token_log_probs(sentences))
    one_by_one = [
        model.next_log_probs(ids[:place])[ids[place]]
        for ids in sentences
        for place in range(len(ids))
    ]
    assert_close(got, torch.stack(one_by_one))
    assert model.log_prob(sentences[0]) == pytest.approx(float(got[: len(sentences[0])].sum()))


def test_finished_and_unfinished_sentences_share_all_probability() -> None:
    model = fit([["a"], ["a", "b"], ["b", "a"]], order=2, add_k=0.5)
    words = range(model.end_id)
    finished = [
        math.exp(model.log_prob([*ids, model.end_id]))
        for length in range(4)
        for ids in itertools.product(words, repeat=length)
    ]
    unfinished = [math.exp(model.log_prob(ids)) for ids in itertools.product(words, repeat=4)]
    assert sum(finished) + sum(unfinished) == pytest.approx(1)
    assert sum(finished) > 0.5


def test_without_smoothing_the_unseen_is_impossible() -> None:
    model = fit(RHYME, order=3)
    assert model.token_log_probs([model.encode(["dog", "sat"])])[0] == -math.inf
    with pytest.raises(ValueError, match=r"context must occur .* got \['dog', 'mat'\]"):
        model.next_log_probs(model.encode(["the", "dog", "mat"])[:-1])


def test_what_lies_before_an_end_token_is_forgotten() -> None:
    model = fit(RHYME, order=3, add_k=0.2)
    fresh, after = model.encode(["the"])[:-1], model.encode(["a", "dog"])
    assert_close(model.next_log_probs(after + fresh), model.next_log_probs(fresh), rtol=0, atol=0)
    assert_close(model.next_log_probs(after), model.next_log_probs([]), rtol=0, atol=0)


def test_longer_past_than_the_order_changes_nothing() -> None:
    model = fit(RHYME, order=3, add_k=0.2)
    near, far = (
        model.encode(["on", "the"])[:-1],
        model.encode(["a", "dog", "sat", "on", "the"])[:-1],
    )
    assert_close(model.next_log_probs(near), model.next_log_probs(far), rtol=0, atol=0)
    other = model.encode(["saw", "the"])[:-1]
    assert not torch.equal(model.next_log_probs(near), model.next_log_probs(other))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=6))
def test_training_text_is_likeliest_without_smoothing(sentences: list[list[str]]) -> None:
    """Relative frequencies are the maximum-likelihood estimate: adding k can only lose."""
    plain, smoothed = fit(sentences, 2), fit(sentences, 2, add_k=0.7)
    ids = [plain.encode(words) for words in sentences]
    assert plain.token_log_probs(ids).sum() >= smoothed.token_log_probs(ids).sum()


def test_with_add_k_is_as_good_as_fitting_anew() -> None:
    first = fit(RHYME, order=3)
    other, fresh = first.with_add_k(0.4), fit(RHYME, order=3, add_k=0.4)
    ids = [first.encode(["the", "dog", "sat"])]
    np.testing.assert_array_equal(other.token_log_probs(ids), fresh.token_log_probs(ids))
    assert first.config.add_k == 0
    with pytest.raises(ValueError, match="add_k must be ≥ 0"):
        first.with_add_k(-0.1)


def test_orders_beyond_the_longest_sentence_are_fine() -> None:
    model = fit([["a"], ["b"]], order=7, add_k=0.1)
    assert np.isfinite(model.token_log_probs([model.encode(list("abababab"))])).all()


def test_encode_and_decode_name_the_unknown_and_the_end() -> None:
    model = fit(RAIN, order=2)
    assert model.decode(model.encode(["it", "hails"])) == ["it", "<unk>", "</s>"]
    assert model.vocab_size == len(model.vocabulary) + 2


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"order": 0}, "order must be ≥ 1; got order=0"),
        ({"add_k": -1.0}, r"add_k must be ≥ 0; got add_k=-1\.0"),
        ({"add_k": math.nan}, "add_k must be ≥ 0; got add_k=nan"),
    ],
)
def test_config_refuses(settings_: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NGramConfig(**settings_)  # pyright: ignore[reportArgumentType]


def test_fit_refuses_strings_and_nothing() -> None:
    vocabulary = Vocabulary.from_sentences(RAIN)
    with pytest.raises(TypeError, match="lists of words"):
        NGramModel(NGramConfig()).fit("it rains", vocabulary)
    with pytest.raises(ValueError, match="at least one sentence; got none"):
        NGramModel(NGramConfig()).fit([], vocabulary)


def test_usual_settings() -> None:
    assert (NGramConfig().order, NGramConfig().add_k) == (3, 0.0)


def test_the_error_names_the_tokens_that_the_model_looked_for() -> None:
    sentences = [["it", "rains"]]
    model = NGramModel(NGramConfig(order=3)).fit(sentences, Vocabulary.from_sentences(sentences))
    it, rains = model.encode(["it", "rains"])[:2]
    with pytest.raises(ValueError, match=r"got \['rains', 'it'\]"):
        model.next_log_probs([it, rains, it])
    with pytest.raises(ValueError, match=r"got \['rains'\]"):
        model.next_log_probs([rains])
