import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from course_lib.embeddings import GloVe, GloVeConfig, glove_gradients, glove_weights
from course_lib.seeding import make_generator

SMALL = GloVeConfig(
    d_embed=11, window=3, n_epochs=25, learning_rate=0.1, batch_pairs=64, x_max=20.0, seed=3
)


def make_batch() -> tuple[torch.Tensor, ...]:
    generator = make_generator(0)
    word, context = (
        torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        for _ in range(2)
    )
    counts = torch.tensor([0.5, 1.0, 3.0, 100.0, 700.0], dtype=torch.float64)
    return word, context, counts.log(), glove_weights(counts)


def loss_sum(word, context, log_counts, weights) -> torch.Tensor:
    """Equation 8, written out."""
    product = torch.einsum("bd,bd->b", word[:, :3], context[:, :3])
    return (weights * (product + word[:, 3] + context[:, 3] - log_counts) ** 2).sum()


def test_weights_by_hand() -> None:
    counts = torch.tensor([0.0, 16.0, 81.0, 500.0])
    expected = torch.tensor([0.0, 8 / 27, 1.0, 1.0])
    torch.testing.assert_close(glove_weights(counts, x_max=81.0, alpha=0.75), expected)


def test_gradients_by_hand_equal_autograd() -> None:
    word, context, log_counts, weights = make_batch()
    assert gradcheck(lambda w, c: loss_sum(w, c, log_counts, weights), (word, context))
    loss = loss_sum(word, context, log_counts, weights)
    expected = torch.autograd.grad(loss, (word, context))
    d_word, d_context, losses = glove_gradients(word, context, log_counts, weights)
    torch.testing.assert_close(d_word, expected[0])
    torch.testing.assert_close(d_context, expected[1])
    torch.testing.assert_close(losses.sum(), loss)


def test_a_perfect_fit_does_not_move() -> None:
    word, context, _, weights = make_batch()
    exact = (word[:, :3] * context[:, :3]).sum(dim=1) + word[:, 3] + context[:, 3]
    d_word, d_context, losses = glove_gradients(word, context, exact, weights)
    assert d_word.abs().max() < 1e-12
    assert d_context.abs().max() < 1e-12
    assert losses.max() < 1e-24


def test_planted_neighbours_are_found(planted, neighbour_share) -> None:
    model = GloVe(SMALL).fit(planted, progress=False)
    assert neighbour_share(model.vectors) >= 0.95
    assert len(model.losses) == SMALL.n_epochs
    assert model.losses[-1] < 0.5 * model.losses[0]


def test_products_approach_log_counts() -> None:
    # Enough dimensions for an exact fit of a 3-word table.
    sentences = [["a", "b"]] * 20 + [["a", "c"]] * 5 + [["b", "c"]] * 2
    config = GloVeConfig(d_embed=5, min_count=1, n_epochs=3000, batch_pairs=7)
    model = GloVe(config).fit(sentences, progress=False)
    word, context = model._tables
    fitted = word[:, :-1] @ context[:, :-1].T + word[:, -1:] + context[:, -1]
    ids = {name: model.vectors.id_of(name) for name in "abc"}
    for first, second, count in (("a", "b", 20), ("a", "c", 5), ("b", "c", 2)):
        assert fitted[ids[first], ids[second]].item() == pytest.approx(math.log(count), abs=0.02)


def test_the_first_loss_is_the_mean_over_all_pairs() -> None:
    sentences = [["a", "b"]] * 20 + [["a", "c"]] * 5 + [["b", "c"]] * 2
    config = GloVeConfig(d_embed=5, min_count=1, n_epochs=1, x_max=10.0, seed=4)
    model = GloVe(config).fit(sentences, progress=False)
    generator = make_generator(4)
    word, context = ((torch.rand(3, 6, generator=generator) - 0.5) / 5 for _ in range(2))
    ids = {name: model.vectors.id_of(name) for name in "abc"}
    counts = {("a", "b"): 20.0, ("a", "c"): 5.0, ("b", "c"): 2.0}
    both_ways = counts | {(second, first): n for (first, second), n in counts.items()}
    total = sum(
        loss_of_one(word[ids[first]], context[ids[second]], count)
        for (first, second), count in both_ways.items()
    )
    assert model.losses == [pytest.approx(total / 6, rel=1e-5)]


def loss_of_one(word: torch.Tensor, context: torch.Tensor, count: float) -> float:
    """Equation 8 for one pair, with x_max = 10."""
    error = (word[:-1] @ context[:-1] + word[-1] + context[-1]).item() - math.log(count)
    return min(1.0, (count / 10.0) ** 0.75) * error**2


def test_a_vector_is_the_sum_of_both_roles_without_biases(planted) -> None:
    model = GloVe(GloVeConfig(d_embed=5, n_epochs=2)).fit(planted[:300], progress=False)
    word, context = (table.numpy()[:, :5] for table in model._tables)
    assert model.vectors.matrix.shape == (len(model.vectors), 5)
    assert [table.shape[1] for table in model._tables] == [6, 6]
    np.testing.assert_array_equal(model.vectors.matrix, word + context)


def test_same_seed_same_vectors(planted) -> None:
    config = GloVeConfig(d_embed=5, n_epochs=2, seed=1)
    first, again = (GloVe(config).fit(planted[:300], progress=False) for _ in range(2))
    np.testing.assert_array_equal(first.vectors.matrix, again.vectors.matrix)
    other = GloVe(GloVeConfig(d_embed=5, n_epochs=2, seed=2)).fit(planted[:300], progress=False)
    assert not np.array_equal(first.vectors.matrix, other.vectors.matrix)


def test_the_bar_shows_the_loss(planted, capsys: pytest.CaptureFixture[str]) -> None:
    model = GloVe(GloVeConfig(d_embed=3, n_epochs=2)).fit(planted[:300])
    assert f"loss={model.losses[-1]:.4f}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sentences", "error", "message"),
    [
        ("one plain string", TypeError, "one plain string"),
        ([], ValueError, "got an empty corpus"),
        ([["a"], ["b"]] * 5, ValueError, "two known words side by side; got none"),
    ],
)
def test_unusable_sentences_are_refused(sentences, error, message: str) -> None:
    with pytest.raises(error, match=message):
        GloVe().fit(sentences, progress=False)


def test_divergence_is_reported(planted) -> None:
    config = GloVeConfig(d_embed=3, n_epochs=9, learning_rate=1e25)
    with pytest.raises(FloatingPointError, match=r"in epoch \d with learning_rate=1e\+25"):
        GloVe(config).fit(planted[:300], progress=False)


@pytest.mark.parametrize(
    "bad",
    [
        *[{name: 0} for name in ("d_embed", "window", "min_count", "n_epochs", "batch_pairs")],
        *[{name: math.nan} for name in ("learning_rate", "x_max", "alpha")],
        {"learning_rate": 0.0},
    ],
)
def test_bad_settings_are_named(bad: dict[str, float]) -> None:
    ((name, value),) = bad.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*got {name}={value}"):
        GloVeConfig(**bad)
