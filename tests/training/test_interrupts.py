import signal
import threading

import pytest

from course_lib.training.interrupts import InterruptFlag


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_interrupt_is_noted_and_the_second_breaks_off() -> None:
    before = signal.getsignal(signal.SIGINT)
    with InterruptFlag() as flag:
        assert not flag.is_set
        interrupt()
        assert flag.is_set
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_afterwards_interrupts_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with InterruptFlag():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_other_threads_leave_interrupts_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with InterruptFlag() as flag:
            seen.append((signal.getsignal(signal.SIGINT), flag.is_set))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
    assert signal.getsignal(signal.SIGINT) is before
