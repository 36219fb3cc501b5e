import io
import sys
from pathlib import Path
from types import ModuleType

import psutil
import pytest
import torch
from rich.console import Console

from course_lib.training.progress import (
    Progress,
    RichProgress,
    TensorBoardProgress,
    memory_bytes,
)


def test_the_bar_tells_everything() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True, color_system=None)
    with RichProgress(console) as progress:
        assert isinstance(progress, Progress)
        progress.update(1, 40, 4.5, 10.0, 2**20)
        progress.update(20, 40, 3.14159, 12345.6, 3 * 2**29)
    shown = text.getvalue()
    for part in ("step", "20/40", "loss 3.142", "12,346 tokens/s", "1.5 GiB", "left"):
        assert part in shown
    assert text.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_the_bar_is_full_at_the_end() -> None:
    text = io.StringIO()
    with RichProgress(Console(file=text, width=100)) as progress:
        progress.update(40, 40, 1.0, 10.0, 0)
    assert "40/40" in text.getvalue()
    assert "0.0 GiB" in text.getvalue()


class Writer:
    """Stands for TensorBoard's."""

    def __init__(self, folder: str) -> None:
        self.folder, self.points, self.closed = folder, [], False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.points.append((name, value, step))

    def close(self) -> None:
        self.closed = True


def test_curves_get_a_point_per_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]  # a stand-in module
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    with TensorBoardProgress(tmp_path) as progress:
        assert isinstance(progress, Progress)
        progress.update(3, 40, 4.5, 10.0, 77)
        writer = progress._writer
        assert not writer.closed  # type: ignore[attr-defined]  # of the stand-in
    assert writer.closed  # type: ignore[attr-defined]  # of the stand-in
    assert writer.folder == str(tmp_path)  # type: ignore[attr-defined]  # of the stand-in
    expected = [("loss", 4.5, 3), ("tokens per second", 10.0, 3), ("memory in bytes", 77, 3)]
    assert writer.points == expected  # type: ignore[attr-defined]  # of the stand-in


def test_without_tensorboard_we_say_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "course-lib\[tensorboard\]"'):
        TensorBoardProgress(tmp_path)


def test_memory_of_the_process_and_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = psutil.Process().memory_info().rss
    assert memory_bytes(torch.device("cpu")) == pytest.approx(resident, rel=0.1)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7 + device.index)
    assert memory_bytes(torch.device("cuda", 3)) == 10
