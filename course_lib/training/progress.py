"""Showing how a run goes."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import psutil
import torch

if TYPE_CHECKING:
    from rich.console import Console


@runtime_checkable
class Progress(Protocol):
    """Is told of every optimiser step."""

    def update(
        self,
        step: int,
        n_steps: int,
        loss: float,
        tokens_per_second: float,
        memory_bytes: int,
    ) -> None:
        """Take note of a step: the `step`-th, counted from 1, of `n_steps`."""
        ...


def memory_bytes(device: torch.device) -> int:
    """Tell how much memory a run takes.

    Args:
        device: Where the model is.

    Returns:
        On a GPU the most that tensors held at once; elsewhere what the process holds now.

    Example:
        >>> memory_bytes(torch.device("cpu")) > 2**20
        True
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return psutil.Process().memory_info().rss


class RichProgress:
    """A bar in the terminal: steps, loss, tokens per second, memory, and the time that is left.

    Used in a `with`: the bar is drawn from its beginning to its end.
    """

    def __init__(self, console: "Console | None" = None) -> None:
        """Prepare the bar.

        Args:
            console: Where it is drawn; the terminal if None.
        """
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "RichProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def update(
        self,
        step: int,
        n_steps: int,
        loss: float,
        tokens_per_second: float,
        memory_bytes: int,
    ) -> None:
        """Take note of a step; the bar is redrawn a few times a second."""
        text = f"loss {loss:.3f}  {tokens_per_second:,.0f} tokens/s  {memory_bytes / 2**30:.1f} GiB"
        self._bar.update(self._task, completed=step, total=n_steps, description=text)


class TensorBoardProgress:
    """Curves for TensorBoard, which is an extra: `pip install "course-lib[tensorboard]"`.

    Used in a `with`, which closes the file. Look at them with `tensorboard --logdir FOLDER`.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open the file of the curves.

        Args:
            folder: Where it is put.

        Raises:
            ModuleNotFoundError: If TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            message = 'TensorBoard is an extra: pip install "course-lib[tensorboard]".'
            raise ModuleNotFoundError(message) from error
        self._writer = SummaryWriter(str(folder))

    def __enter__(self) -> "TensorBoardProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def update(
        self,
        step: int,
        n_steps: int,
        loss: float,
        tokens_per_second: float,
        memory_bytes: int,
    ) -> None:
        """Add a point to each curve."""
        self._writer.add_scalar("loss", loss, step)
        self._writer.add_scalar("tokens per second", tokens_per_second, step)
        self._writer.add_scalar("memory in bytes", memory_bytes, step)
