import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from course_lib.cli import number_format
from course_lib.cli.app import app
from course_lib.cli.number_format import NumberFormat
from course_lib.cli.run_settings import read_run
from course_lib.errors import CourseError
from course_lib.models import GPT
from course_lib.tokenizers import BPETokenizer
from course_lib.training import History, RichProgress, list_checkpoints


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["train", "gpt", *map(str, arguments)])


@pytest.fixture
def interrupt_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Press Ctrl-C in the middle of a run, after some step."""
    update = RichProgress.update

    def set_up(when: int) -> None:
        def patched(self: RichProgress, step: int, *rest: Any) -> None:
            update(self, step, *rest)
            if step == when:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(RichProgress, "update", patched)

    return set_up


def test_a_run_leaves_a_model_and_says_how_good_it_is(trained: Path) -> None:
    said = (trained.parent / "out.txt").read_text("utf-8")
    assert re.search(r"Documents: 1, of \d+,\d{3} characters together\.\n", said)
    assert "4 steps of 2,048 tokens" in said
    assert re.search(r"Held-out loss, nats per token: \d\.\d{3} \(step 1\), .*\(step 4\)\n", said)
    assert re.search(r"bits per byte +\d\.\d{4}\n", said)
    assert f"  course generate '{trained}' --prompt " in said
    assert f"  course evaluate '{trained}' --text '{trained}/held_out'" in said
    model = GPT.from_pretrained(trained)
    tokenizer = BPETokenizer.load(trained / "tokenizer.json")
    assert model.config.vocab_size == tokenizer.vocab_size
    history = History.from_json((trained / "history.json").read_text("utf-8"))
    assert len(history.losses) == 4
    assert [evaluation.step for evaluation in history.evaluations] == [1, 2, 3, 4]
    assert history.evaluations[3].nats < history.evaluations[0].nats
    assert [path.name for path in list_checkpoints(trained / "checkpoints")] == [
        "step-00000003",
        "step-00000004",
    ]


def test_the_text_that_is_held_out_is_kept(trained: Path, own_text: Path) -> None:
    text = own_text.read_text("utf-8")
    kept = [path.read_text("utf-8") for path in (trained / "held_out").iterdir()]
    assert kept == [text[round(0.9 * len(text)) :]]


def test_ctrl_c_saves_and_the_resumed_run_equals_one_that_was_never_stopped(
    trained: Path,
    own_text: Path,
    tmp_path: Path,
    interrupt_at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, whole = tmp_path / "run", read_run(trained, resume=True)
    assert whole is not None
    measured = NumberFormat(whole.precision, whole.float32_products)  # might change with the load
    monkeypatch.setattr(number_format, "fastest_format", lambda device: measured)
    interrupt_at(2)
    options = ["--steps", 4, "--seed", 7, "--device", "cpu"]
    done = run("--text", own_text, "--out", out, *options)
    assert done.exit_code == 130, done.output
    assert f"saved in {out}/checkpoints/step-00000002. Go on with:\n" in done.output
    assert f"  course train gpt --out {out} --resume --device cpu\n" in done.output
    assert not (out / "model.safetensors").exists()
    interrupt_at(99)
    assert read_run(out, resume=True) == whole
    done = run("--out", out, "--resume", "--device", "cpu")
    assert done.exit_code == 0, done.output
    ours, expected = (load_file(folder / "model.safetensors") for folder in (out, trained))
    assert list(ours) == list(expected)
    assert all(torch.equal(ours[name], expected[name]) for name in ours)


def test_nothing_is_overwritten_without_resume(trained: Path, own_text: Path) -> None:
    before = (trained / "model.safetensors").read_bytes()
    done = run("--text", own_text, "--out", trained)
    assert isinstance(done.exception, CourseError)
    assert f"course train gpt --out '{trained}' --resume" in str(done.exception)
    assert (trained / "model.safetensors").read_bytes() == before


def test_only_the_same_run_is_resumed(trained: Path, tmp_path: Path) -> None:
    done = run("--out", trained, "--resume", "--seed", 8)
    assert "--seed must be as it was when the run began (7)" in str(done.exception)
    other = tmp_path / "other.txt"
    other.write_text("changed", "utf-8")
    done = run("--out", trained, "--resume", "--text", other)
    assert "it has changed" in str(done.exception)


def test_text_is_needed_to_begin(tmp_path: Path) -> None:
    done = run("--out", tmp_path / "a")
    assert str(done.exception) == "Name the text to learn from: --text FILES."
    done = run("--out", tmp_path / "a", "--resume")
    assert str(done.exception).startswith(f"{tmp_path}/a holds no run to resume. Name the text")
    done = run("--out", tmp_path / "a", "--text", tmp_path / "none.txt", tmp_path / "b.txt")
    assert "none.txt cannot be read" in str(done.exception)
    assert not (tmp_path / "a").exists()


def test_too_little_text_leaves_room_for_another_try(tmp_path: Path) -> None:
    little = tmp_path / "little.txt"
    little.write_text("a cat and a dog", "utf-8")
    done = run("--text", little, "--out", tmp_path / "a")
    assert isinstance(done.exception, CourseError)
    assert "more text for the preset tiny" in str(done.exception)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_two_processes_write_one_model(own_text: Path, tmp_path: Path) -> None:
    """Under torchrun, as a user would start it."""
    out = tmp_path / "two"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "course_lib.cli", "train", "gpt", "--text", str(own_text), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--steps", "2", "--device", "cpu"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("The model is in ") == 1
    assert (out / "model.safetensors").is_file()
    recorded = read_run(out, resume=True)
    assert recorded is not None
    assert recorded.steps == 2
