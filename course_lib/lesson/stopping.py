"""End code that runs too long, in this thread or in a worker, on Linux, macOS and Windows alike.

When the time is up, an exception is sent into the thread, and it comes back when it is swallowed:
so a loop with `except: pass` inside ends as well. What cannot be ended is a single call of C code:
one that waits (`time.sleep(1e9)`) is abandoned and costs no CPU; one that computes while it holds
Python's lock (`10 ** 10 ** 10`) blocks the process.
"""

import ctypes
import math
import sys
import threading
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from course_lib.errors import AnswerTimeoutError

T = TypeVar("T")

POLL_SECONDS = 0.02
GIVE_UP_SECONDS = 2.0


_stopping: set[int] = set()
"""Threads that are being stopped: elsewhere a stop, freed late, has nothing to say."""


class _Stop(BaseException):
    """Ends a thread; not an `Exception`, so that `except Exception` lets it pass.

    Who swallows it with a bare `except` has not got rid of it: when it is freed, at the end of
    the handler, it sets a trace function that raises the next one on the next line.
    """

    def __del__(self) -> None:
        if threading.get_ident() not in _stopping:
            return
        frame = sys._getframe(1)
        if frame.f_code.co_filename == __file__:
            return  # it has left the learner's code
        sys.settrace(_trace_no_call)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = _raise_stop
            frame = frame.f_back


def _trace_no_call(frame: types.FrameType, event: str, argument: object) -> None:
    """Trace function of the thread: calls from now on are none of our business."""


def _raise_stop(frame: types.FrameType, event: str, argument: object) -> None:
    """Trace function of the learner's frames: ends them at their next line."""
    if threading.get_ident() in _stopping:
        raise _Stop


def _leave_out_stops(report: Callable[[Any], object]) -> Callable[[Any], object]:
    """Make a hook for errors that Python drops: a stop in a destructor is not worth a word.

    Nor is one in a weak reference's callback, for which a long garbage collection is a likely
    moment. The next stop comes anyway.
    """

    def quiet(dropped: Any) -> None:
        if dropped.exc_type is not _Stop:
            report(dropped)

    return quiet


def _send(thread_id: int, exception: type[BaseException] | None) -> None:
    """Raise an exception in another thread at its next step; None takes a pending one back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id),
        None if exception is None else ctypes.py_object(exception),
    )


class _Watch:
    """Runs one function, and sends the stop into its thread when the time is up."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._deadline = math.inf
        self._lock = threading.Lock()
        self._closed = False
        self._thread_id = 0
        self.late = False

    def run(self, function: Callable[[], object]) -> None:
        """Call the function in this thread; returns early if it had to be stopped."""
        tracer, report = sys.gettrace(), sys.unraisablehook
        sys.unraisablehook = quiet = _leave_out_stops(report)
        self._thread_id = threading.get_ident()
        self._deadline = time.monotonic() + self._limit_seconds
        threading.Thread(target=self._watch, name="time limit", daemon=True).start()
        try:
            function()
        except _Stop:
            pass
        finally:
            self._close()
            sys.settrace(tracer)
            if sys.unraisablehook is quiet:
                sys.unraisablehook = report

    def hurry(self) -> None:
        """Move the deadline to now."""
        self._deadline = 0.0

    def _watch(self) -> None:
        while not self._closed:
            if time.monotonic() >= self._deadline:
                with self._lock:
                    if not self._closed:
                        self.late = True
                        _stopping.add(self._thread_id)
                        _send(self._thread_id, _Stop)
            time.sleep(POLL_SECONDS)

    def _close(self) -> None:
        """Stop sending; a stop that arrives while we are at it is dropped."""
        while True:
            try:
                sys.settrace(None)
                with self._lock:
                    self._closed = True
                    _stopping.discard(self._thread_id)
                _send(self._thread_id, None)
                return
            except _Stop:
                continue


def call_limited(function: Callable[[], object], limit_seconds: float) -> None:
    """Call a function in this thread and end it when its time is up.

    Args:
        function: What to call; what it returns is dropped.
        limit_seconds: Wall-clock time (> 0).

    Raises:
        AnswerTimeoutError: If it was stopped.

    Example:
        >>> call_limited(lambda: print("done"), limit_seconds=5)
        done
    """
    watch = _Watch(limit_seconds)
    watch.run(function)
    if watch.late:
        raise AnswerTimeoutError(f"stopped after {limit_seconds:g} seconds.")


@dataclass
class Limited(Generic[T]):
    """What came of running steps under a time limit.

    Attributes:
        results: What the steps returned, up to the one that was stopped.
        timed_out: Whether the time ran out before the last step had ended.
        still_running: Whether the thread could not be ended and was abandoned.
    """

    results: list[T] = field(default_factory=list)
    timed_out: bool = False
    still_running: bool = False


def run_limited(steps: Sequence[Callable[[], T]], limit_seconds: float) -> Limited[T]:
    """Call steps one after the other in a worker thread, with one time limit for all together.

    Args:
        steps: Functions without arguments.
        limit_seconds: Wall-clock time for all steps together (> 0).

    Returns:
        The results so far, and whether the limit cut them short.

    Raises:
        BaseException: The first one that a step raised.

    Example:
        >>> run_limited([lambda: 1, lambda: 2], limit_seconds=5).results
        [1, 2]
    """
    limited: Limited[T] = Limited()
    errors: list[BaseException] = []
    watch = _Watch(limit_seconds)

    def run_steps() -> None:
        for step in steps:
            result = step()
            if watch.late:
                break
            limited.results.append(result)

    def work() -> None:
        try:
            watch.run(run_steps)
        except BaseException as error:  # SystemExit too: it must reach the caller
            errors.append(error)

    thread = threading.Thread(target=work, name="learner's answer", daemon=True)
    thread.start()
    try:
        _join(thread, limit_seconds + GIVE_UP_SECONDS)
    finally:  # also when the stop button interrupts the waiting
        watch.hurry()
    limited.still_running = thread.is_alive()
    limited.timed_out = watch.late or limited.still_running
    if errors and not limited.timed_out:
        raise errors[0]
    return limited


def _join(thread: threading.Thread, seconds: float) -> None:
    """Wait in slices, because on Windows a long wait cannot be interrupted."""
    deadline = time.monotonic() + seconds
    while thread.is_alive() and (left := deadline - time.monotonic()) > 0:
        thread.join(min(left, 0.2))
