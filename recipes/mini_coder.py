"""mini-coder: a small Llama that goes on with Python code.

It learns from the standard library of the running Python, which needs no network and no mirror.
"""

import random
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.data import load
from course_lib.data.batches import InOrder, PackedBatches
from course_lib.data.pretraining import pack_documents
from course_lib.evaluation import proportion_interval
from course_lib.models import Llama, LlamaConfig, llama_to_hf
from course_lib.pipelines import CodeCompletionPipeline, Writer
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import Checkpoints, RichProgress, evaluate, train
from recipes._mixture import END, PAD, clip, mini_settings
from recipes._shipping import Card, Finished, write_card, write_model
from recipes._starting import silence_writers

NAME = "mini-coder"
MODEL = LlamaConfig(
    vocab_size=4096,
    max_len=256,
    d_model=192,
    n_heads=6,
    n_kv_heads=2,
    n_layers=4,
    d_ff=512,
    tie_embeddings=True,
)
N_STEPS, N_ROWS, N_TOKENS = 1_600, 16, 256
N_HELD_OUT = 30
"""Modules that are held out, of about 730."""

WATCHED_WINDOWS = 20
"""So many of what is held out are evaluated during training."""

TOKENIZER_CHARACTERS = 3_000_000
N_COMPLETED, MOST_LINES = 100, 60
"""Modules held out whose first lines are gone on with, and how many lines at most."""

SEED = 31


def run(out: Path, scale: float, resume: bool) -> None:
    """Train the tokenizer and the model, test it, and write what ships into the folder.

    Args:
        out: Gets the folder `mini-coder`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Whether to go on from the checkpoints in `out`.

    Raises:
        KeyboardInterrupt: If the training was interrupted; it can be resumed.
    """
    learnt, held_out = split_modules(scale)
    texts = clip(learnt, round(max(200_000, TOKENIZER_CHARACTERS * scale)))
    tokenizer = BPETokenizer.train(texts, vocab_size=MODEL.vocab_size, special_tokens=(PAD, END))
    end_id = tokenizer.id_of(END)
    n_tokens = max(16, round(N_TOKENS * scale**0.5))
    config = mini_settings(
        max(3, round(N_STEPS * scale)), matrix_rate=0.04, momentum=0.85, table_rate=0.03
    )
    ids = pack_documents(tokenizer, learnt, end_id)
    unseen = pack_documents(tokenizer, held_out, end_id)
    watched = unseen[: WATCHED_WINDOWS * n_tokens + 1]
    model = Llama(MODEL, make_generator(0))
    silence_writers(model)
    with RichProgress() as progress:
        history = train(
            model,
            PackedBatches(ids, n_rows=N_ROWS, n_tokens=n_tokens),
            config,
            held_out=InOrder(PackedBatches(watched, n_rows=N_ROWS, n_tokens=n_tokens)),
            checkpoints=Checkpoints(out / "checkpoints" / NAME, every_steps=100, resume=resume),
            progress=progress,
        )
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    finished = Finished(
        model=llama_to_hf(model.eval().to(torch.bfloat16)),
        tokenizer=tokenizer,
        special_tokens={"eos_token": END, "pad_token": PAD},
        max_len=MODEL.max_len,
        history=history,
    )
    write_model(out / NAME, finished)
    model = Llama.from_pretrained(out / NAME)  # as it ships, rounded
    scores = [*loss_lines(model, unseen, held_out)]
    writer = Writer(model, tokenizer, start_ids=[end_id], end_id=end_id)
    scores += completion_lines(writer, held_out, max(2, round(N_COMPLETED * scale)))
    data = [f"{len(learnt)} modules learnt from, {len(held_out)} held out"]
    write_card(out / NAME, history, Card(template=NAME, model=model, scores=scores, data=data))


def split_modules(scale: float) -> tuple[list[str], list[str]]:
    """Split the modules of the standard library: those to learn from, those held out."""
    modules = list(load("python-code").documents)
    random.Random(SEED).shuffle(modules)
    n_held_out = max(2, round(N_HELD_OUT * scale))
    n_learnt = len(modules) if scale >= 1 else max(20, round(len(modules) * scale))
    return modules[n_held_out : n_held_out + n_learnt], modules[:n_held_out]


@torch.inference_mode()
def loss_lines(model: Llama, ids: Int[Tensor, " N"], modules: Sequence[str]) -> Iterator[str]:
    """Measure the loss on the modules held out, and how often the next token is among the first."""
    batches = InOrder(PackedBatches(ids, n_rows=N_ROWS, n_tokens=min(N_TOKENS, len(ids) - 1)))
    found = evaluate(model, batches)
    n_bytes = sum(len(text.encode()) for text in modules)
    yield (
        f"{found.nats_per_token:.3f} nats a token, {found.bits_per_byte(n_bytes):.3f} bits a "
        f"byte, n = {found.n_tokens:,} tokens"
    )
    n_first = n_five = n_all = 0
    for index in range(min(40, batches.n_batches)):
        batch = batches[index].ids
        best = model(batch[:, :-1]).topk(5).indices
        is_it = best == batch[:, 1:, None]
        n_first += int(is_it[..., 0].sum())
        n_five += int(is_it.any(dim=-1).sum())
        n_all += batch[:, 1:].numel()
    yield (
        f"the next token is the likeliest one: {n_first / n_all:.3f}; among the five likeliest: "
        f"{n_five / n_all:.3f}, n = {n_all:,}"
    )


def completion_lines(writer: Writer, modules: Sequence[str], n_beginnings: int) -> Iterator[str]:
    """Count how often a completion can be read, and how often it would be without the check."""
    rng = np.random.default_rng(SEED)
    beginnings = []
    for _ in range(n_beginnings):
        lines = modules[int(rng.integers(len(modules)))].splitlines(keepends=True)
        beginnings.append("".join(lines[: int(rng.integers(1, MOST_LINES))]) or "import ")
    complete = CodeCompletionPipeline(writer, batch_size=16)
    for n_tries, name in ((0, "the likeliest completion"), (4, "that or one of four drawn")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of beginnings longer than the model
            found = complete(beginnings, n_tries=n_tries)
        n_read = sum(bool(row) and row[0]["parses"] for row in found if isinstance(row, list))
        low, high = proportion_interval(n_read, n_beginnings)
        yield (
            f"cut where Python can read it, {name}: {n_read / n_beginnings:.2f} [{low:.2f}, "
            f"{high:.2f}] of n = {n_beginnings} beginnings of modules can be gone on with"
        )
