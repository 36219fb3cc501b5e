"""The exercises of lesson 05b on gradients: to add them up, and to shorten them."""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from course_lib.data.batches import TokenBatch
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_arguments
from course_lib.seeding import make_generator
from course_lib.training.objectives import LossSum


class TableModel(nn.Module):
    """A model for the cases: a table of which token follows which.

    Two are equal if their tables are, and what an optimiser would read in `grad`.
    """

    def __init__(self, vocab_size: int, seed: int, *, used: bool) -> None:
        super().__init__()
        table = torch.randn(vocab_size, vocab_size, generator=make_generator(seed)).double()
        self.table = nn.Parameter(table)
        if used:  # a gradient of the step before
            self.table.grad = torch.full_like(table, 0.25)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TableModel) or not torch.equal(self.table, other.table):
            return False
        return torch.allclose(self.gradient(), other.gradient())

    __hash__ = nn.Module.__hash__

    def __deepcopy__(self, memo: dict[int, Any]) -> "TableModel":
        """Copy the gradient, too, which torch leaves behind."""
        twin = TableModel(len(self.table), 0, used=False)
        twin.table.data.copy_(self.table.data)
        twin.table.grad = None if self.table.grad is None else self.table.grad.clone()
        return twin

    def gradient(self) -> Tensor:
        """Give what stands in `grad`: 0 if nothing does."""
        return torch.zeros_like(self.table) if self.table.grad is None else self.table.grad

    def forward(self, ids: Tensor) -> Tensor:
        """Score every token after each token."""
        return self.table[ids]


def table_sum(model: nn.Module, batch: TokenBatch) -> LossSum:
    """Sum the surprise at every token but the first of each text and padding."""
    counted = batch.mask[:, 1:]
    logits = model(batch.ids[:, :-1])[counted]
    total = F.cross_entropy(logits, batch.ids[:, 1:][counted], reduction="sum")
    return LossSum(total, int(counted.sum()))


