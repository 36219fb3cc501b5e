import sys
import types

import pytest

from course_lib.plotting.listener import has_listener


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (None, False),  # IPython is imported, but nothing runs in it
        (types.SimpleNamespace(), False),  # IPython in a terminal
        (types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=False)), False),
        (types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=True)), True),
    ],
)
def test_only_a_kernel_that_may_ask_has_a_listener(
    shell: object, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    assert has_listener() is expected


def test_without_ipython_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not has_listener()
    assert "IPython" not in sys.modules  # and asking does not import it
