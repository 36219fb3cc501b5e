"""A model that learns from stories stays above the entropy floor of stories it has not seen."""

import numpy as np
import pytest

from course_lib.data.storyworld import floor, make_storyworld
from course_lib.models import KneserNeyConfig, KneserNeyModel, NGramConfig, NGramModel
from course_lib.tokenizers import Vocabulary


@pytest.fixture(scope="module")
def world():
    return make_storyworld(1_500, seed=7, language="both")


@pytest.mark.parametrize("suffix", ["", "_zh"])
@pytest.mark.parametrize(
    "model",
    [
        NGramModel(NGramConfig(order=2, add_k=0.1)),
        KneserNeyModel(KneserNeyConfig(order=3)),
        KneserNeyModel(KneserNeyConfig(order=5)),
    ],
    ids=["bigram", "kneser-ney-3", "kneser-ney-5"],
)
def test_n_gram_models_are_above_the_floor(world, model, suffix) -> None:
    stories = world["train"][f"tokens{suffix}"]
    held_out = world["test"][f"tokens{suffix}"]
    vocabulary = Vocabulary.from_sentences(stories)
    model.fit(stories, vocabulary)
    log_probs = model.token_log_probs([model.encode(tokens) for tokens in held_out])
    # The model also predicts the end of each story; leaving those out can only flatter it.
    n_tokens = sum(len(tokens) for tokens in held_out)
    loss = -np.sum(log_probs) / len(log_probs)
    assert len(log_probs) == n_tokens + len(held_out)
    at_best = -np.sum(np.sort(log_probs)[len(held_out) :]) / n_tokens
    lowest = floor(world["test"], language="zh" if suffix else "en")
    assert loss > at_best > lowest > 0.2
