"""`course train gpt`: a tokenizer and a language model from people's own text."""

from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.run_settings import PresetName, RunSettings, check_same, read_run
from course_lib.cli.texts import TakesManyTexts, read_documents
from course_lib.errors import CourseError

app = typer.Typer(no_args_is_help=True, help="Train a model on your own text.")


@app.callback()
def train() -> None:
    """Train a model on your own text."""


@app.command("gpt", cls=TakesManyTexts)
def gpt(
    out: Annotated[Path, typer.Option(help="Folder of the model; a new one.")],
    text: Annotated[list[Path] | None, typer.Option(help="Files or folders of text.")] = None,
    preset: Annotated[
        PresetName | None,
        typer.Option(help="tiny (minutes on 2 cores, default), small (half an hour), gpt2 (GPU)."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides all chance; default 0.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
) -> None:
    """Train a GPT with a tokenizer of its own; Ctrl-C saves, and --resume goes on."""
    given = {"preset": preset, "steps": steps, "seed": seed}
    recorded = read_run(out, resume=resume)
    if recorded is not None:
        check_same(recorded, given)
        text = text or [Path(path) for path in recorded.text]
    if not text:
        absent = f"{out} holds no run to resume. " if resume else ""
        raise CourseError(f"{absent}Name the text to learn from: --text FILES.")
    documents = read_documents(text)
    from course_lib.cli.device import device_named
    from course_lib.cli.material import digest_of
    from course_lib.cli.number_format import fastest_format
    from course_lib.cli.training_run import train_and_write
    from course_lib.training.processes import start_processes

    place = device_named(device)
    settings = recorded or RunSettings(
        text=[str(path.resolve()) for path in text],
        text_sha256=digest_of(documents),
        preset=preset or "tiny",
        steps=steps,
        seed=seed or 0,
        **fastest_format(place)._asdict(),
    )
    if digest_of(documents) != settings.text_sha256:
        raise CourseError(
            f"the text must be as it was when the run in {out} began; it has changed. "
            "For another run, choose another --out."
        )
    with start_processes(str(place)) as processes:
        stopped_by = train_and_write(settings, documents, out, processes.device)
    raise typer.Exit(130 if stopped_by == "interrupt" else 0)
