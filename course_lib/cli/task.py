"""What the commands that answer with a pipeline share: opening it, and telling what it says."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError

VARYING = re.compile(r"\d+|'.*'|\".*\"")
"""What differs between two notes of one kind."""


def open_pipeline(task: str, model: str | None) -> Any:
    """Load a pipeline, on the best device there is.

    Args:
        task: As `pipeline` calls it.
        model: A name or a folder; None: the course's own.

    Raises:
        CourseError: If there is no such model, it cannot do the task, or `COURSE_DEVICE` names a
            device that does not work here.
    """
    from course_lib.cli.device import device_named
    from course_lib.pipelines import pipeline

    if model is not None:
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # we draw our own
    wanted = Path(model) if model is not None and Path(model).is_dir() else model
    with plainly(set()), working("Loading the model …"):
        return pipeline(task, wanted, device=device_named(None))


def working(doing: str) -> AbstractContextManager[object]:
    """Show in the terminal what is being done; nothing if standard error is none.

    Nothing may be printed meanwhile: a terminal would get it even if it is to go into a file.

    Args:
        doing: A few words.
    """
    from rich.console import Console

    return Console(stderr=True).status(doing)


@contextmanager
def plainly(said: set[str], about: str = "") -> Iterator[None]:
    """Turn warnings into notes on standard error, and what is refused into `CourseError`.

    Args:
        said: The kinds of notes that were given before, and are not given again; grows.
        about: What the notes are about; stands before them.

    Raises:
        CourseError: Instead of a ValueError, in the same words.
    """
    told: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            yield
    except ValueError as error:
        raise CourseError(str(error)) from error
    finally:
        for message in (str(warning.message) for warning in told):
            kind = VARYING.sub("", message)
            if kind not in said:
                print(f"note: {about}{message}", file=sys.stderr)
            said.add(kind)
