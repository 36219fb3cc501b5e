"""One run of fine-tuning: epochs, warm-up, and the best weights on the dev split kept."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib.data.batches import InOrder
from course_lib.finetuning.examples import TextsInRounds
from course_lib.training import (
    AdamWConfig,
    History,
    LayerwiseAdamWConfig,
    LossSum,
    MuonConfig,
    Objective,
    TrainingConfig,
    WarmupLinear,
    train,
)


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How long and how fast a model is fine-tuned.

    Attributes:
        n_epochs: Rounds through the texts (≥ 1).
        n_rows: Texts per optimiser step (≥ 1).
        optimizer: Which optimiser, and its highest learning rate.
        warmup_share: Share of the steps in which the learning rate rises (in [0, 1)); then it
            falls in a line to 0.
        evaluations_per_epoch: How often the dev split, if there is one, is looked at (≥ 1).
        patience: Stop after so many evaluations without a new best; 0: never. The weights of the
            best evaluation are kept in any case.
    """

    n_epochs: int = 3
    n_rows: int = 32
    optimizer: AdamWConfig | LayerwiseAdamWConfig | MuonConfig = field(
        default_factory=lambda: AdamWConfig(learning_rate=1e-4)
    )
    warmup_share: float = 0.1
    evaluations_per_epoch: int = 1
    patience: int = 0

    def __post_init__(self) -> None:
        least = {"n_epochs": 1, "n_rows": 1, "evaluations_per_epoch": 1, "patience": 0}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ValueError(f"{name} must be ≥ {number}; got {name}={getattr(self, name)}.")
        if not 0 <= self.warmup_share < 1:
            raise ValueError(
                f"warmup_share must be in [0, 1); got warmup_share={self.warmup_share}."
            )


class FitData(NamedTuple):
    """What a model is fitted to.

    Attributes:
        train: The texts it learns from.
        dev: Texts that say when it was best; None if there are none.
        loss: What is minimised.
        seed: For the order of the texts (those of `train` are shuffled by it) and all chance.
    """

    train: TextsInRounds[Any]
    dev: TextsInRounds[Any] | None
    loss: Objective[Any]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What happened when a model was fitted.

    Attributes:
        history: A line per optimiser step, and the evaluations on the dev split.
        best_step: After which step the dev split was predicted best; None without a dev split.
        seconds: How long the training took.
    """

    history: History
    best_step: int | None
    seconds: float


class KeepBest:
    """An objective that remembers the trained weights at the best evaluation.

    In evaluation mode it adds up what it is asked, and compares once a round is over.

    Args:
        objective: What is measured.
        n_batches: How many batches a round of evaluation has.

    Attributes:
        weights: The best weights by name; empty before the first evaluation.
    """

    def __init__(self, objective: Objective[Any], n_batches: int) -> None:
        self.objective, self.n_batches = objective, n_batches
        self.weights: dict[str, Tensor] = {}
        self._best = math.inf
        self._nats, self._n_seen = 0.0, 0

    def __call__(self, model: nn.Module, batch: Any, generator: torch.Generator) -> LossSum:
        """Measure as the objective does."""
        loss = self.objective(model, batch, generator)
        if not model.training:
            self._nats += loss.total.item()
            self._n_seen += 1
            if self._n_seen == self.n_batches:
                self._compare(model)
        return loss

    @torch.no_grad()
    def restore(self, model: nn.Module) -> None:
        """Give a model the best weights back.

        Args:
            model: The one that was evaluated.
        """
        parameters = dict(model.named_parameters())
        for name, tensor in self.weights.items():
            parameters[name].copy_(tensor)

    def _compare(self, model: nn.Module) -> None:
        if self._nats < self._best:
            self._best = self._nats
            self.weights = {
                name: parameter.detach().clone()
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }
        self._nats, self._n_seen = 0.0, 0


def fit_plan(model: nn.Module, data: FitData, plan: TrainingPlan) -> History:
    """Train what is trainable of a model, and leave it with the best weights on the dev split.

    Args:
        model: Changed in place; left in evaluation mode.
        data: What it is fitted to, in batches of the plan's size.
        plan: How long and how fast.

    Returns:
        What happened.

    Raises:
        TrainingDivergedError: If loss or gradient is not finite.
    """
    n_per_epoch = data.train.n_batches
    n_steps = n_per_epoch * plan.n_epochs
    held_out = None if data.dev is None else InOrder(data.dev)
    every = max(1, n_per_epoch // plan.evaluations_per_epoch)
    config = TrainingConfig(
        n_steps=n_steps,
        schedule=WarmupLinear(n_warmup=round(plan.warmup_share * n_steps)),
        optimizer=plan.optimizer,
        evaluate_every=0 if held_out is None else every,
        patience=0 if held_out is None else plan.patience,
        seed=data.seed,
    )
    objective = data.loss if held_out is None else KeepBest(data.loss, held_out.n_batches)
    history = train(model, data.train, config, objective=objective, held_out=held_out)
    if isinstance(objective, KeepBest):
        objective.restore(model)
    model.eval()
    return history


def fit_repeatably(fit: Callable[[], History], seed: int) -> Fitted:
    """Let a model be trained so that the same seed gives the same weights.

    Args:
        fit: Trains it, and says what happened.
        seed: For what draws from torch's global generator, such as dropout (≥ 0).
    """
    began = time.perf_counter()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        history = fit()
    evaluations = history.evaluations
    best = min(evaluations, key=lambda e: e.nats_per_token).step if evaluations else None
    return Fitted(history=history, best_step=best, seconds=time.perf_counter() - began)


def join_histories(histories: Sequence[History]) -> History:
    """Make one history of several runs that followed one another.

    Args:
        histories: At least one; the last one says what ended it all.
    """
    joined = History(stopped_by=histories[-1].stopped_by)
    for history in histories:
        n_before = len(joined.losses)
        for name in ("losses", "grad_norms", "learning_rates", "n_tokens", "seconds"):
            getattr(joined, name).extend(getattr(history, name))
        joined.evaluations += [
            replace(evaluation, step=evaluation.step + n_before)
            for evaluation in history.evaluations
        ]
    return joined
