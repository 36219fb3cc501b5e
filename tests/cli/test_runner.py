import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from course_lib.cli import runner
from course_lib.cli.execute import LessonResult
from course_lib.cli.runner import (
    conditions,
    kernel_settings,
    merge_results,
    report_line,
    run_lessons,
)
from course_lib.scale import Scale

Maker = Callable[..., Path]


def result(name: str, seconds: float = 1.0, error: str | None = None) -> LessonResult:
    return LessonResult(name=name, title=name, seconds=seconds, peak_bytes=2**20, error=error)


def written(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.html").write_text("page")


@pytest.mark.parametrize("scale", list(Scale))
def test_only_gpu_scales_may_use_the_network(scale: Scale) -> None:
    settings = kernel_settings(scale)
    assert settings["COURSE_SCALE"] == scale
    assert ("HF_HUB_OFFLINE" in settings) == (scale in {Scale.SMALL, Scale.DRY})
    assert settings["COURSE_PROGRESS"] == "off"


def test_lessons_keep_freed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "allocator_settings", lambda environment: {"KEEP": "yes"})
    assert kernel_settings(Scale.DRY)["KEEP"] == "yes"


def test_lessons_run_one_after_the_other_and_a_failure_stops_none(
    make_notebook: Maker, tmp_path: Path
) -> None:
    sources = [
        make_notebook("00_bad", "md:# Bad", "1 / 0"),
        make_notebook("01_good", "md:# Good", "import os; print(os.environ['COURSE_QUIZ'])"),
    ]
    screen = io.StringIO()
    results = run_lessons(sources, tmp_path / "out", console=Console(file=screen, width=200))
    assert [(item.name, item.error) for item in results] == [
        ("00_bad", "ZeroDivisionError: division by zero"),
        ("01_good", None),
    ]
    assert screen.getvalue() == "".join(f"{report_line(item)}\n" for item in results)
    assert "ZeroDivisionError" in (tmp_path / "out" / "00_bad.html").read_text("utf-8")
    assert "text" in (tmp_path / "out" / "01_good.html").read_text("utf-8")


def test_a_terminal_sees_a_bar_with_the_lesson(make_notebook: Maker, tmp_path: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    run_lessons([make_notebook("07_topic", "1 + 1")], tmp_path / "out", console=console)
    assert "━" in screen.getvalue()
    assert "07_topic" in screen.getvalue()


def test_a_failed_lesson_is_loud() -> None:
    line = report_line(result("01_topic", 12.34, "ValueError: no"))
    assert line.split() == ["01_topic", "12.3", "s", "1", "MiB", "FAILED", "ValueError:", "no"]


def test_results_of_earlier_runs_stay_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LESSONS", ("00_a", "A1_b", "01_c"))
    written(tmp_path, "00_a", "01_c", "A1_b")
    first = merge_results(tmp_path, [result("01_c", 3.0), result("00_a", 2.0)])
    second = merge_results(tmp_path, [result("A1_b", 1.0), result("01_c", 4.0, "broken")])
    assert [item.name for item in first] == ["00_a", "01_c"]
    assert [(item.name, item.seconds) for item in second] == [
        ("00_a", 2.0),
        ("A1_b", 1.0),
        ("01_c", 4.0),
    ]
    stored = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [LessonResult(**row) for row in stored] == second


def test_a_result_without_its_page_is_forgotten(tmp_path: Path) -> None:
    written(tmp_path, "00_a")
    merge_results(tmp_path, [result("00_a"), result("01_gone")])
    assert [item.name for item in merge_results(tmp_path, [])] == ["00_a"]


def test_the_conditions_name_scale_and_versions() -> None:
    import platform

    import torch

    text = conditions(Scale.DRY)
    assert "scale dry" in text
    assert platform.python_version() in text
    assert torch.__version__ in text
