import base64
import subprocess
import sys

import matplotlib as mpl
import pytest

from course_lib.plotting import COLOURS, MARKERS, new_figure, show, use_course_style


@pytest.fixture
def displayed(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *args, **options: calls.append((args, options))
    )
    return calls


def test_show_displays_a_png_with_its_words(displayed) -> None:
    fig = new_figure(3.0, 2.0)
    fig.subplots().plot([0, 1], [0, 1])
    show(fig, alt="A line that\n        rises from 0 to 1.")
    ((data,), options) = displayed[0]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n")
    assert data["text/plain"] == "[Figure] A line that rises from 0 to 1."
    # 3 × 2 inches at 84 dots an inch.
    assert options["metadata"] == {
        "image/png": {"alt": "A line that rises from 0 to 1.", "width": 252, "height": 168}
    }
    assert options["raw"] is True


def test_show_refuses_a_figure_without_words(displayed) -> None:
    with pytest.raises(ValueError, match="alt must say what the figure shows"):
        show(new_figure(), alt="  ")
    assert displayed == []


def test_use_course_style_sets_the_colour_cycle() -> None:
    with mpl.rc_context():
        use_course_style()
        ax = new_figure().subplots()
        colours = [ax.plot([0, 1])[0].get_color() for _ in COLOURS]
    assert colours == list(COLOURS)


def test_every_colour_has_a_marker_and_all_differ() -> None:
    assert len(set(COLOURS)) == len(set(MARKERS)) == len(COLOURS) == len(MARKERS)


def test_new_figure_is_not_registered_with_pyplot() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    fig = new_figure(5.0, 3.0)
    assert plt.get_fignums() == before
    assert fig.get_size_inches().tolist() == [5.0, 3.0]


def test_importing_plotting_does_not_import_matplotlib() -> None:
    code = (
        "import sys, course_lib.plotting;"
        "print(sorted({'matplotlib', 'sklearn', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
