"""Executing a lesson in a process of its own, with its time and its memory measured."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


@dataclass(frozen=True, kw_only=True)
class LessonResult:
    """How the run of one lesson ended.

    Attributes:
        name: The lesson, as its file is called, without the ending.
        title: Its first heading.
        seconds: Wall-clock time, with the start of the kernel.
        peak_bytes: Most memory that the kernel and its children held together.
        error: What went wrong, in one line; None if every cell ran.
    """

    name: str
    title: str
    seconds: float
    peak_bytes: int
    error: str | None


def children_bytes() -> int:
    """Add up the resident memory of all processes that this one has started.

    Memory that parent and child share is counted in both, so this is an upper bound.
    """
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # it ended between the listing and the look
            continue
    return total


class PeakMemory:
    """Watches the processes this one starts, from a thread; a context manager.

    Attributes:
        peak_bytes: The most that was seen so far; a peak shorter than the interval can be missed.
    """

    def __init__(self, interval_seconds: float = 0.1) -> None:
        self.interval_seconds, self.peak_bytes = interval_seconds, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.peak_bytes = max(self.peak_bytes, children_bytes())
            self._stop.wait(self.interval_seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()


def lesson_title(notebook: nbformat.NotebookNode) -> str:
    """Return the first level-1 heading of a notebook; "Untitled" if there is none."""
    for cell in notebook.cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return line.removeprefix("# ").strip()
    return "Untitled"


def make_client(notebook: nbformat.NotebookNode, folder: Path, cell_seconds: int) -> NotebookClient:
    """Make a client whose kernel is this very Python, whatever kernels the user has registered.

    Args:
        notebook: What will be executed, in place.
        folder: Working folder of the kernel.
        cell_seconds: Time limit of a cell.
    """
    # Without folders to search, the manager can only find the kernel of the running Python.
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
    )
    return NotebookClient(
        notebook,
        km=manager,
        timeout=cell_seconds,
        record_timing=False,
        coalesce_streams=True,  # what a cell prints bit by bit is one block
        extra_arguments=["--log-level=ERROR"],  # the kernel's own advice is not for the learner
        resources={"metadata": {"path": str(folder)}},
    )


def one_line(error: Exception) -> str:
    """Say in one line why a lesson stopped."""
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}".splitlines()[0]
    if isinstance(error, CellTimeoutError):
        return "a cell ran longer than allowed (--cell-seconds)"
    return "the kernel died; most often the memory was used up"


def execute_lesson(
    source: Path,
    target: Path,
    *,
    settings: dict[str, str],
    cell_seconds: int = 600,
    on_cell: Callable[[int, int], None] = lambda done, total: None,
) -> LessonResult:
    """Execute a lesson and write it with its outputs, even if a cell fails.

    Args:
        source: The notebook.
        target: Where the executed notebook goes; its folder is the kernel's working folder.
        settings: Environment variables for the kernel, on top of this process's own.
        cell_seconds: Time limit of a cell.
        on_cell: Called before each cell with the number of cells done and their total.
    """
    notebook: Any = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":  # what a failed run did not reach must not look executed
            cell.update(outputs=[], execution_count=None)
    target.parent.mkdir(parents=True, exist_ok=True)
    client = make_client(notebook, target.parent, cell_seconds)
    client.on_cell_start = lambda cell, cell_index: on_cell(cell_index, len(notebook.cells))
    memory, error, start = PeakMemory(), None, time.perf_counter()
    with ExitStack() as stack:
        # Not before: between fork and exec the kernel's process looks as large as this one.
        client.on_notebook_start = lambda notebook: stack.enter_context(memory)
        try:
            client.execute(cleanup_kc=True, env={**os.environ, **settings})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
            error = one_line(problem)
    seconds = time.perf_counter() - start
    nbformat.write(notebook, target)
    return LessonResult(
        name=source.stem,
        title=lesson_title(notebook),
        seconds=seconds,
        peak_bytes=memory.peak_bytes,
        error=error,
    )
