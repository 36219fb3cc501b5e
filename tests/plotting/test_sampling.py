import base64
import math
import sys
import types

import ipywidgets
import pytest
import torch

from course_lib.generation import Sampling
from course_lib.plotting import sampling
from course_lib.plotting.sampling import (
    browse_sampling,
    describe_choice,
    make_sampling_browser,
    plot_sampling,
)

PROBS = [0.5, 0.25, 0.15, 0.1]
LOGITS = torch.tensor(PROBS).log()
WORDS = ["red", "$blue", "<b>", "grey"]


def label_of(token: int) -> str:
    return f" {WORDS[token]}"


def run_in_front_end(monkeypatch: pytest.MonkeyPatch, allow_input: bool) -> list:
    """Pretend to be in a Jupyter kernel; returns what is displayed, with its metadata."""
    shown: list = []
    kernel = types.SimpleNamespace(_allow_stdin=allow_input)
    fake = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=kernel))
    display = types.SimpleNamespace(
        display=lambda bundle, metadata, raw: shown.append((bundle, metadata))
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def widths(ax) -> list[float]:
    return [round(bar.get_width(), 4) for bar in ax.patches]


def test_bars_are_the_model_s_probabilities_and_those_drawn_from() -> None:
    fig = plot_sampling(LOGITS, label_of, {"top-k": Sampling(top_k=2), "cold": Sampling()})
    first, second = fig.axes
    assert widths(first) == [*PROBS, 0.6667, 0.3333, 0, 0]
    assert widths(second) == PROBS * 2
    nats = math.log(3) - 2 / 3 * math.log(2)  # 2/3 and 1/3
    assert first.get_title("left") == f"top-k\n2 left, {nats:.2f} nats"
    assert (
        second.get_title("left") == f"cold\n4 left, {-sum(p * math.log(p) for p in PROBS):.2f} nats"
    )
    assert [label.get_text() for label in first.get_yticklabels()] == WORDS
    assert first.yaxis_inverted()


def test_only_the_likeliest_tokens_are_shown_and_panels_come_in_rows() -> None:
    logits = torch.arange(31).float()
    fig = plot_sampling(logits, str, {str(k): Sampling(top_k=k) for k in range(1, 5)})
    assert len(fig.axes) == 4
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()][:2] == ["30", "29"]
    assert len(fig.axes[0].patches) == 2 * sampling._N_SHOWN
    fig.draw_without_rendering()


def test_a_distribution_in_words() -> None:
    said = describe_choice(LOGITS, label_of, Sampling(top_p=0.6), "top-p")
    assert said == "top-p: 2 tokens left, likeliest red 0.67, $blue 0.33"


def test_no_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="settings must hold at least one setting; got none"):
        plot_sampling(LOGITS, label_of, {})


@pytest.mark.parametrize("allow_input", [False, True])
def test_people_get_sliders_and_everybody_the_picture(
    monkeypatch: pytest.MonkeyPatch, allow_input: bool
) -> None:
    shown = run_in_front_end(monkeypatch, allow_input)
    browse_sampling(LOGITS, label_of, {"top-k": Sampling(top_k=1), "as it is": Sampling()})
    ((bundle, metadata),) = shown
    assert ("application/vnd.jupyter.widget-view+json" in bundle) == allow_input
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    alt = metadata["image/png"]["alt"]
    assert bundle["text/plain"] == f"[Figure] {alt}"
    assert "top-k: 1 token left, likeliest red 1.00; as it is: 4 tokens left" in alt


def test_the_picture_follows_each_slider() -> None:
    *sliders, picture = make_sampling_browser(LOGITS, label_of).children
    assert isinstance(picture, ipywidgets.HTML)
    assert "4 tokens left, likeliest red 0.50" in picture.value
    assert "&lt;b&gt;" in picture.value
    changes = {
        "T": (0.5, "likeliest red 0.72"),
        "top-k": (1, "1 token left"),
        "top-p": (0.7, "2 tokens left"),
        "min-p": (0.4, "2 tokens left"),
        "typical": (0.2, "1 token left"),
    }
    assert [slider.description for slider in sliders] == list(changes)
    for slider in sliders:
        usual, (value, said) = slider.value, changes[slider.description]
        slider.value = value
        assert said in picture.value
        slider.value = usual
    assert "4 tokens left, likeliest red 0.50" in picture.value
