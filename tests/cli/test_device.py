import pytest
import torch

from course_lib.cli.device import device_named
from course_lib.errors import CourseError


def test_a_device_by_name_or_the_best() -> None:
    assert device_named("cpu") == torch.device("cpu")
    assert device_named(None).type in ("cpu", "cuda", "mps")


def test_the_environment_chooses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DEVICE", "meta")
    assert device_named(None) == torch.device("meta")
    monkeypatch.setenv("COURSE_DEVICE", "abacus")
    with pytest.raises(CourseError, match="COURSE_DEVICE must be"):
        device_named(None)


@pytest.mark.parametrize("name", ["abacus", "cuda:97", "mps:5"])
def test_what_is_not_here_is_said_so(name: str) -> None:
    with pytest.raises(CourseError, match=f"--device must be one that works here; {name}: "):
        device_named(name)
