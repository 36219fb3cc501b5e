import pytest
import torch
from torch import nn

from course_lib.seeding import make_generator
from course_lib.training.ema import ExponentialAverage


def make_model(value: float) -> nn.Linear:
    model = nn.Linear(2, 3).double()
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


def test_three_updates_by_hand() -> None:
    model = make_model(1.0)
    average = ExponentialAverage(model, decay=0.15)
    expected = 1.0
    for n_updates, (value, kept) in enumerate([(2.0, 0.1), (5.0, 0.15), (7.0, 0.15)], start=1):
        model.load_state_dict(make_model(value).state_dict())
        average.update(model, n_updates)
        expected = kept * expected + (1 - kept) * value
    assert set(average.weights) == {"weight", "bias"}
    for weight in average.weights.values():
        torch.testing.assert_close(weight, torch.full_like(weight, expected))


def test_late_in_a_run_the_average_is_an_exponential_one() -> None:
    generator, decay = make_generator(0), 0.9
    model, values = make_model(0.0), torch.randn(200, generator=generator, dtype=torch.float64)
    average = ExponentialAverage(model, decay)
    for n_updates, value in enumerate(values.tolist(), start=1000):
        nn.init.constant_(model.weight, value)
        average.update(model, n_updates)
    shares = (1 - decay) * decay ** torch.arange(199, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(average.weights["weight"][0, 0], (shares * values).sum())


def test_the_average_is_lent_and_given_back() -> None:
    model = make_model(1.0)
    average = ExponentialAverage(model, decay=0.5)
    model.load_state_dict(make_model(3.0).state_dict())

    def fail_while_lent() -> None:
        with average.swapped_into(model):
            assert model.weight.eq(1.0).all()
            assert model.bias.eq(1.0).all()
            raise KeyError

    with pytest.raises(KeyError):
        fail_while_lent()
    torch.testing.assert_close(model.state_dict(), make_model(3.0).state_dict())
    assert average.weights["bias"].eq(1.0).all()
    average.copy_to(model)
    torch.testing.assert_close(model.state_dict(), make_model(1.0).state_dict())


def test_the_average_does_not_follow_by_itself() -> None:
    model = make_model(1.0)
    average = ExponentialAverage(model, decay=0.5)
    nn.init.zeros_(model.weight)
    assert average.weights["weight"].eq(1.0).all()
    assert not average.weights["weight"].requires_grad


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=rf"decay must be above 0 and below 1; got decay={decay}"):
        ExponentialAverage(make_model(1.0), decay)
