"""An average of a model's weights over its last steps, which is often better than the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from course_lib.training import foreach
from course_lib.training.sharding import own_part


class ExponentialAverage:
    """A running average of the weights: what is old fades by a constant factor per step.

    The factor is smaller in the first steps, so that the fresh weights are soon forgotten.

    Args:
        model: Whose weights are averaged; the average starts at what they are now.
        decay: Share of the average that is kept at each step (in (0, 1)).

    Attributes:
        weights: The average, by the names of the model's parameters.

    Raises:
        ValueError: If `decay` is out of range.

    Reference:
        Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging",
        https://doi.org/10.1137/0330046. Unlike theirs, it forgets exponentially, and the factor
        starts small as in TensorFlow's `ExponentialMovingAverage`.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.zeros_(model.weight)
        >>> average = ExponentialAverage(model, decay=0.9)
        >>> _ = nn.init.ones_(model.weight)
        >>> average.update(model, n_updates=8)  # keeps 8 / 17 < 0.9 of the zero
        >>> round(average.weights["weight"].item() * 17)
        9
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"decay must be above 0 and below 1; got decay={decay}.")
        self.decay = decay
        self.weights = {n: p.detach().clone() for n, p in model.named_parameters()}

    def update(self, model: nn.Module, n_updates: int) -> None:
        """Take the weights of now into the average.

        Args:
            model: The one that was given at the start.
            n_updates: Which update this is, counted from 1.
        """
        kept = min(self.decay, n_updates / (n_updates + 9))
        foreach.approach(self._averages(), _parameters(model), 1 - kept)

    def copy_to(self, model: nn.Module) -> None:
        """Put the average in the place of the model's weights.

        Args:
            model: The one that was given at the start.
        """
        foreach.copy(_parameters(model), self._averages())

    @contextmanager
    def swapped_into(self, model: nn.Module) -> Iterator[None]:
        """Lend the average to the model, for an evaluation.

        Args:
            model: The one that was given at the start; has its own weights back afterwards.
        """
        own = [parameter.clone() for parameter in _parameters(model)]
        self.copy_to(model)
        try:
            yield
        finally:
            foreach.copy(_parameters(model), own)

    def _averages(self) -> list[Tensor]:
        return [own_part(weight) for weight in self.weights.values()]


def _parameters(model: nn.Module) -> list[Tensor]:
    return [own_part(parameter.detach()) for parameter in model.parameters()]
