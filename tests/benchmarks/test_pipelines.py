"""The table of `benchmarks/pipelines.py` and its page; what it finds is its own affair."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    folders = list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location(
            "pipelines_benchmark", BENCHMARKS / "pipelines.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = folders
    return module


def test_every_aim_is_judged_and_stands_on_the_page(benchmark: ModuleType) -> None:
    table = [
        benchmark.Row(
            task, data, "9 texts", metric, f"{least - k % 2:.1f} [1.0, 99.0]", "5.0 (x)", 1.6
        )
        for k, (task, data, metric, least) in enumerate(benchmark.AIMS)
    ]
    verdicts = list(benchmark.judge(table))
    assert [verdict.endswith("met)") for verdict in verdicts] == [True, False] * 4
    assert "89.0 (aim 90, missed)" in verdicts[1]
    page = benchmark.page(table, verdicts, seconds=180.0)
    assert all(benchmark.as_line(row) in page for row in table)
    assert all(verdict in page for verdict in verdicts)
    assert "; 3 minutes of one core" in page
    assert "{" not in page
    columns = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert columns == {8}


def test_a_row_without_a_time_has_an_empty_cell(benchmark: ModuleType) -> None:
    row = benchmark.Row("chat", "d", "1", "m", "1", "2", None)
    assert benchmark.as_line(row) == "| chat | d | 1 | m | 1 | 2 |  |"


def test_entities_are_counted_over_all_texts(benchmark: ModuleType) -> None:
    rows = benchmark.rows
    counts = rows.match_counts([{1, 2}, set()], [{2, 3, 4}, {5}])
    assert counts.tolist() == [[1, 2, 3], [0, 0, 1]]
    assert rows.f1_of_counts(counts) == pytest.approx(2 * 1 / (2 + 4))
    assert rows.f1_of_counts(np.zeros((1, 3))) == 0.0
    assert rows.guess_names("Omar met old Mira.") == {(0, 4, "PER"), (13, 17, "PER")}


def test_the_intervals_hold_the_score(benchmark: ModuleType) -> None:
    told = benchmark.rows.with_interval([True, False, True, True] * 9)
    score, low, high = (float(x.strip("[],")) for x in told.split())
    assert low <= score == 75.0 <= high