class Kept:
    """A tensor that a forward pass has kept for its backward pass."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class RoomForOne:
    """`table_sum` in a memory that holds what one forward pass keeps, and no more."""

    def __init__(self) -> None:
        self.kept: WeakSet[Kept] = WeakSet()

    def __deepcopy__(self, memo: dict[int, Any]) -> "RoomForOne":
        """Begin anew: a copied `WeakSet` never forgets."""
        return RoomForOne()

    def __call__(self, model: nn.Module, batch: TokenBatch) -> LossSum:
        """Sum the surprise, if what earlier batches have kept is gone."""
        if self.kept:
            raise MemoryError("an earlier batch still waits for its backward pass.")
        with saved_tensors_hooks(self._keep, lambda kept: kept.tensor):
            return table_sum(model, batch)

    def _keep(self, tensor: Tensor) -> Kept:
        kept = Kept(tensor.detach())  # else a graph that nobody needs would hold itself
        self.kept.add(kept)
        return kept


def _all_at_once(observations: tuple[Observation, ...]) -> bool:
    return any(isinstance(one.error, MemoryError) for one in observations)


def _arguments(
    seed: int, lengths: Sequence[Sequence[int]], *, used: bool = False
) -> tuple[Any, ...]:
    generator, batches = make_generator(seed), []
    for rows in lengths:
        ids = torch.randint(7, (len(rows), max(rows)), generator=generator)
        batches.append(TokenBatch(ids, torch.arange(max(rows)) < torch.tensor(rows)[:, None]))
    return TableModel(7, seed, used=used), batches, table_sum


def _accumulation(
    *,
    zero: str = "once",
    weigh: Callable[[LossSum], Tensor] = lambda loss: loss.total,
    divide: Callable[[list[LossSum]], float] = lambda losses: sum(x.n_counted for x in losses),
    report: Callable[[list[LossSum]], float] | None = None,
) -> Callable[..., tuple[float, list[Tensor]]]:
    """Make a twin of `accumulate_gradients` from its parts."""

    def twin(
        model: nn.Module, batches: Any, compute_sum: Callable[..., LossSum]
    ) -> tuple[float, list[Tensor]]:
        losses: list[LossSum] = []
        if zero == "once":
            model.zero_grad()
        for batch in batches:
            if zero == "each":
                model.zero_grad()
            losses.append(compute_sum(model, batch))
            weigh(losses[-1]).backward()
        n_counted = sum(loss.n_counted for loss in losses)
        if n_counted == 0:
            raise ValueError
        gradients = [p.grad / divide(losses) for p in model.parameters() if p.grad is not None]
        if report is not None:
            return report(losses), gradients
        return sum(loss.total.item() for loss in losses) / n_counted, gradients

    return twin


def _mean(loss: LossSum) -> Tensor:
    return loss.total / max(1, loss.n_counted)


def _mean_of_means(losses: list[LossSum]) -> float:
    return sum(_mean(loss).item() for loss in losses) / len(losses)


ACCUMULATE_GRADIENTS = Exercise(
    key="05b:accumulate_gradients",
    target="course_lib.training.accumulation:accumulate_gradients",
    level="core",
    cases=(
        Case(why="one batch", args=lambda: _arguments(1, [[5, 3]])),
        Case(
            why="a batch of short texts and one of long texts",
            args=lambda: _arguments(2, [[2, 3], [11, 13]]),
        ),
        Case(
            why="three batches of different numbers of texts",
            args=lambda: _arguments(3, [[7, 2], [3], [5, 2, 11]]),
        ),
        Case(
            why="a model with the gradient of the step before",
            args=lambda: _arguments(4, [[2, 5], [7, 3]], used=True),
        ),
        Case(
            why="batches of which only one fits in memory",
            args=lambda: (*_arguments(6, [[5, 2], [3, 11], [7]])[:2], RoomForOne()),
        ),
        Case(
            why="batches in which nothing counts",
            args=lambda: _arguments(5, [[1, 1], [1]]),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="mean-of-means",
            twin=_accumulation(weigh=_mean, divide=len, report=_mean_of_means),
            hint="You take the mean of each batch, and then the mean of these. A token in a batch "
            "of short texts then weighs more than one in a batch of long texts. Add up sums, and "
            "divide once.",
        ),
        Mistake(
            name="mean-of-means-but-the-right-loss",
            twin=_accumulation(weigh=_mean, divide=len),
            hint="The loss that you return is right, but the gradient is the mean of the batches' "
            "means. Call backward on the *sum* of each batch, and divide once, at the end.",
        ),
        Mistake(
            name="means-added",
            twin=_accumulation(weigh=_mean, divide=lambda losses: 1.0),
            hint="You add up the gradients of the batches' means. Two batches then give a gradient "
            "twice as long as one. Divide the summed gradients by all counted tokens.",
        ),
        Mistake(
            name="not-divided",
            twin=_accumulation(divide=lambda losses: 1.0),
            hint="Your gradients are those of the sum. The more tokens, the longer the step. "
            "Divide them by the number of counted tokens of all batches.",
        ),
        Mistake(
            name="divided-by-batches",
            twin=_accumulation(divide=len),
            hint="You divide by the number of batches. The sums run over tokens, so divide by the "
            "number of counted tokens.",
        ),
        Mistake(
            name="divided-by-the-last-count",
            twin=_accumulation(divide=lambda losses: losses[-1].n_counted),
            hint="You divide by the tokens of the last batch alone. Keep a running count.",
        ),
        Mistake(
            name="zeroed-for-each-batch",
            twin=_accumulation(zero="each"),
            hint="You set the gradients to zero for every batch, so only the last one is left. "
            "When does a new optimiser step begin?",
        ),
        Mistake(
            name="never-zeroed",
            twin=_accumulation(zero="never"),
            hint="The gradient of the step before is still in the parameters, and yours is added "
            "to it.",
        ),
        Mistake(
            name="loss-not-divided",
            twin=_accumulation(report=lambda losses: sum(x.total.item() for x in losses)),
            hint="The gradients are right. The loss you return is a sum of nats; the caller wants "
            "nats per counted token.",
        ),
        Mistake(
            name="all-batches-kept",
            seen=_all_at_once,
            hint="You hold the losses of several batches, and with each all that its backward pass "
            "needs: no memory is saved. Call `backward()` for a batch before the next goes through "
            "the model.",
        ),
        Mistake(
            name="not-in-grad",
            seen=right_but_for_the_arguments,
            in_arguments=True,
            hint="What you return is right, but it is not what stands in the parameters' `grad`, "
            "where an optimiser reads. Divide the gradients in place: `gradient /= …`.",
        ),
    ),
    nudge="`backward()` *adds* to what stands in `grad`. So the sum over batches comes by itself; "
    "what is left is to begin at zero and to divide once.",
    shapes="In: a model, batches, and a function that gives a sum of nats and a count. Out: one "
    "number, and a list of tensors, one for each parameter with a gradient.",
    pseudocode="gradients ← 0; nats ← 0; count ← 0\n"
    "for each batch: loss ← its sum; call backward on that sum; add to nats and count\n"
    "if the count is 0: raise ValueError\n"
    "divide every gradient that there is by the count; return nats / count and the gradients",
)


def _gradients(seed: int, scale: float) -> list[Tensor]:
    generator = make_generator(seed)
    shapes = ((2, 3), (5,), (7, 1))
    return [scale * torch.randn(shape, generator=generator).double() for shape in shapes]


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def _scaled(
    factor: Callable[[Sequence[Tensor], float], Any],
) -> Callable[[Sequence[Tensor], float], list[Tensor]]:
    """Make a twin of `clip_by_norm` from the factor that all gradients are multiplied by."""

    def twin(gradients: Sequence[Tensor], max_norm: float) -> list[Tensor]:
        if not max_norm > 0:
            raise ValueError
        return [factor(gradients, max_norm) * gradient for gradient in gradients]

    return twin


def _each_alone(gradients: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    if not max_norm > 0:
        raise ValueError
    return [g * (max_norm / g.norm()).clamp(max=1) if g.norm() else g for g in gradients]


def _by_value(gradients: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    if not max_norm > 0:
        raise ValueError
    return [g.clamp(-max_norm, max_norm) for g in gradients]


def _zeros() -> tuple[Any, ...]:
    return [torch.zeros(2, 3).double(), torch.zeros(5).double()], 1.0


CLIP_BY_NORM = Exercise(
    key="05b:clip_by_norm",
    target="course_lib.training.clipping:clip_by_norm",
    level="easy",
    cases=(
        Case(
            why="the gradients 3 and 4, at most 1 long",
            args=lambda: ([torch.tensor([3.0]), torch.tensor([4.0])], 1.0),
        ),
        Case(why="a gradient that is too long", args=lambda: (_gradients(1, 5.0), 2.0)),
        Case(why="a gradient that is short enough", args=lambda: (_gradients(2, 0.1), 3.0)),
        Case(why="a limit that some of them exceed alone", args=lambda: (_gradients(3, 1.0), 1.5)),
        Case(why="a gradient of 0", args=_zeros),
        Case(why="a limit of 0", args=lambda: (_gradients(4, 1.0), 0.0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="each-alone",
            twin=_each_alone,
            hint="You shorten each gradient by itself. That turns the direction of the whole step. "
            "Take all of them as one long vector, with one norm and one factor.",
        ),
        Mistake(
            name="by-value",
            twin=_by_value,
            hint="You cut off single numbers. That, too, is called clipping, but it turns the "
            "direction. Multiply everything by the same factor.",
        ),
        Mistake(
            name="short-ones-stretched",
            twin=_scaled(lambda gs, limit: limit / _norm(gs) if _norm(gs) else 1.0),
            hint="A gradient that is short enough comes back longer. Only long ones are changed: "
            "the factor is never above 1.",
        ),
        Mistake(
            name="norms-added",
            twin=_scaled(
                lambda gs, limit: min(1.0, limit / max(1e-300, sum(g.norm().item() for g in gs)))
            ),
            hint="You add up the norms of the gradients. Lengths at right angles do not add: "
            "square them, add, and take the root at the end.",
        ),
        Mistake(
            name="root-forgotten",
            twin=_scaled(lambda gs, limit: min(1.0, limit / max(1e-300, _norm(gs).item() ** 2))),
            hint="You divide by the square of the norm. Take the root.",
        ),
        Mistake(
            name="not-times-the-limit",
            twin=_scaled(
                lambda gs, limit: 1 / _norm(gs) if _norm(gs) > limit else torch.tensor(1.0)
            ),
            hint="Your long gradients come back with length 1, whatever the limit is.",
        ),
        Mistake(
            name="unchanged",
            twin=_scaled(lambda gs, limit: 1.0),
            hint="Nothing is shortened. What is the norm of all gradients together?",
        ),
        Mistake(
            name="zero-by-zero",
            twin=_scaled(
                lambda gs, limit: (limit / _norm(gs)).clamp(max=1) if _norm(gs) else torch.nan
            ),
            hint="A gradient of 0 has length 0, and 0 · ∞ is not a number. It is short enough.",
        ),
    ),
    nudge="All gradients together are one long vector. How long is it, and by what must it be "
    "multiplied to get the length `max_norm`?",
    shapes="In: a list of tensors of any shapes, and a length. Out: a new list of tensors of the "
    "same shapes.",
    pseudocode="norm ← root of the sum of all squares, over all gradients\n"
    "factor ← max_norm / norm, but never above 1\n"
    "return every gradient times the factor (as it is, where the norm is 0)",
)
