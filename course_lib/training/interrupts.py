"""Ctrl-C, taken note of instead of breaking off in the middle of a step."""

import signal
import threading
from types import FrameType
from typing import Any


class InterruptFlag:
    """Remembers the first interrupt (Ctrl-C) inside a `with`; the second one breaks off as usual.

    Only a program's main thread may listen for interrupts; elsewhere nothing is ever remembered.

    Attributes:
        is_set: Whether there was an interrupt.

    Example:
        >>> with InterruptFlag() as interrupt:
        ...     signal.raise_signal(signal.SIGINT)
        ...     interrupt.is_set
        True
    """

    def __init__(self) -> None:
        self.is_set = False
        self._before: Any = None

    def __enter__(self) -> "InterruptFlag":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True
        signal.signal(signal.SIGINT, self._before)
