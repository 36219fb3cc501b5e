"""The table of `benchmarks/pipelines.py`, its page, and the counting behind its scores."""

import importlib.util
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from course_lib.errors import DataNotFoundError, WeightsNotFoundError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    """Load the script as its folder sees it; leave no module of that folder behind."""
    folders, known = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location(
            "pipelines_benchmark", BENCHMARKS / "pipelines.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = folders
        for name in set(sys.modules) - known:
            if name.startswith("pipeline_"):
                del sys.modules[name]


@pytest.fixture(scope="module")
def scoring(benchmark: ModuleType) -> ModuleType:
    return sys.modules["pipeline_scoring"]


def row_of(benchmark: ModuleType, task: str, data: str, metric: str, score: str) -> object:
    where = benchmark.Where(task, data, "test")
    return benchmark.Row(where, "9 texts", metric, score, "5.0 (x)", 1.6)


def test_every_aim_is_judged_and_stands_on_the_page(benchmark: ModuleType) -> None:
    table = [
        row_of(benchmark, task, data, metric, f"{least - k % 2:.1f} [1.0, 99.0]")
        for k, (task, data, metric, least) in enumerate(benchmark.AIMS)
    ]
    verdicts = list(benchmark.judge(table))
    assert [verdict.endswith(", met)") for verdict in verdicts] == [True, False] * 4
    assert "89.0 (aim 90, missed)" in verdicts[1]
    page = benchmark.page(table, verdicts, seconds=180.0)
    assert all(benchmark.as_line(row) in page for row in table)
    assert all(f"- {verdict}\n" in page for verdict in verdicts)
    assert ", 3 CPU-minutes, Python" in page
    assert "{" not in page
    columns = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert columns == {9}


def test_an_aim_that_was_not_measured_is_missed(benchmark: ModuleType) -> None:
    task, data, metric, _ = benchmark.AIMS[0]
    absent = list(benchmark.judge([]))
    assert len(absent) == len(benchmark.AIMS)
    not_run = list(benchmark.judge([row_of(benchmark, task, data, metric, benchmark.NOT_RUN)]))
    assert not_run == absent
    assert absent[0] == f"{task}, {data}, {metric}: not run (aim 90, missed)"


def test_every_aim_is_in_the_plan(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark.course, "unseen_stories", lambda n: [])
    quick = [(where.task, where.data) for where, _ in benchmark.plan(is_quick=True)]
    full = [(where.task, where.data) for where, _ in benchmark.plan(is_quick=False)]
    assert {(task, data) for task, data, _, _ in benchmark.AIMS} <= set(quick) < set(full)


def test_what_lacks_its_model_or_data_is_not_run(benchmark: ModuleType) -> None:
    def fail(error: Exception, where: object) -> list[object]:
        raise error

    here = benchmark.Where("chat", "d", "test")
    row = benchmark.Row(here, "1", "m", "1", "2", None)
    steps = [
        (here, partial(fail, WeightsNotFoundError("no weights"))),
        (here, lambda where: [row, row]),
        (here._replace(data=benchmark.MULTI30K), partial(fail, DataNotFoundError("no data"))),
    ]
    rows = list(benchmark.rows_of(steps))
    assert rows[1:3] == [row, row]
    assert benchmark.as_line(rows[0]) == (
        "| chat | d | test | – | – | not run | the model is not there |  |"
    )
    assert "the data are not there" in benchmark.as_line(rows[3])
    assert not benchmark.is_complete(rows)
    assert benchmark.is_complete(rows[1:])  # Multi30k needs a model from elsewhere


def test_the_modules_of_this_folder_hide_no_library(benchmark: ModuleType) -> None:
    tokenizers = importlib.util.find_spec("tokenizers")
    assert tokenizers is not None
    assert Path(str(tokenizers.origin)).parent != BENCHMARKS


def test_entities_are_counted_over_all_texts(scoring: ModuleType) -> None:
    counts = scoring.match_counts([{1, 2}, set()], [{2, 3, 4}, {5}])
    assert counts.tolist() == [[1, 2, 3], [0, 0, 1]]
    assert scoring.f1_of_counts(counts) == pytest.approx(2 * 1 / (2 + 4))
    assert scoring.f1_of_counts(np.zeros((1, 3), int)) == 0.0
    assert scoring.guess_names("Omar met old Mira.") == {(0, 4, "PER"), (13, 17, "PER")}


def test_entities_of_words_stand_where_the_words_do(benchmark: ModuleType) -> None:
    words, tags = ["In", "Port", "Alder", ",", "BBC"], ["O", "B-location", "I-location", "O"]
    found = benchmark.real.word_entities(words, [*tags, "B-corporation"])
    ((start, end, kind),) = found
    assert (" ".join(words)[start:end], kind) == ("Port Alder", "LOC")


def test_entities_of_a_story_stand_in_its_text(benchmark: ModuleType) -> None:
    (story,) = benchmark.course.unseen_stories(1)
    for told in story.told.values():
        places = benchmark.course.entity_places(told)
        n_first = sum(tag.startswith("B-") for tag in told.entities)
        assert len(places) == n_first > 0
        assert all(told.text[a:b].strip() for a, b, _ in places)
    people = {
        story.told["en"].text[a:b]
        for a, b, kind in benchmark.course.entity_places(story.told["en"])
        if kind == "PER"
    }
    assert story.hero in people


def test_a_share_has_the_interval_of_wilson(scoring: ModuleType) -> None:
    assert scoring.share([True] * 20) == "100.0 [83.9, 100.0]"


def test_pieces_of_one_text_are_drawn_together(scoring: ModuleType) -> None:
    sums = scoring.grouped([[1, 1], [0, 1], [1, 1]], ["b", "a", "b"])
    assert sums.tolist() == [[0, 1], [2, 2]]

    def width(told: str) -> float:
        score, low, high = (float(x.strip("[],")) for x in told.split())
        assert score == 50.0
        return high - low

    scores = [1.0] * 50 + [0.0] * 50
    alone, in_tens = range(100), [n // 10 for n in range(100)]
    assert width(scoring.mean_by_group(scores, in_tens)) > 2 * width(
        scoring.mean_by_group(scores, alone)
    )


def test_only_what_python_reads_counts(benchmark: ModuleType) -> None:
    read = benchmark.writing.can_be_read
    assert [read("x = 1\n"), read(r'"\d"'), read("def f("), read("\0")] == [
        True,
        True,
        False,
        False,
    ]
