"""The stored lessons agree with their sources and the library."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lessons  # noqa: E402


def test_no_lesson_has_drifted() -> None:
    problems = lessons.check(ROOT, lessons.sources(ROOT))
    assert problems == [], "\n".join([*problems, "Run: python tools/lessons.py build"])
