"""`course generate`: let a model go on writing."""

import secrets
from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Of the model.")],
    prompt: Annotated[str, typer.Option(help="How the text begins.")],
    tokens: Annotated[int, typer.Option(min=1, help="How many to write at most.")] = 200,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Above 1 bolder, below safer; 0: no chance at all."),
    ] = 0.8,
    top: Annotated[int, typer.Option(min=0, help="Draw from so many likeliest; 0: all.")] = 0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Repeats a text; else each is another.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
) -> None:
    """Write on after a prompt, token by token."""
    from course_lib.cli.device import device_named
    from course_lib.cli.model_folder import load_model
    from course_lib.cli.writing import stream_text
    from course_lib.seeding import make_generator

    model, tokenizer = load_model(folder, device_named(device))
    generator = make_generator(secrets.randbits(32) if seed is None else seed)
    pieces = stream_text(
        model, tokenizer, prompt, tokens, generator=generator, temperature=temperature, top=top
    )
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
