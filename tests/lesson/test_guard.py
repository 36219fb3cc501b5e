import builtins
import random
import sys
import warnings

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from course_lib.lesson.guard import (
    PRINT_LIMIT_CHARACTERS,
    clone,
    quarantine,
    reset_torch_and_seeds,
)


def draw() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def test_a_clone_shares_nothing_with_the_original() -> None:
    generator = torch.Generator().manual_seed(5)
    weight = (torch.ones(2, requires_grad=True) * 3).requires_grad_()
    original = ([torch.ones(2), {"a": [1]}], np.ones(3), generator, weight)
    copied = clone(original)
    copied[0][0].zero_()
    copied[0][1]["a"].append(2)
    copied[1][:] = 0
    torch.rand(2, generator=copied[2])
    copied[3].data.zero_()
    assert original[0][1] == {"a": [1]}
    assert_close(original[0][0], torch.ones(2))
    assert original[1].sum() == 3
    assert_close(torch.rand(2, generator=generator), torch.rand(2, generator=clone_of_seed(5)))
    assert_close(weight.detach(), torch.full((2,), 3.0))
    assert copied[3].requires_grad
    assert copied[3].is_leaf


def clone_of_seed(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_seeds_and_settings_are_as_before() -> None:
    torch.manual_seed(11)
    np.random.seed(11)
    random.seed(11)
    expected = draw()
    torch.manual_seed(11)
    np.random.seed(11)
    random.seed(11)
    limit, ask = sys.getrecursionlimit(), builtins.input
    with quarantine():
        reset_torch_and_seeds()
        draw()
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        sys.setrecursionlimit(limit + 100)
    assert draw() == expected
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert sys.getrecursionlimit() == limit
    assert builtins.input is ask


def test_every_call_draws_the_same() -> None:
    with quarantine():
        reset_torch_and_seeds()
        first = draw()
        torch.set_default_dtype(torch.float64)
        reset_torch_and_seeds()
        assert draw() == first


def test_settings_are_restored_after_an_exception() -> None:
    stdout = sys.stdout

    def fail() -> None:
        with quarantine():
            torch.set_default_dtype(torch.float64)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sys.stdout is stdout
    assert torch.get_default_dtype() is torch.float32


def test_prints_are_caught_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    with quarantine() as printed:
        print("short")
        print("to stderr", file=sys.stderr)
        assert printed.text == "short\nto stderr\n"
        printed.clear()
        for _ in range(10_000):
            print("x" * 100)
        assert printed.text == ("x" * 100 + "\n") * 5 + "x" * 95 + "…"
    assert PRINT_LIMIT_CHARACTERS == 600
    assert capsys.readouterr() == ("", "")


def test_warnings_are_dropped_inside_only() -> None:
    with quarantine():
        warnings.warn("quiet", stacklevel=1)
    with pytest.raises(UserWarning, match="loud"):
        warnings.warn("loud", stacklevel=1)


def test_input_is_refused() -> None:
    with quarantine(), pytest.raises(RuntimeError, match=r"must not ask for input"):
        input("name? ")
