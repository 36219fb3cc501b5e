import pytest
import torch
from torch import Tensor, nn

from course_lib.nn import cross_entropy
from course_lib.training import train_on_batches

X = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]])
TARGETS = torch.tensor([0, 1, 0])


def make_model() -> nn.Linear:
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.1, -0.2], [0.3, 0.4]]))
        model.bias.zero_()
    return model


def compute_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return cross_entropy(model(batch[0]), batch[1])


def test_train_on_batches_takes_the_steps_that_we_take_by_hand() -> None:
    model, twin = make_model(), make_model()
    history = train_on_batches(
        model, [(X, TARGETS)] * 3, compute_loss, torch.optim.SGD(model.parameters(), lr=0.1)
    )
    losses = []
    for _ in range(3):
        loss = compute_loss(twin, (X, TARGETS))
        losses.append(loss.item())
        for parameter, slope in zip(
            twin.parameters(),
            torch.autograd.grad(loss, list(twin.parameters())),
            strict=True,
        ):
            parameter.data -= 0.1 * slope
    assert history == pytest.approx(losses)
    torch.testing.assert_close(model.weight, twin.weight)


def test_train_on_batches_overfits_one_batch() -> None:
    model = make_model()
    history = train_on_batches(
        model, [(X, TARGETS)] * 300, compute_loss, torch.optim.AdamW(model.parameters(), lr=0.1)
    )
    assert len(history) == 300
    assert history[-1] < 0.05 < history[0]


def test_train_on_batches_without_batches_changes_nothing() -> None:
    model = make_model()
    assert (
        train_on_batches(model, [], compute_loss, torch.optim.SGD(model.parameters(), lr=0.1)) == []
    )
    assert torch.equal(model.weight, make_model().weight)


def test_train_on_batches_stops_before_a_step_on_a_loss_that_is_not_finite() -> None:
    model = make_model()
    batches = [(X, TARGETS), (X * float("nan"), TARGETS)]
    after_one = make_model()
    train_on_batches(
        after_one, batches[:1], compute_loss, torch.optim.SGD(after_one.parameters(), lr=0.1)
    )
    with pytest.raises(FloatingPointError, match=r"must stay finite; got nan at step 2"):
        train_on_batches(model, batches, compute_loss, torch.optim.SGD(model.parameters(), lr=0.1))
    assert torch.equal(model.weight, after_one.weight)
