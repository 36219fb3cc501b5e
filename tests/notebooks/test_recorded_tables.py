"""Tables that a lesson shows without computing them say what their record says."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def numbers_of(path: Path, begins: str, column: int) -> list[float]:
    """Read one column of the table below the first line that begins so, in order of size."""
    text = path.read_text(encoding="utf-8")
    rows = text[text.index(begins) :].splitlines()[2:]
    cells = []
    for row in rows:
        if not row.lstrip("# ").startswith("|"):
            break
        cells.append(row.lstrip("# ").strip("|").split("|")[column])
    found = [re.sub("[+ ]", "", cell).replace("−", "-") for cell in cells]
    return sorted(float(number) for number in found if number)


def test_the_ablations_of_05c_are_those_of_the_benchmark() -> None:
    lesson = numbers_of(ROOT / "notebooks" / "src" / "05c_scaling.py", "# | changed |", 1)
    record = numbers_of(ROOT / "benchmarks" / "README.md", "| one ingredient changed", 2)
    assert lesson == record
    assert len(lesson) == 13


def lowest_loss(model: str, optimizer: str) -> str:
    """Find the lowest loss among the record's runs on the lesson's 1,737 stories."""
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    losses = [
        float(row[5])
        for row in rows
        if len(row) == 8 and row[:2] == ["1,737", model] and row[4].startswith(optimizer)
    ]
    return f"{min(losses):.2f}"


def test_the_runs_that_lesson_04_only_tells_are_those_of_the_record() -> None:
    lesson = (ROOT / "notebooks" / "src" / "04_mini_transformer.py").read_text(encoding="utf-8")
    gpt = [lowest_loss("GPT ×5", name) for name in ("AdamW", "Muon")]
    assert f"# | GPT | {gpt[0]} | {gpt[1]} |" in lesson
    assert f"# | ModernGPT | {lowest_loss('ModernGPT', 'AdamW')} | computed below |" in lesson
