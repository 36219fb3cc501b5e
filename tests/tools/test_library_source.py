import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from library_source import read_definition, read_repair  # noqa: E402

MODULE = '''
import math
import numpy as np
import torch.nn.functional as F
from dataclasses import dataclass
from functools import cache, partial as part
from course_lib.base import shared

LIMIT = 3
LOW, HIGH = 0, 1
WIDTH: int = 5


def unused() -> None:
    """Do nothing."""


@cache
def shown(np_like: "np.ndarray", top: int = LIMIT) -> float:
    """Say something.

    Example:
        >>> math.pi
    """
    def inner(unused: int) -> int:
        return unused + HIGH

    return part(inner, WIDTH)() + np.sum(shared(top)) + shown(np_like)


@dataclass(frozen=True)
class Box:
    """A box."""

    width: int = WIDTH

    def area(self) -> float:
        """Return its area."""
        return F.relu(self.width) * unused()


def silent(x):
    return x


class Layer:
    """A layer."""

    def __init__(
        self,
        width: int = WIDTH,
    ) -> None:
        self.width = width

    @property
    def double(self) -> int:
        """Say twice its width."""
        return self._times(2)

    def _times(self, factor: int) -> int:
        """Multiply."""
        return factor * self.width
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "boxes.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def test_a_function_needs_what_it_uses_and_no_more(root) -> None:
    shown = read_definition(root, "course_lib.boxes:shown")
    assert shown.imports() == "\n".join(
        [
            "import numpy as np",
            "from course_lib.base import shared",
            "from course_lib.boxes import HIGH, LIMIT, WIDTH",
            "from functools import cache, partial as part",
        ]
    )  # not math (only in the docstring), not unused (a parameter of that name), not itself


def test_source_is_literal_with_decorators(root) -> None:
    shown = read_definition(root, "course_lib.boxes:shown")
    assert shown.source == MODULE[MODULE.index("@cache") : MODULE.index("\n\n\n@dataclass")]
    assert shown.name == "shown"


def test_a_class_needs_what_its_methods_use(root) -> None:
    box = read_definition(root, "course_lib.boxes:Box")
    assert box.imports() == "\n".join(
        [
            "import torch.nn.functional as F",
            "from course_lib.boxes import WIDTH, unused",
            "from dataclasses import dataclass",
        ]
    )
    assert box.stub == ""


def test_names_the_lesson_defines_are_not_imported_over_them(root) -> None:
    shown = read_definition(root, "course_lib.boxes:shown")
    assert "shared" not in shown.imports(known={"shared"})
    assert "cache" in shown.imports(known={"cache"})  # another package's name is not the lesson's


def test_the_stub_ends_after_the_docstring(root) -> None:
    stub = read_definition(root, "course_lib.boxes:shown").stub
    assert stub.startswith("@cache\ndef shown(")
    assert stub.endswith('    """\n    raise NotImplementedError("Your turn")')
    assert "inner" not in stub
    assert read_definition(root, "course_lib.boxes:silent").stub == ""


def test_the_stub_of_a_class_asks_for_its_public_methods(root) -> None:
    your_turn = '        raise NotImplementedError("Your turn")'
    assert read_definition(root, "course_lib.boxes:Layer").stub == "\n".join(
        [
            "class Layer:",
            '    """A layer."""',
            "",
            "    def __init__(",
            "        self,",
            "        width: int = WIDTH,",
            "    ) -> None:",
            your_turn,
            "",
            "    @property",
            "    def double(self) -> int:",
            '        """Say twice its width."""',
            your_turn,
        ]
    )


def test_source_with_its_imports_runs_alone() -> None:
    """Every name a shown function uses is there, so a lesson can run it."""
    shown = read_definition(ROOT, "course_lib.scale:pick")
    space: dict = {}
    exec(f"{shown.imports()}\n{shown.source}", space)
    assert space["pick"](space["Scale"].FULL, small=3, t4=30) == 30


@pytest.mark.parametrize(
    ("target", "broken", "message"),
    [
        ("unused", "def unused() -> int:\n    'No.'\n    return 1", "the name and signature of"),
        ("unused", "@cache\ndef unused() -> None:\n    'No.'\n    pass", "the name and signature"),
        ("unused", "def unused() -> None:\n    return 1", "with a docstring to be repaired"),
        ("unused", "class unused:\n    'No.'\n    x = 1", "with a docstring to be repaired"),
        ("silent", "def silent(x):\n    'No.'\n    return -x", "with a docstring to be repaired"),
        ("Box", "class Box:\n    'No.'\n    def f(self):\n        pass", "must be a function"),
        ("unused", "def used():\n    pass", "must define 'unused'"),
    ],
)
def test_a_broken_version_that_does_not_fit_is_named(root, target, broken, message) -> None:
    folder = root / "course_lib"
    (folder / "right.py").write_text(
        "class Box:\n    'A box.'\n    def f(self):\n        return 1\n"
        "def unused() -> None:\n    'Do nothing.'\n    print()\n"
        "def silent(x):\n    return x\n"
    )
    (folder / "wrong.py").write_text(f"{broken}\n")
    with pytest.raises(ValueError, match=message):
        read_repair(root, f"course_lib.right:{target}", f"course_lib.wrong:{target}")


def test_a_broken_version_must_differ_in_its_body(root) -> None:
    function = "def f(x):\n    '{}'\n    return x\n"
    for name, said in (("right", "Return it."), ("wrong", "Forget nothing.")):
        (root / "course_lib" / f"{name}.py").write_text(function.format(said))
    with pytest.raises(ValueError, match="must differ from"):
        read_repair(root, "course_lib.right:f", "course_lib.wrong:f")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("course_lib.boxes", "must name module:name"),
        ("course_lib.boxes:", "must name module:name"),
        ("course_lib.crates:Box", "there is no crates.py"),
        ("course_lib.boxes:LIMIT", "must define 'LIMIT'; its definitions: unused, shown, Box"),
    ],
)
def test_a_wrong_target_is_named(root, target, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_definition(root, target)


def test_a_relative_import_is_refused(root) -> None:
    (root / "course_lib" / "near.py").write_text(
        "from .boxes import Box\n\n\ndef f():\n    Box()\n"
    )
    with pytest.raises(ValueError, match="absolute imports"):
        read_definition(root, "course_lib.near:f")


def test_long_imports_are_split(root) -> None:
    names = [f"a_rather_long_name_{i}" for i in range(6)]
    lines = [f"from course_lib.base import {name}" for name in names]
    body = "def f():\n    return " + " + ".join(names)
    (root / "course_lib" / "wide.py").write_text("\n".join([*lines, body]) + "\n", encoding="utf-8")
    assert read_definition(root, "course_lib.wide:f").imports().splitlines() == lines
