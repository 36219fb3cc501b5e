"""Which part of a batch a process works on."""

from typing import Any, Protocol, runtime_checkable

import torch

from course_lib.data.batches import PairBatch, TokenBatch, rows_of
from course_lib.training.processes import Processes


@runtime_checkable
class Drawing(Protocol):
    """An objective with chance in it that can be drawn for a whole batch beforehand."""

    def draw(self, batch: TokenBatch, generator: torch.Generator) -> PairBatch:
        """Draw what the objective, when it is called with the pair, draws no more."""
        ...


def share_of(
    batch: Any, objective: object, generator: torch.Generator, processes: Processes
) -> Any:
    """Take this process's rows of a batch; there may be none.

    An objective that can `draw` does so for the whole batch first: then the result does not depend
    on the number of processes.

    Args:
        batch: The batch of all processes.
        objective: What will be asked about the rows.
        generator: Of this batch, the same in every process; only used to draw.
        processes: Those of this run; for a single one the batch stays as it is.

    Example:
        >>> from course_lib.data.batches import pad_texts
        >>> second = Processes(rank=1, world_size=2, device=torch.device("cpu"))
        >>> batch = pad_texts([[5], [6], [7]])
        >>> share_of(batch, None, torch.Generator(), second).ids
        tensor([[6]])
    """
    if processes.world_size == 1:
        return batch
    if isinstance(objective, Drawing):
        batch = objective.draw(batch, generator)
    return rows_of(batch, processes.rank, processes.world_size)
