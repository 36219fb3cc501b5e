import pytest
import torch
from torch.testing import assert_close

from course_lib.generation import (
    Rules,
    Sampling,
    forbid_repeated_ngrams,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    keep_typical,
    penalise_repetition,
)
from course_lib.seeding import make_generator


@pytest.mark.parametrize("penalty", [1.0, 1.5, 2.0])
def test_rules_are_applied_text_by_text_and_the_penalty_first(penalty: float) -> None:
    scores = torch.randn(2, 5, generator=make_generator(0))
    texts = [[1, 2, 1], [4, 4]]
    got = Rules(repetition_penalty=penalty, no_repeat_ngram_size=2).apply(scores, texts)
    for row, text, changed in zip(scores, texts, got, strict=True):
        expected = forbid_repeated_ngrams(penalise_repetition(row, text, penalty), text, 2)
        assert_close(changed, expected, rtol=0, atol=0)
    assert Rules().apply(scores, texts) is scores


def test_forbidden_tokens_cannot_be_chosen_and_the_others_stay() -> None:
    scores = torch.tensor([[5.0, 1.0, 2.0], [0.0, 3.0, 4.0]])
    got = Rules(forbidden_ids=(0, 2)).apply(scores, [[1], [2]])
    assert got.argmax(dim=1).tolist() == [1, 1]
    assert_close(got[:, 1], scores[:, 1], rtol=0, atol=0)
    assert got[:, [0, 2]].eq(-torch.inf).all()
    assert scores[0, 0] == 5  # what was given is not changed


@pytest.mark.parametrize(
    ("rules", "changes"),
    [
        (Rules(), False),
        (Rules(end_id=3, stop=bool), False),
        (Rules(repetition_penalty=0.9), True),
        (Rules(no_repeat_ngram_size=1), True),
        (Rules(forbidden_ids=(0,)), True),
    ],
)
def test_what_changes_scores(rules: Rules, changes: bool) -> None:
    assert rules.changes_scores is changes


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"repetition_penalty": 0.0}, "repetition_penalty must be > 0; got repetition_penalty=0.0"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size must be ≥ 0; got no_repeat"),
    ],
)
def test_rules_out_of_range(settings: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Rules(**settings)


def test_the_steps_of_sampling_come_in_order() -> None:
    logits = 2 * torch.randn(3, 17, generator=make_generator(0), dtype=torch.float64)
    sampling = Sampling(temperature=1.7, top_k=11, top_p=0.8, min_p=0.05, typical_p=0.7)
    expected = keep_top_k((logits / 1.7).log_softmax(dim=-1), 11)
    expected = keep_typical(keep_min_p(keep_top_p(expected, 0.8), 0.05), 0.7)
    got = sampling.log_probs(logits)
    assert_close(got, expected.log_softmax(dim=-1))
    assert_close(got.exp().sum(dim=-1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "filter_", "value"),
    [
        ("top_k", keep_top_k, 5),
        ("top_p", keep_top_p, 0.7),
        ("min_p", keep_min_p, 0.2),
        ("typical_p", keep_typical, 0.4),
    ],
)
def test_each_filter_alone(name: str, filter_, value: float) -> None:
    logits = 2 * torch.randn(3, 17, generator=make_generator(0), dtype=torch.float64)
    got = Sampling(**{name: value}).log_probs(logits)
    assert_close(got, filter_(logits, value).log_softmax(dim=-1))
    assert got.isinf().any()


def test_plain_sampling_is_the_models_distribution() -> None:
    logits = torch.randn(3, 17, generator=make_generator(0), dtype=torch.float64)
    assert_close(Sampling().log_probs(logits), logits.log_softmax(dim=-1))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"temperature": 0.0}, "temperature must be > 0; got temperature=0.0"),
        ({"top_k": 0}, "k must be ≥ 1"),
        ({"top_p": 1.5}, "p must be > 0 and ≤ 1"),
        ({"min_p": 0.0}, "p must be > 0 and ≤ 1"),
        ({"typical_p": -1.0}, "p must be > 0 and ≤ 1"),
        ({"n_sequences": 0}, "n_sequences must be ≥ 1; got n_sequences=0"),
    ],
)
def test_sampling_out_of_range_is_refused_before_anything_is_written(
    settings: dict, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Sampling(**settings)
