import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from bugs import find_bugs  # noqa: E402

LIBRARY = '''
"""A file with one function whose test is good and one whose test is weak."""


def clamp(x: float, low: float = 0.0) -> float:
    """Return `x`, or `low` if that is larger."""
    if x < low:
        return low
    return x


def area(width: int, height: int) -> int:
    """Return the area."""
    if width < 0:
        raise ValueError(f"width must be >= 0; got width={-1 * width}.")
    return width * height
'''


def write_repository(root: Path, test: str) -> Path:
    (root / "course_lib" / "nn").mkdir(parents=True)
    (root / "tests" / "nn").mkdir(parents=True)
    (root / "course_lib" / "__init__.py").touch()
    (root / "course_lib" / "nn" / "__init__.py").touch()
    (root / "course_lib" / "nn" / "shape.py").write_text(LIBRARY)
    (root / "tests" / "nn" / "test_shape.py").write_text(textwrap.dedent(test))
    return root


def plant(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "plant_bugs.py"), "--root", str(root)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300)


def test_bugs_are_found_once_and_outside_messages(tmp_path: Path) -> None:
    root = write_repository(tmp_path, "")
    bugs = find_bugs(root, "course_lib/nn/shape.py")
    assert [(bug.function, bug.after) for bug in bugs] == [
        ("clamp", "if x <= low:"),
        ("area", "if width <= 0:"),
        ("area", "if width < 1:"),
        ("area", "return width / height"),
    ]
    assert len({bug.digest for bug in bugs}) == len(bugs)


def test_planting_changes_one_line_and_no_file(tmp_path: Path) -> None:
    root = write_repository(tmp_path, "")
    bug = find_bugs(root, "course_lib/nn/shape.py")[-1]
    planted = bug.plant(LIBRARY).splitlines()
    differing = [
        pair for pair in zip(LIBRARY.splitlines(), planted, strict=True) if len({*pair}) > 1
    ]
    assert differing == [("    return width * height", "    return width / height")]


@pytest.mark.slow
def test_a_weak_test_lets_a_bug_live_and_a_good_one_does_not(tmp_path: Path) -> None:
    weak = """
        from course_lib.nn.shape import area, clamp

        def test_area():
            assert area(3, 1) == 3 and area(0, 1) == 0 and clamp(-1.0) == 0.0
    """
    root = write_repository(tmp_path / "weak", weak)
    done = plant(root)
    assert done.returncode == 1, done.stderr
    assert "+ return width / height" in done.stdout
    assert "killed" in done.stdout
    good = weak.replace("area(3, 1) == 3", "area(3, 2) == 6")
    root = write_repository(tmp_path / "good", good)
    harmless = find_bugs(root, "course_lib/nn/shape.py")[0]
    (root / "tools").mkdir()
    (root / "tools" / "harmless_bugs.toml").write_text(
        f'[[bug]]\ndigest = "{harmless.digest}"\nreason = "low is low either way"\n'
    )
    done = plant(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 bugs planted, 0 survived, 1 known as harmless." in done.stdout


@pytest.mark.slow
def test_a_test_that_fails_by_itself_is_refused(tmp_path: Path) -> None:
    root = write_repository(tmp_path, "def test_broken():\n    raise RuntimeError('always')\n")
    done = plant(root)
    assert done.returncode == 1
    assert "must pass before bugs are planted" in done.stderr
