import math
import re
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest
import torch

from course_lib.embeddings import CBOW, SkipGram, Word2VecConfig
from course_lib.embeddings.word2vec import draw_negatives

SMALL = Word2VecConfig(
    d_embed=11, window=3, n_epochs=15, sample=0.0, batch_tokens=64, n_shared=32, seed=3
)
MODELS = pytest.mark.parametrize("model_class", [SkipGram, CBOW])


class Watched(SkipGram):
    """Notes the learning rate of each update, and the share done after each block."""

    def __init__(self, config: Word2VecConfig) -> None:
        super().__init__(config)
        self.rates: list[float] = []
        self.shares: list[float] = []

    def _train_epoch(self, *arguments) -> Iterator[float]:
        for share in super()._train_epoch(*arguments):
            self.shares.append(share)
            yield share

    def _update(self, batch) -> None:
        self.rates.append(self._learning_rate)
        super()._update(batch)


def test_default_settings() -> None:
    assert asdict(Word2VecConfig()) == {
        "d_embed": 100,
        "window": 5,
        "n_negatives": 5,
        "min_count": 5,
        "n_epochs": 5,
        "learning_rate": 0.075,
        "sample": 1e-3,
        "batch_tokens": 256,
        "n_shared": 128,
        "seed": 0,
    }


@MODELS
def test_planted_neighbours_are_found(model_class, planted, neighbour_share) -> None:
    untrained = model_class(Word2VecConfig(d_embed=11, n_epochs=1, learning_rate=1e-9, seed=3))
    assert neighbour_share(untrained.fit(planted, progress=False).vectors) < 0.5
    model = model_class(SMALL).fit(planted, progress=False)
    assert neighbour_share(model.vectors) >= 0.95


@MODELS
def test_loss_starts_at_its_known_value_and_falls(model_class, planted) -> None:
    model = model_class(SMALL).fit(planted, progress=False)
    # Output vectors start at zero, so every score is 0: (1 + 5) · ln 2.
    assert model.losses[0] == pytest.approx(6 * math.log(2), rel=1e-6)
    assert np.mean(model.losses[-10:]) < 0.8 * model.losses[0]


