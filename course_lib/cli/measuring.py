"""How surprised a model is by documents."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.cli.model_folder import END
from course_lib.data.batches import InOrder, PackedBatches, TokenBatch
from course_lib.models import GPT, Llama
from course_lib.tokenizers import BPETokenizer
from course_lib.training import Evaluation, evaluate

BATCH_TOKENS = 4096


def join_ids(tokenizer: BPETokenizer, documents: Sequence[str]) -> Int[Tensor, " N"]:
    """Encode documents into one text, with the mark `END` in front of each.

    Args:
        tokenizer: Has that special token.
        documents: In plain text; a mark in them is not special.
    """
    mark = [tokenizer.id_of(END)]
    pieces = [mark + tokenizer.encode(text) for text in documents]
    return torch.cat([torch.tensor(piece, dtype=torch.int32) for piece in pieces])


def all_windows(ids: Int[Tensor, " N"], n_tokens: int) -> InOrder[TokenBatch]:
    """Cut a text into windows that together ask for every token but the first exactly once.

    Args:
        ids: At least two.
        n_tokens: Of a window.
    """
    n_tokens = min(n_tokens, len(ids) - 1)
    n_rows = max(1, BATCH_TOKENS // n_tokens)
    return InOrder(PackedBatches(ids, n_rows=n_rows, n_tokens=n_tokens))


def evaluate_documents(
    model: GPT | Llama, tokenizer: BPETokenizer, documents: Sequence[str]
) -> str:
    """Measure a model on documents, and write down the result.

    Every token is asked for once, in windows of the model's length, each read by itself; the mark
    between two documents is a token.

    Args:
        model: On any device.
        tokenizer: The model's.
        documents: At least one that is not empty.
    """
    windows = all_windows(join_ids(tokenizer, documents), model.config.max_len)
    return report(evaluate(model, windows), sum(len(text.encode()) for text in documents))


def report(evaluation: Evaluation, n_bytes: int) -> str:
    r"""Write down what an evaluation says.

    Args:
        evaluation: Of a whole text.
        n_bytes: Length of the text, in UTF-8.

    Example:
        >>> print(report(Evaluation(step=0, nats=2.0794, n_tokens=3), n_bytes=6))
        nats per token    0.6931
        perplexity        2.00
        bits per byte     0.5000
        n                 3 tokens, 6 bytes
    """
    rows = {
        "nats per token": f"{evaluation.nats_per_token:.4f}",
        "perplexity": f"{evaluation.perplexity:,.2f}",
        "bits per byte": f"{evaluation.bits_per_byte(n_bytes):.4f}",
        "n": f"{evaluation.n_tokens:,} tokens, {n_bytes:,} bytes",
    }
    return "\n".join(f"{name:<18}{value}" for name, value in rows.items())
