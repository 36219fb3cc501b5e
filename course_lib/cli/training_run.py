"""A training run from documents to a folder with a model.

Under torchrun all processes come here together, and the first alone prints and writes.
"""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from course_lib.cli.material import Material, prepare
from course_lib.cli.measuring import all_windows, evaluate_documents
from course_lib.cli.model_folder import save_model
from course_lib.cli.number_format import NumberFormat, float32_products
from course_lib.cli.presets import make_model, preset_named, steps_for, training_config
from course_lib.cli.run_settings import RunSettings, read_run, resume_command
from course_lib.cli.writing import stream_text
from course_lib.models import GPT
from course_lib.seeding import make_generator
from course_lib.training import (
    Checkpoints,
    History,
    RichProgress,
    TrainingConfig,
    list_checkpoints,
    train,
)
from course_lib.training.processes import current_processes

CHECKPOINTS = "checkpoints"
HELD_OUT = "held_out"
N_CHECKPOINTS = 10
"""About so many are written in a run; two stay."""

PROMPT_CHARACTERS, SAMPLE_TOKENS = 40, 100


def share_settings(settings: RunSettings, folder: Path) -> RunSettings:
    """Write the settings of a run into its folder, and let all processes have the same.

    Args:
        settings: Of this process; those of the first count.
        folder: Of the run.

    Raises:
        CourseError: If the folder cannot be written.
    """
    processes = current_processes()
    processes.barrier()  # all have looked whether the folder is empty
    if processes.is_first:
        settings.write(folder)
    processes.barrier()
    return read_run(folder, resume=True) or settings


def train_and_write(
    settings: RunSettings, documents: Sequence[str], out: Path, device: torch.device
) -> Literal["", "n_steps", "patience", "interrupt"]:
    """Train, or go on training; at the end write the model and say how good it is.

    Args:
        settings: Of the run, as this process has them.
        documents: All text, for training and for evaluation.
        out: The run's folder.
        device: What trains.

    Returns:
        What ended the run, as `History` has it.

    Raises:
        CourseError: If there is too little text, the folder cannot be written, a checkpoint does
            not fit, or the loss is no longer finite.
    """
    is_first = current_processes().is_first
    say: Callable[[str], None] = print if is_first else lambda _: None
    material = prepare(settings, documents)
    settings = share_settings(settings, out)
    preset = preset_named(settings.preset)
    model = make_model(preset, material.tokenizer.vocab_size, settings.seed).to(device)
    number_format = NumberFormat(settings.precision, settings.float32_products)
    n_steps = settings.steps or steps_for(preset, material.batches.n_batches)
    config = training_config(preset, n_steps, settings.seed, number_format)
    say(describe_start(documents, material, model, config))
    with float32_products(number_format.float32_products):
        history = run_loop(model, material, config, out)
    if history.stopped_by == "interrupt":
        say(describe_interrupt(out, device))
        return history.stopped_by
    figures = evaluate_documents(model, material.tokenizer, material.held_out)
    if is_first:
        write_model(model, material, history, out)
    say(describe_curve(history) + f"\n\nOn the held-out text:\n{figures}\n")
    say(describe_sample(model, material, out))
    return history.stopped_by


def run_loop(model: GPT, material: Material, config: TrainingConfig, out: Path) -> History:
    """Train, saving every so often, with a bar in the terminal.

    Args:
        model: Changed in place.
        material: What it learns from.
        config: Settings of the loop.
        out: The run's folder.
    """
    from rich.console import Console

    every_steps = max(1, config.n_steps // N_CHECKPOINTS)
    with RichProgress(Console(quiet=not current_processes().is_first)) as progress:
        return train(
            model,
            material.batches,
            config,
            held_out=all_windows(material.held_out_ids, model.config.max_len),
            checkpoints=Checkpoints(out / CHECKPOINTS, every_steps=every_steps, resume=True),
            progress=progress,
        )


def write_model(model: GPT, material: Material, history: History, out: Path) -> None:
    """Write what a finished run leaves: model, tokenizer, history, and the held-out documents.

    Args:
        model: Trained.
        material: What it learned from.
        history: Of the run.
        out: The run's folder.
    """
    save_model(model, material.tokenizer, out)
    (out / "history.json").write_text(history.to_json(), "utf-8")
    folder = out / HELD_OUT
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(material.held_out):
        (folder / f"{number:05}.txt").write_bytes(text.encode())


def describe_start(
    documents: Sequence[str], material: Material, model: GPT, config: TrainingConfig
) -> str:
    """Say what is about to be trained on what."""
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    n_ids, n_held_out = len(material.batches.ids), len(material.held_out_ids)
    batches = material.batches
    step_tokens = batches.n_rows * batches.n_tokens * config.n_micro_batches
    return (
        f"Documents: {len(documents):,}, of {sum(map(len, documents)):,} characters together.\n"
        f"Tokens: {n_ids:,} to train on, {n_held_out:,} held out; "
        f"{material.tokenizer.vocab_size:,} in the vocabulary.\n"
        f"Model: {n_parameters:,} parameters, in {config.precision}. {config.n_steps:,} steps of "
        f"{step_tokens:,} tokens: {config.n_steps * step_tokens / n_ids:.1f} times the text."
    )


def describe_interrupt(out: Path, device: torch.device) -> str:
    """Say what is saved, and how to go on on the same device."""
    saved = list_checkpoints(out / CHECKPOINTS)
    place = f"saved in {saved[-1]}" if saved else "nothing is saved"
    return f"Stopped; {place}. Go on with:\n  {resume_command(out)} --device {device}"


def describe_curve(history: History) -> str:
    """Say how the loss on held-out text went, and whether training was too long."""
    evaluations = history.evaluations
    points = ", ".join(f"{e.nats_per_token:.3f} (step {e.step})" for e in evaluations)
    best = min(evaluations, key=lambda evaluation: evaluation.nats_per_token)
    lines = [f"Held-out loss, nats per token: {points}"]
    if best.step != evaluations[-1].step:
        lines.append(f"It was lowest at step {best.step}: take more text, or --steps {best.step}.")
    return "\n".join(lines)


def describe_sample(model: GPT, material: Material, out: Path) -> str:
    """Let the model write a little, and say what can be done with it."""
    beginning = material.held_out[0].strip()[:PROMPT_CHARACTERS]
    prompt = beginning.rpartition(" ")[0] or beginning
    generator = make_generator(0)
    pieces = stream_text(model, material.tokenizer, prompt, SAMPLE_TOKENS, generator=generator)
    generate = shlex.join(["course", "generate", str(out), "--prompt", prompt.partition("\n")[0]])
    evaluate = shlex.join(["course", "evaluate", str(out), "--text", str(out / HELD_OUT)])
    return (
        f"A sample, after the prompt {prompt!r}:\n{prompt}{''.join(pieces)}\n\n"
        f"The model is in {out}. Go on with:\n  {generate}\n  {evaluate}"
    )
