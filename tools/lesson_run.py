"""Run a lesson's notebook in a kernel of its own, always under the same conditions."""

import os
import re
from pathlib import Path

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_lib.cli.execute import make_client

CELL_LIMIT_SECONDS = 120
ENVIRONMENT = {
    "COURSE_SCALE": "small",
    "COURSE_DEVICE": "cpu",
    "COURSE_PROGRESS": "off",
    "COURSE_QUIZ": "text",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
KEPT = ("COURSE_CACHE_DIR",)


class LessonFailedError(Exception):
    """A cell raised, hung or killed the kernel; the message names the cell."""


def kernel_environment(root: Path, **extra: str) -> dict[str, str]:
    """Return the environment a lesson is stored and tested in.

    The caller's own `COURSE_` settings and plotting backend do not reach the lesson.

    Args:
        root: The folder that holds the library's top package.
        extra: Variables on top, such as COURSE_FALLBACK="off".
    """
    mine = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    search = os.pathsep.join(filter(None, (str(root), mine.get("PYTHONPATH", ""))))
    return {**mine, "PYTHONPATH": search, **ENVIRONMENT, **extra}


def _is_setting(name: str) -> bool:
    return (name.startswith("COURSE_") and name not in KEPT) or name == "MPLBACKEND"


def run_notebook(notebook: NotebookNode, folder: Path, environment: dict[str, str]) -> None:
    """Run all cells and store their outputs in the notebook, the same way every time.

    Args:
        notebook: The notebook; its outputs are replaced, its metadata is left as it is.
        folder: The working folder of the kernel.
        environment: The kernel's environment variables.

    Raises:
        LessonFailedError: If a cell raises (and is not tagged raises-exception), takes longer
            than two minutes, or kills the kernel.
    """
    metadata = dict(notebook.metadata)
    client = make_client(notebook, folder, CELL_LIMIT_SECONDS)
    client.store_widget_state = False
    begun = ["before the first cell"]
    client.on_cell_start = lambda cell, cell_index: begun.append(cell.id)
    try:
        client.execute(cleanup_kc=True, env=environment)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        told = ANSI.sub("", str(error))
        raise LessonFailedError(f"{begun[-1]}: {told}") from None
    finally:
        notebook.metadata.clear()
        notebook.metadata.update(metadata)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # library frames name paths of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]
