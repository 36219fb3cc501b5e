"""The exercise of lesson 04 on the training loop of a language model."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator


class TwoTokenModel(nn.Module):
    """A model for the cases: it scores by the last two tokens, and behaves otherwise in training.

    Two are equal if their numbers are, up to rounding: so a check sees whether one was trained.
    """

    def __init__(self, vocab_size: int, seed: int) -> None:
        super().__init__()
        table = torch.randn(2, vocab_size, vocab_size, generator=make_generator(seed))
        self.tables = nn.Parameter(0.3 * table.double())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TwoTokenModel) and torch.allclose(self.tables, other.tables)

    __hash__ = nn.Module.__hash__

    def forward(self, ids: Tensor) -> Tensor:
        """Score every token after each token; half as boldly in training mode."""
        before = F.pad(ids[:, :-1], (1, 0))
        logits = self.tables[0][ids] + self.tables[1][before]
        return 0.5 * logits if self.training else logits


def _training_arguments(
    seed: int, rates: Sequence[float], *, ready: bool = True
) -> tuple[Any, ...]:
    generator, model = make_generator(seed), TwoTokenModel(7, seed)
    batches = []
    for _ in rates:
        ids = torch.randint(7, (3, 5), generator=generator)
        lengths = torch.randint(2, 6, (3, 1), generator=generator)
        batches.append((ids, torch.arange(5) < lengths))
    return model.train(ready), batches, list(rates)


Step = Callable[[nn.Module, torch.optim.Optimizer, Callable[[], Tensor]], float]


def _loop(
    step: Step, *, compute_loss: Callable[..., Tensor] = next_token_loss
) -> Callable[..., list[float]]:
    """Make a twin of `train_language_model` from what it does with one batch."""

    def twin(model: nn.Module, batches: Any, learning_rates: Sequence[float]) -> list[float]:
        model.train()
        optimizer, losses = _adamw(model), []
        for (ids, mask), rate in zip(batches, learning_rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate

            def measure(ids: Tensor = ids, mask: Tensor = mask) -> Tensor:
                return compute_loss(model(ids), ids, mask)

            losses.append(step(model, optimizer, measure))
        return losses

    return twin


def _adamw(model: nn.Module, rate: float = 0.0) -> torch.optim.AdamW:
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)


def _right(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> float:
    value = loss()
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def _never_zeroed(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    value = loss()
    value.backward()
    optimizer.step()
    return value.item()


def _never_steps(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    return loss().item()


def _step_first(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    value = loss()
    optimizer.step()
    optimizer.zero_grad()
    value.backward()
    return value.item()


def _uphill(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    return -_right(model, optimizer, lambda: -loss())


def _measured_after(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    _right(model, optimizer, loss)
    return loss().item()


def _fresh_optimizer(model: nn.Module, optimizer: Any, loss: Callable[[], Tensor]) -> float:
    return _right(model, _adamw(model, optimizer.param_groups[0]["lr"]), loss)


def _stays_in_evaluation(model: nn.Module, batches: Any, rates: Sequence[float]) -> list[float]:
    model.train = lambda mode=True: model  # pyright: ignore[reportAttributeAccessIssue]
    return _loop(_right)(model, batches, rates)


def _first_rate_for_all(model: nn.Module, batches: Any, rates: Sequence[float]) -> list[float]:
    return _loop(_right)(model, batches, [rates[0]] * len(rates))


def _last_rate_for_all(model: nn.Module, batches: Any, rates: Sequence[float]) -> list[float]:
    return _loop(_right)(model, batches, [rates[-1]] * len(rates))


def _without_mask(logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    return next_token_loss(logits, ids)


def _right_losses_only(seen: tuple[Observation, ...]) -> bool:
    right = all(agree(one.value, one.expected, 1e-5) for one in seen)
    return right and any(one.changed_input for one in seen)


def _labels_cut_before(logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    return next_token_loss(logits[:, :-1], ids[:, 1:], mask[:, 1:])


TRAIN_LANGUAGE_MODEL = Exercise(
    key="04:train_language_model",
    target="course_lib.training.language_model:train_language_model",
    level="core",
    cases=(
        Case(why="four batches", args=lambda: _training_arguments(1, (0.1, 0.1, 0.1, 0.1))),
        Case(
            why="a learning rate that warms up and decays",
            args=lambda: _training_arguments(2, (0.02, 0.2, 0.1, 0.05, 0.01)),
        ),
        Case(
            why="a model that was left in evaluation mode",
            args=lambda: _training_arguments(3, (0.1, 0.05, 0.02), ready=False),
        ),
    ),
    mistakes=(
        Mistake(
            name="zero-grad-forgotten",
            twin=_loop(_never_zeroed),
            hint="Your gradients pile up: `backward()` adds to what is already there. Which line "
            "empties them?",
        ),
        Mistake(
            name="never-steps",
            twin=_loop(_never_steps),
            hint="Your model never changes. Is there a step after `backward()`, and are the "
            "gradients still there when it comes?",
        ),
        Mistake(
            name="model-not-trained",
            seen=_right_losses_only,
            in_arguments=True,
            hint="Your losses are right, but the model that you were given does not end as it "
            "should. It is trained in place: do you train a copy, or leave out the last step?",
        ),
        Mistake(
            name="step-before-backward",
            twin=_loop(_step_first),
            hint="You step before this batch has a gradient, so each step uses the gradient of the "
            "batch before. First `backward()`, then `step()`.",
        ),
        Mistake(
            name="evaluation-mode",
            twin=_stays_in_evaluation,
            hint="The last model comes in evaluation mode, in which dropout is off. Say "
            "`model.train()` before the loop.",
        ),
        Mistake(
            name="shifted-twice",
            twin=_loop(_right, compute_loss=_labels_cut_before),
            hint="You shift labels that `next_token_loss` shifts once more: the model learns to "
            "guess the token after the next. Hand it logits and ids as they are.",
        ),
        Mistake(
            name="mask-forgotten",
            twin=_loop(_right, compute_loss=_without_mask),
            hint="Your loss counts padding. Hand the mask on.",
        ),
        Mistake(
            name="uphill",
            twin=_loop(_uphill),
            hint="Your losses grow: you follow the gradient upwards. The optimiser subtracts by "
            "itself.",
        ),
        Mistake(
            name="measured-after-the-step",
            twin=_loop(_measured_after),
            hint="You note the loss after the step. The one before it is what the gradient was "
            "made of, and it costs nothing more.",
        ),
        Mistake(
            name="a-new-optimiser-every-time",
            twin=_loop(_fresh_optimizer),
            hint="You make the optimiser inside the loop. AdamW remembers past gradients, and "
            "yours forgets them at every step.",
        ),
        Mistake(
            name="first-rate-for-all",
            twin=_first_rate_for_all,
            hint="You train with the first learning rate all the time. Each step has its own: "
            "write "
            "it into `group['lr']` of every group in `optimizer.param_groups`.",
        ),
        Mistake(
            name="last-rate-for-all",
            twin=_last_rate_for_all,
            hint="You train with the last learning rate all the time. Each step has its own.",
        ),
    ),
    nudge="Four acts per batch: measure, empty the gradients, compute them, step.",
    shapes="In: a model, a list of (ids, mask), as many learning rates. Out: a list of numbers. "
    "Make one torch.optim.AdamW with betas=(0.9, 0.95) and weight_decay=0.1.",
    pseudocode="make the optimiser; put the model into training mode\n"
    "for each batch and its learning rate:\n"
    "    loss ← next_token_loss of the model's logits\n"
    "    empty the gradients; backward; write the rate into the optimiser; step\n"
    "    note the loss, as a plain number",
)
