import gc
import sys
import threading
import time
from collections.abc import Callable

import pytest

from course_lib.errors import AnswerTimeoutError
from course_lib.lesson import stopping
from course_lib.lesson.stopping import call_limited, run_limited


def spin() -> None:
    while True:
        pass


def swallow_everything() -> None:
    while True:
        try:  # noqa: SIM105
            time.monotonic()
        except:  # noqa: E722
            pass


def swallow_on_three_levels() -> None:
    while True:
        try:
            try:
                while True:
                    try:
                        sum(i for i in range(1000))
                    except BaseException:
                        continue
            except:  # noqa: E722
                pass
        except:  # noqa: E722
            pass


def end_every_try_with_continue() -> None:
    while True:
        try:
            time.monotonic()
        finally:
            continue  # noqa: B012


def dive(depth: int = 0) -> None:
    dive(depth + 1)


def recurse_and_swallow() -> None:
    while True:
        try:  # noqa: SIM105
            dive()
        except BaseException:
            pass


class SpinsWhenFreed:
    def __del__(self) -> None:
        spin()


def free_what_spins() -> None:
    while True:
        SpinsWhenFreed()


ENDLESS = [
    spin,
    free_what_spins,
    swallow_everything,
    swallow_on_three_levels,
    end_every_try_with_continue,
    recurse_and_swallow,
]


def no_thread_is_left() -> bool:
    deadline = time.monotonic() + 5
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    return not [t for t in threading.enumerate() if t.name in ("learner's answer", "time limit")]


def test_steps_run_in_order_in_one_other_thread() -> None:
    limited = run_limited([threading.get_ident, threading.get_ident, lambda: 3], limit_seconds=5)
    assert limited.results[0] == limited.results[1] != threading.get_ident()
    assert limited.results[2] == 3
    assert not limited.timed_out
    assert not limited.still_running


@pytest.mark.parametrize("endless", ENDLESS)
def test_an_endless_step_is_stopped_and_burns_nothing_afterwards(
    endless: Callable[[], None],
) -> None:
    started = time.monotonic()
    limited = run_limited([lambda: 1, endless, lambda: 3], limit_seconds=0.1)
    assert limited.results == [1]
    assert limited.timed_out
    assert not limited.still_running
    assert time.monotonic() - started < 2.0
    assert no_thread_is_left()


@pytest.mark.parametrize("endless", ENDLESS)
def test_endless_code_is_stopped_in_its_own_thread(endless: Callable[[], None]) -> None:
    tracer = sys.gettrace()
    with pytest.raises(AnswerTimeoutError, match=r"stopped after 0\.1 seconds"):
        call_limited(endless, limit_seconds=0.1)
    assert sys.gettrace() is tracer
    assert no_thread_is_left()


def test_a_stop_that_is_swallowed_and_kept_harms_nobody_later() -> None:
    kept = []

    def keep() -> None:
        try:
            spin()
        except BaseException as error:
            kept.append(error)

    for _ in range(3):
        limited = run_limited([keep, lambda: 2], limit_seconds=0.01)
        assert limited.timed_out
        assert limited.results == []
        kept.clear()
        gc.collect()
        assert sys.gettrace() is None
        assert run_limited([lambda: 1], limit_seconds=5).results == [1]
    assert not stopping._stopping


def test_other_errors_in_a_destructor_are_still_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Fails:
        def __del__(self) -> None:
            raise KeyError("lost")

    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type))
    before = sys.unraisablehook
    run_limited([lambda: Fails() and None], limit_seconds=5)
    run_limited([free_what_spins], limit_seconds=0.05)
    assert reported == [KeyError]
    assert sys.unraisablehook is before


def test_a_waiting_step_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "GIVE_UP_SECONDS", 0.1)
    limited = run_limited([lambda: time.sleep(0.8)], limit_seconds=0.1)
    assert limited.timed_out
    assert limited.still_running
    assert no_thread_is_left()  # it ends as soon as it has waited


def test_what_a_step_raises_reaches_the_caller() -> None:
    def leave() -> None:
        sys.exit(3)

    with pytest.raises(SystemExit, match="3"):
        run_limited([leave], limit_seconds=5)
    with pytest.raises(KeyError, match="gone"):
        call_limited(lambda: {}["gone"], limit_seconds=5)


def test_the_stop_button_ends_the_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(thread: threading.Thread, seconds: float) -> None:
        time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(stopping, "_join", press)
    with pytest.raises(KeyboardInterrupt):
        run_limited([spin], limit_seconds=100)
    assert no_thread_is_left()
