import csv
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from course_lib.plotting.timeline import plot_parameter_counts, plot_timeline

TABLE = Path(__file__).parents[2] / "data" / "facts" / "timeline.csv"
EVENTS = [
    {"year": "2018", "month": "10", "name": "B", "family": "encoder", "parameters": "340000000"},
    {"year": "1948", "month": "", "name": "S", "family": "counts", "parameters": ""},
    {"year": "2018", "month": "6", "name": "G", "family": "decoder", "parameters": "116534784"},
]


def points(ax: Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))  # pyright: ignore
        for line in ax.lines
    }


def test_timeline_orders_events_from_the_top() -> None:
    ax = plot_timeline(EVENTS).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["S  1948", "G  2018", "B  2018"]
    assert ax.yaxis_inverted()
    drawn = points(ax)
    assert drawn["counts"] == ([1948.5], [0])
    assert drawn["decoder"] == ([pytest.approx(2018 + 5.5 / 12)], [1])
    assert drawn["encoder"] == ([pytest.approx(2018 + 9.5 / 12)], [2])


def test_parameter_counts_show_only_what_is_disclosed() -> None:
    ax = plot_parameter_counts(EVENTS).axes[0]
    assert ax.get_yscale() == "log"
    drawn = points(ax)
    assert set(drawn) == {"encoder", "decoder"}
    assert drawn["decoder"][1] == [116534784]
    assert {text.get_text() for text in ax.texts} == {"B", "G"}


def test_a_family_looks_the_same_in_both_pictures() -> None:
    first, second = plot_timeline(EVENTS).axes[0], plot_parameter_counts(EVENTS).axes[0]
    looks = [
        {str(line.get_label()): (line.get_color(), line.get_marker()) for line in ax.lines}
        for ax in (first, second)
    ]
    assert looks[1].items() <= looks[0].items()


def test_errors_name_what_is_missing() -> None:
    with pytest.raises(ValueError, match="at least one row; got none"):
        plot_timeline([])
    with pytest.raises(ValueError, match="at least one with parameters"):
        plot_parameter_counts([EVENTS[1]])
    many = [{**EVENTS[0], "family": f"family {number}"} for number in range(8)]
    with pytest.raises(ValueError, match="at most 7 families"):
        plot_timeline(many)


def test_the_course_s_own_table_is_whole_and_sourced() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 25
    years = [(int(row["year"]), int(row["month"] or 0)) for row in rows]
    assert [year for year, _ in years] == sorted(year for year, _ in years)
    for row in rows:
        assert all(row[column] for column in ("name", "what_was_new", "source")), row
        assert row["url"].startswith("https://"), row
        assert row["how_checked"].startswith("seen: "), row
        assert row["month"] == "" or 1 <= int(row["month"]) <= 12, row
        assert row["parameters"] == "" or int(row["parameters"]) > 10**6, row
        assert row["kind"] in {"theory", "method", "model", "product"}, row
    drawn = plot_timeline(rows).axes[0]
    assert len(drawn.get_yticklabels()) == len(rows)


def test_arxiv_numbers_agree_with_the_dates() -> None:
    """An arXiv number begins with the year and month of the first version."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if "arxiv.org" in row["url"]]
    exceptions = {"InstructGPT"}  # the model is two months older than its paper
    for row in rows:
        number = row["url"].rpartition("/")[2]
        stamp = f"{int(row['year']) % 100:02}{int(row['month']):02}"
        assert number.startswith(stamp) or row["name"] in exceptions, row
    assert len(rows) > 15
