"""`course evaluate`: how surprised a model is by text."""

from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.texts import read_documents


def command(
    folder: Annotated[Path, typer.Argument(help="Of the model.")],
    text: Annotated[list[Path], typer.Option(help="Files or folders of text.")],
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
) -> None:
    """Measure a model on text: nats per token, perplexity, bits per byte; each token once."""
    from course_lib.cli.device import device_named
    from course_lib.cli.measuring import evaluate_documents
    from course_lib.cli.model_folder import load_model

    model, tokenizer = load_model(folder, device_named(device))
    documents = read_documents(text)
    print(evaluate_documents(model, tokenizer, documents))
