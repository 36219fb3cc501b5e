import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.nn import (
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    smoothed_cross_entropy,
    softmax,
)
from course_lib.seeding import make_generator


def random_logits(*shape: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def test_softmax_by_hand() -> None:
    logits = torch.tensor([0.0, math.log(2), math.log(5)], dtype=torch.float64)
    expected = torch.tensor([1 / 8, 2 / 8, 5 / 8], dtype=torch.float64)
    torch.testing.assert_close(softmax(logits), expected)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 7)])
def test_softmax_and_its_logarithm_agree_with_torch(shape: tuple[int, ...]) -> None:
    logits = random_logits(*shape)
    torch.testing.assert_close(softmax(logits), F.softmax(logits, dim=-1))
    torch.testing.assert_close(log_softmax(logits), F.log_softmax(logits, dim=-1))


def test_softmax_survives_scores_whose_exponential_overflows() -> None:
    probabilities = softmax(torch.tensor([1000.0, 1000.0, -1000.0]))
    torch.testing.assert_close(probabilities, torch.tensor([0.5, 0.5, 0.0]))
    assert log_softmax(torch.tensor([1000.0, -1000.0]))[1].item() == -2000.0


@settings(deadline=None, max_examples=50)
@given(
    scores=st.lists(st.floats(-50, 50), min_size=2, max_size=11),
    shift=st.floats(-500, 500),
)
def test_softmax_is_a_distribution_and_ignores_a_common_shift(
    scores: list[float], shift: float
) -> None:
    logits = torch.tensor(scores, dtype=torch.float64)
    probabilities = softmax(logits)
    assert (probabilities > 0).all()
    torch.testing.assert_close(probabilities.sum(), torch.ones((), dtype=torch.float64))
    # Adding 500 to a score of 1e-13 rounds the score away: absolute, not relative, agreement.
    torch.testing.assert_close(softmax(logits + shift), probabilities, rtol=1e-9, atol=1e-12)


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[1.0, 3.0], [1.0, 1.0]], dtype=torch.float64).log()
    loss = cross_entropy(logits, torch.tensor([0, 1]))  # -ln(1/4) and -ln(1/2)
    assert loss.item() == pytest.approx((math.log(4) + math.log(2)) / 2)


@pytest.mark.parametrize("ignore_id", [-100, 0, 3])
def test_cross_entropy_agrees_with_torch(ignore_id: int) -> None:
    logits = random_logits(11, 5)
    targets = torch.tensor([0, 3, 1, ignore_id, 4, 2, ignore_id, 3, 0, 1, 2])
    torch.testing.assert_close(
        cross_entropy(logits, targets, ignore_id),
        F.cross_entropy(logits, targets, ignore_index=ignore_id),
    )


def test_cross_entropy_takes_any_leading_axes() -> None:
    logits, targets = random_logits(2, 3, 5), torch.tensor([[0, 4, -100], [1, -100, 2]])
    torch.testing.assert_close(
        cross_entropy(logits, targets), cross_entropy(logits.view(6, 5), targets.view(6))
    )


def test_cross_entropy_of_equal_scores_is_the_log_of_the_number_of_classes() -> None:
    loss = cross_entropy(torch.zeros(3, 7, dtype=torch.float64), torch.tensor([0, 3, 6]))
    assert loss.item() == pytest.approx(math.log(7))


def test_cross_entropy_does_not_look_at_rows_that_do_not_count() -> None:
    logits, targets = random_logits(3, 5), torch.tensor([1, -100, 2])
    changed = logits.clone()
    changed[1] += torch.arange(5)
    assert torch.equal(cross_entropy(logits, targets), cross_entropy(changed, targets))
    assert not torch.equal(
        cross_entropy(logits, targets.abs() % 5), cross_entropy(changed, targets.abs() % 5)
    )


def test_cross_entropy_refuses_a_batch_without_a_counted_target() -> None:
    with pytest.raises(ValueError, match=r"targets must hold an id that counts.*-100"):
        cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))


def test_hand_written_gradient_equals_autograd() -> None:
    logits = random_logits(2, 3, 5).requires_grad_()
    targets = torch.tensor([[0, 4, -100], [1, -100, 2]])
    (by_autograd,) = torch.autograd.grad(cross_entropy(logits, targets), logits)
    by_hand = cross_entropy_gradient(logits.detach(), targets)
    torch.testing.assert_close(by_hand, by_autograd)
    torch.testing.assert_close(by_hand.sum(dim=-1), torch.zeros(2, 3, dtype=torch.float64))


def test_gradcheck_of_cross_entropy() -> None:
    logits = random_logits(3, 5).requires_grad_()
    assert torch.autograd.gradcheck(cross_entropy, (logits, torch.tensor([0, -100, 4])))


