"""mini-gpt: a small Llama for English and Chinese, from books, articles, poems and stories.

Letters: N = ids of a text.

COURSE_DATA_DIR must name a folder with books, cmrc2018, songci, tangshi, guwenguanzhi, shijing and
lunyu; `load("books")` and its sisters say which files those are.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.data.batches import InOrder, PackedBatches, PaddedBatches, TokenBatch
from course_lib.data.pretraining import pack_documents
from course_lib.models import Llama, LlamaConfig, llama_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    Checkpoints,
    RichProgress,
    evaluate,
    train,
)
from recipes._mixture import (
    END,
    N_ROWS,
    PAD,
    VOCAB_SIZE,
    Mix,
    encode_parts,
    load_mix,
    make_mixture,
    make_tokenizer,
    mini_settings,
)
from recipes._shipping import Card, Finished, write_card, write_model
from recipes._starting import silence_writers

NAME = "mini-gpt"
MODEL = LlamaConfig(
    vocab_size=VOCAB_SIZE,
    max_len=256,
    d_model=256,
    n_heads=8,
    n_kv_heads=2,
    n_layers=4,
    d_ff=704,
    tie_embeddings=True,
)
N_STEPS, N_TOKENS = 2_600, 256
WATCHED_WINDOWS = 4
"""Of each source, so many windows are evaluated during training."""


def run(out: Path, scale: float, resume: bool) -> None:
    """Train the tokenizer and the model, test it, and write what ships into `out`/mini-gpt.

    Args:
        out: Gets the folder of the model.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Whether to go on from the checkpoints in `out`.

    Raises:
        DataNotFoundError: If a corpus is missing at full size.
        KeyboardInterrupt: If the training was interrupted; it can be resumed.
    """
    mix = load_mix(scale)
    tokenizer = make_tokenizer(mix, scale)
    n_tokens = max(16, round(N_TOKENS * scale**0.5))
    config = mini_settings(
        max(3, round(N_STEPS * scale)), matrix_rate=0.04, momentum=0.85, table_rate=0.03
    )
    encoded = encode_parts(mix, tokenizer, END, config.n_steps * N_ROWS * n_tokens)
    held_out = {name: with_ends(tokenizer, texts) for name, texts in mix.held_out.items()}

    model = Llama(MODEL, make_generator(0))
    silence_writers(model)
    with RichProgress() as progress:
        history = train(
            model,
            make_mixture(encoded, n_tokens=n_tokens, seed=0),
            config,
            held_out=some_windows(held_out.values(), n_tokens),
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
    scores = list(score_lines(model, held_out, mix))
    card = Card(template=NAME, model=model, scores=scores, data=mix.described)
    write_card(out / NAME, finished.history, card)


def with_ends(tokenizer: BPETokenizer, documents: list[str]) -> Int[Tensor, " N"]:
    """Put documents one behind the other, with the end token before, between and behind them."""
    end_id = tokenizer.id_of(END)
    return torch.cat([torch.tensor([end_id]), pack_documents(tokenizer, documents, end_id)])


def some_windows(texts: Iterable[Int[Tensor, " N"]], n_tokens: int) -> InOrder[TokenBatch]:
    """Take the first windows of each text: enough to watch the training."""
    windows = [
        part.tolist()
        for ids in texts
        for part in ids[: WATCHED_WINDOWS * n_tokens].split(n_tokens)
        if len(part) > 1
    ]
    return InOrder(PaddedBatches(windows, n_rows=N_ROWS))


def score_lines(model: Llama, held_out: Mapping[str, Int[Tensor, " N"]], mix: Mix) -> Iterator[str]:
    """Measure the model on all that is held out, source by source."""
    for name, ids in held_out.items():
        batches = InOrder(PackedBatches(ids, n_rows=N_ROWS, n_tokens=min(N_TOKENS, len(ids) - 1)))
        found = evaluate(model, batches)
        n_bytes = sum(len(text.encode()) for text in mix.held_out[name])
        yield (
            f"{name}: {found.nats_per_token:.3f} nats a token, {found.bits_per_byte(n_bytes):.3f} "
            f"bits a byte, n = {found.n_tokens:,} tokens"
        )
