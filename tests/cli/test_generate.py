from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.model_folder import load_model
from course_lib.cli.writing import stream_text
from course_lib.errors import CourseError
from course_lib.seeding import make_generator


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["generate", *map(str, arguments), "--device", "cpu"])


def test_the_prompt_and_what_comes_after_it_are_printed(trained: Path) -> None:
    prompt = "The cat 小猫"
    done = run(trained, "--prompt", prompt, "--tokens", 23, "--seed", 3, "--top", 5)
    assert done.exit_code == 0, done.output
    model, tokenizer = load_model(trained, torch.device("cpu"))
    choice: Any = {"generator": make_generator(3), "temperature": 0.8, "top": 5}
    text = "".join(stream_text(model, tokenizer, prompt, 23, **choice))
    assert done.output == prompt + text + "\n"


def test_a_text_repeats_only_with_its_seed_or_without_chance(trained: Path) -> None:
    options = ("--prompt", "The", "--tokens", 20)
    freely = {run(trained, *options).output for _ in range(2)}
    seeded = {run(trained, *options, "--seed", seed).output for seed in (1, 1, 2)}
    likeliest = {run(trained, *options, "--temperature", 0).output for _ in range(2)}
    assert (len(freely), len(seeded), len(likeliest)) == (2, 2, 1)


def test_bad_wishes_are_refused(trained: Path, tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "none", "--prompt", "a").exception, CourseError)
    assert "--prompt must hold" in str(run(trained, "--prompt", "").exception)
    for option, value in (("--temperature", -1), ("--tokens", 0), ("--top", -1), ("--seed", -1)):
        done = run(trained, "--prompt", "a", option, value)
        assert done.exit_code == 2
        assert option in done.output


def test_a_prompt_must_be_given(trained: Path) -> None:
    done = run(trained)
    assert done.exit_code == 2
    assert "--prompt" in done.output


@pytest.mark.parametrize("prompt", ["GREMIO:\nGood", "[bold]"])
def test_the_prompt_is_printed_as_it_is(prompt: str, trained: Path) -> None:
    assert run(trained, "--prompt", prompt, "--tokens", 1).output.startswith(prompt)