@pytest.mark.parametrize("ignore_id", [-100, 0, 3])
def test_smoothed_cross_entropy_is_cross_entropy_with_a_smoother_right_answer(
    ignore_id: int,
) -> None:
    logits = random_logits(11, 5).requires_grad_()
    targets = torch.tensor([0, 3, 1, ignore_id, 4, 2, ignore_id, 3, 0, 1, 2])
    ours = smoothed_cross_entropy(
        logits, targets, label_smoothing=0.3, z_loss=0.7, ignore_id=ignore_id
    )
    counted = targets != ignore_id
    right = torch.full((11, 5), 0.3 / 5, dtype=torch.float64)  # probabilities of the right answer
    right[torch.arange(11), targets.clamp(min=0)] += 0.7
    surprise = -(right * log_softmax(logits)).sum(dim=-1)
    log_z = logits.exp().sum(dim=-1).log()
    written_out = (surprise + 0.7 * log_z**2)[counted].sum() / counted.sum()
    torch.testing.assert_close(ours, written_out)
    torch.testing.assert_close(
        torch.autograd.grad(ours, logits), torch.autograd.grad(written_out, logits)
    )


def test_smoothed_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[1.0, 3.0]], dtype=torch.float64).log()  # Z = 4
    target = torch.tensor([0])
    spread_evenly = 0.9 * math.log(4) + 0.1 * (math.log(4) - math.log(3))  # half of 0.2 to each
    smoothed = smoothed_cross_entropy(logits, target, label_smoothing=0.2)
    assert smoothed.item() == pytest.approx(spread_evenly)
    with_z_loss = smoothed_cross_entropy(logits, target, z_loss=0.5)
    assert with_z_loss.item() == pytest.approx(math.log(4) + 0.5 * math.log(4) ** 2)


def test_smoothed_cross_entropy_takes_any_leading_axes_and_is_cross_entropy_by_default() -> None:
    logits, targets = random_logits(2, 3, 5), torch.tensor([[0, 4, -100], [1, -100, 2]])
    loss = smoothed_cross_entropy(logits, targets)
    torch.testing.assert_close(loss, cross_entropy(logits, targets))


def test_smoothed_cross_entropy_of_several_texts_is_that_of_their_tokens() -> None:
    logits = random_logits(2, 3, 5)
    targets = torch.tensor([[0, 4, -100], [1, -100, 2]])
    together = smoothed_cross_entropy(logits, targets, label_smoothing=0.1, z_loss=0.3)
    flat = smoothed_cross_entropy(
        logits.flatten(0, 1), targets.flatten(), label_smoothing=0.1, z_loss=0.3
    )
    torch.testing.assert_close(together, flat)


def test_only_z_loss_notices_a_common_shift() -> None:
    logits, targets = random_logits(3, 5), torch.tensor([1, -100, 2])

    def cost(shift: float, z_loss: float) -> torch.Tensor:
        return smoothed_cross_entropy(logits + shift, targets, label_smoothing=0.1, z_loss=z_loss)

    torch.testing.assert_close(cost(7.0, z_loss=0.0), cost(0.0, z_loss=0.0))
    assert cost(7.0, z_loss=1e-2) > cost(0.0, z_loss=1e-2) + 0.1


def test_smoothed_cross_entropy_does_not_look_at_rows_that_do_not_count() -> None:
    logits, targets = random_logits(3, 5).requires_grad_(), torch.tensor([1, -100, 2])
    loss = smoothed_cross_entropy(logits, targets, label_smoothing=0.1, z_loss=0.1)
    kept = smoothed_cross_entropy(logits[[0, 2]], targets[[0, 2]], label_smoothing=0.1, z_loss=0.1)
    torch.testing.assert_close(loss, kept)
    (slope,) = torch.autograd.grad(loss, logits)
    assert torch.equal(slope[1], torch.zeros(5, dtype=torch.float64))
    assert slope[0].abs().min() > 0


def test_smoothed_cross_entropy_names_what_is_wrong() -> None:
    logits, targets = torch.zeros(2, 3), torch.tensor([0, 1])
    for bad in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"label_smoothing must be .* got .*{bad}"):
            smoothed_cross_entropy(logits, targets, label_smoothing=bad)
    with pytest.raises(ValueError, match=r"z_loss must be ≥ 0; got z_loss=-1"):
        smoothed_cross_entropy(logits, targets, z_loss=-1.0)
    with pytest.raises(ValueError, match=r"targets must hold an id that counts.*-7"):
        smoothed_cross_entropy(logits, targets * 0 - 7, ignore_id=-7)