@MODELS
def test_same_seed_same_vectors_bit_for_bit(model_class, planted) -> None:
    sentences = planted[:400]
    config = Word2VecConfig(d_embed=5, n_epochs=2, seed=1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, again = (model_class(config).fit(sentences, progress=False) for _ in range(2))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(first.vectors.matrix, again.vectors.matrix)
    assert first.losses == again.losses
    other_seed = Word2VecConfig(d_embed=5, n_epochs=2, seed=2)
    other = model_class(other_seed).fit(sentences, progress=False)
    assert not np.array_equal(first.vectors.matrix, other.vectors.matrix)


def test_one_update_by_hand() -> None:
    # Two words side by side: one batch, pairs (a, b) and (b, a), the centres' windows all full.
    config = Word2VecConfig(
        d_embed=2, window=1, min_count=1, n_epochs=1, learning_rate=0.5, sample=0.0, n_shared=1
    )
    model = SkipGram(config).fit([["a", "b"]], progress=False)
    start = (np.random.default_rng(0).random((2, 2), dtype=np.float32) - 0.5) / 2
    # Output vectors are zero, so input vectors get no gradient; they move by nothing.
    np.testing.assert_array_equal(model.vectors.matrix, start)
    # A pair pulls its output vector by ½ · centre; one shared negative pushes with weight 5 · ½.
    # Each word is expected 128 times in a batch of 256, so its step is shortened to 0.2 / 128.
    output = model._output.numpy()
    step = 0.5 * 0.2 / 128
    pulled = step * 0.5 * start[::-1]
    pushed = -step * 5 * 0.5 * start.sum(axis=0)
    candidates = []
    for negative in (0, 1):
        expected = pulled.copy()
        expected[negative] += pushed
        candidates.append(np.abs(output - expected).max())
    assert min(candidates) < 1e-8


def test_the_learning_rate_falls_linearly_over_all_updates(monkeypatch) -> None:
    shapes = []

    def watched_draw(cumulative, shape, rng) -> torch.Tensor:
        shapes.append(shape)
        return draw_negatives(cumulative, shape, rng)

    monkeypatch.setattr("course_lib.embeddings.word2vec.draw_negatives", watched_draw)
    # 66 batches of 64 words an epoch: a block of 64 batches and one of 2.
    sentences = [["a", "b", "c", "d"] * 16] * 66
    config = Word2VecConfig(
        d_embed=2, n_epochs=2, learning_rate=0.5, sample=0.0, batch_tokens=64, n_shared=7
    )
    model = Watched(config).fit(sentences, progress=False)
    np.testing.assert_allclose(model.rates, 0.5 * (1 - np.arange(132) / 132), rtol=1e-12)
    assert model.shares == pytest.approx([64 / 66, 1.0] * 2)
    assert len(model.losses) == 4  # one a block
    assert shapes == [(64, 7), (2, 7)] * 2  # a row of negatives for each batch


def test_steps_are_shortened_for_words_expected_often_in_a_batch() -> None:
    # Shares 0.9, 0.099 and 0.001; with threshold 0.09 only "a" is thinned, to √0.1 + 0.1.
    sentences = [["a"] * 900, ["b"] * 99, ["c"]]
    config = Word2VecConfig(
        d_embed=2, window=1, min_count=1, n_epochs=1, sample=0.09, batch_tokens=32, n_shared=1
    )
    model = SkipGram(config).fit(sentences, progress=False)
    n_a = 900 * (math.sqrt(0.1) + 0.1)
    n_kept = n_a + 99 + 1
    # "c" is expected 0.07 times in 32 words; below 0.2 times the step has its full length.
    expected = [0.2 / (32 * n_a / n_kept), 0.2 / (32 * 99 / n_kept), 1.0]
    np.testing.assert_allclose(model._step_scale.squeeze(1).numpy(), expected, rtol=1e-6)


@MODELS
def test_a_batch_without_pairs_has_no_loss(model_class) -> None:
    config = Word2VecConfig(d_embed=2, min_count=1, n_epochs=2)
    assert model_class(config).fit([["a"], ["b"]], progress=False).losses == []


@MODELS
def test_one_pair_is_enough_for_a_loss(model_class) -> None:
    # Two batches of 32 words, cut between "a" and "b": each holds one centre with one context.
    sentences = [["c"]] * 31 + [["a", "b"]] + [["c"]] * 31
    config = Word2VecConfig(
        d_embed=2, window=1, min_count=1, n_epochs=1, sample=0.0, batch_tokens=32
    )
    model = model_class(config).fit(sentences, progress=False)
    assert model.losses == [pytest.approx(6 * math.log(2))]


def test_words_and_counts_are_kept_with_the_vectors(planted) -> None:
    config = Word2VecConfig(d_embed=3, n_epochs=1, min_count=100)
    vectors = SkipGram(config).fit(planted, progress=False).vectors
    assert vectors.counts is not None
    assert vectors.counts.min() >= 100
    assert "the" in vectors
    assert vectors.counts[vectors.id_of("the")] == sum(
        sentence.count("the") for sentence in planted
    )


def test_answers_come_from_the_vectors(planted) -> None:
    model = SkipGram(Word2VecConfig(d_embed=3, n_epochs=1)).fit(iter(planted), progress=False)
    assert model.most_similar("king", 3) == model.vectors.most_similar("king", 3)
    keyed_vectors = model.to_gensim()
    np.testing.assert_array_equal(keyed_vectors["king"], model.vectors["king"])
    with pytest.raises(ValueError, match=r"got 'kingg'\. Near spellings: king"):
        model.most_similar("kingg")


def test_vectors_need_a_fit() -> None:
    with pytest.raises(RuntimeError, match=r"CBOW has no vectors yet; call fit\(sentences\)"):
        _ = CBOW().vectors


def test_the_bar_shows_words_and_loss(planted, capsys: pytest.CaptureFixture[str]) -> None:
    model = SkipGram(Word2VecConfig(d_embed=3, n_epochs=2)).fit(planted[:300])
    shown = capsys.readouterr()
    assert "100%" in shown.err
    assert re.search(r" \d\.\d\dk/\d\.\d\dk ", shown.err)  # thousands of words
    assert f"loss={model.losses[-1]:.3f}" in shown.err
    assert shown.out == ""


def test_torch_settings_are_left_alone(planted) -> None:
    before = (torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_rng_state())
    SkipGram(Word2VecConfig(d_embed=3, n_epochs=1)).fit(planted[:100], progress=False)
    assert torch.get_num_threads() == before[0]
    assert torch.get_float32_matmul_precision() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert torch.is_grad_enabled()


@MODELS
@pytest.mark.parametrize(
    ("sentences", "error", "message"),
    [
        ("one plain string", TypeError, "one plain string"),
        (["one string", "another"], TypeError, "the string 'one string' as sentence 0"),
        ([], ValueError, "got an empty corpus"),
        ([[], []], ValueError, "got an empty corpus"),
        ([["a"] * 9, ["b"]], ValueError, r"min_count=5 times or more; got 1 \(of 2 different"),
    ],
)
def test_unusable_sentences_are_refused(model_class, sentences, error, message: str) -> None:
    with pytest.raises(error, match=message):
        model_class().fit(sentences, progress=False)


def test_divergence_is_reported_with_step_and_learning_rate(planted) -> None:
    config = Word2VecConfig(d_embed=5, n_epochs=30, learning_rate=1e30)
    with pytest.raises(FloatingPointError, match=r"diverged at step \d+ with learning_rate=1e\+30"):
        SkipGram(config).fit(planted, progress=False)


def test_divergence_is_noticed_at_the_end_of_an_epoch() -> None:
    # One update an epoch. The first leaves the input vectors as they were, since the output vectors
    # are 0; the second makes them infinite. It has 3/4 of the learning rate.
    config = Word2VecConfig(d_embed=2, min_count=1, n_epochs=4, learning_rate=1e30, sample=0.0)
    message = r"at step 2 with learning_rate=1e\+30 \(now 7\.5e\+29\)"
    with pytest.raises(FloatingPointError, match=message):
        SkipGram(config).fit([["a", "b"]], progress=False)


@pytest.mark.parametrize(
    "bad",
    [
        *[{name: 0} for name in ("d_embed", "window", "n_negatives", "min_count", "n_epochs")],
        *[{"learning_rate": value} for value in (math.nan, math.inf, 0.0, -0.1)],
        *[{"sample": value} for value in (-1e-3, math.nan)],
        *[{"batch_tokens": value} for value in (0, 33)],
        {"n_shared": 0},
        {"seed": -1},
    ],
)
def test_bad_settings_are_named(bad: dict[str, float]) -> None:
    ((name, value),) = bad.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*got {name}={value}"):
        Word2VecConfig(**bad)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@MODELS
def test_a_gpu_learns_the_same(model_class, planted, neighbour_share) -> None:
    model = model_class(SMALL).fit(planted, progress=False, device="cuda")
    assert neighbour_share(model.vectors) >= 0.95
