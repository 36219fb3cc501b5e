"""Guards around nbval: what it would let pass, fails."""

import os
import sys
from collections.abc import Generator
from pathlib import Path
from queue import Empty
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

DEATH_NOTICED_SECONDS = 1.0


def pytest_configure(config: pytest.Config) -> None:
    """Give the kernels that nbval starts the environment in which lessons are stored."""
    if config.getoption("nbval_lax", False) or config.getoption("nbval", False):
        from lesson_run import kernel_environment  # pyright: ignore[reportMissingImports]

        environment = kernel_environment(ROOT, COURSE_SCALE="dry")  # GPU cells run too
        os.environ.clear()
        os.environ.update(environment)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a notebook in which nbval would compare nothing, before it runs."""
    if type(collector).__name__ == "IPyNbFile":
        from notebook_guards import notebook_problems  # pyright: ignore[reportMissingImports]

        problems = notebook_problems(collector.path)
        if problems:
            message = "\n".join(problems)

            def refuse() -> NoReturn:
                raise collector.CollectError(message)

            collector.collect = refuse
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Notice a dead kernel at once, and a cell that was to raise and did not."""
    if type(item).__name__ != "IPyNbCell":
        return (yield)
    cell: Any = item
    if not hasattr(cell.parent.kernel, "watched"):
        _watch(cell.parent.kernel)
    result = yield
    raised = any(output["output_type"] == "error" for output in cell.test_outputs or ())
    if cell.options["check_exception"] and not raised:
        pytest.fail("the cell is tagged raises-exception, but raised nothing", pytrace=False)
    return result


def _watch(kernel: Any) -> None:
    """Make a kernel's answers be awaited in slices, so that its death ends the waiting."""
    wait = kernel.get_message

    def get_message(stream: str, timeout: float | None = None) -> Any:
        left = float("inf") if timeout is None else timeout
        while True:
            try:
                return wait(stream, timeout=min(left, DEATH_NOTICED_SECONDS))
            except Empty:
                left -= DEATH_NOTICED_SECONDS
                if not kernel.is_alive():
                    raise RuntimeError("the kernel died") from None
                if left <= 0:
                    raise

    kernel.get_message = get_message
    kernel.watched = True
