"""From documents to what a run learns from: a tokenizer, and packed ids.

Letters: N = ids of a whole text.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor

from course_lib.cli.measuring import join_ids
from course_lib.cli.model_folder import END
from course_lib.cli.presets import preset_named, vocab_size_for
from course_lib.cli.run_settings import RunSettings
from course_lib.cli.texts import split_documents
from course_lib.data.batches import PackedBatches
from course_lib.errors import CourseError
from course_lib.tokenizers import BPETokenizer

TOKENIZER_CHARACTERS = 20_000_000
"""The tokenizer learns from no more: its rules would hardly change."""


class Material(NamedTuple):
    """What a run learns from.

    Attributes:
        tokenizer: Trained on the training documents.
        batches: Of the training documents.
        held_out: The documents that are kept for evaluation.
        held_out_ids: Theirs.
    """

    tokenizer: BPETokenizer
    batches: PackedBatches
    held_out: list[str]
    held_out_ids: Int[Tensor, " N"]


def digest_of(documents: Sequence[str]) -> str:
    """Compute a digest of documents and their order."""
    digest = hashlib.sha256()
    for text in documents:
        content = text.encode()
        digest.update(len(content).to_bytes(8))
        digest.update(content)
    return digest.hexdigest()


def prepare(settings: RunSettings, documents: Sequence[str]) -> Material:
    """Split the documents, train a tokenizer, and pack.

    Args:
        settings: Of the run.
        documents: All text.

    Raises:
        CourseError: If there is too little text.
    """
    preset = preset_named(settings.preset)
    training, held_out = split_documents(documents, settings.seed)
    try:
        tokenizer = train_tokenizer(training, preset.model.vocab_size)
        ids, held_out_ids = (join_ids(tokenizer, texts) for texts in (training, held_out))
        batches = PackedBatches(
            ids, n_rows=preset.n_rows, n_tokens=preset.model.max_len, seed=settings.seed
        )
    except (ValueError, RuntimeError) as error:
        n_characters = sum(map(len, documents))
        raise CourseError(
            f"--text must hold more text for the preset {settings.preset}; got {n_characters:,} "
            f"characters. 100,000 are a beginning. ({error})"
        ) from error
    return Material(tokenizer, batches, held_out, held_out_ids)


def train_tokenizer(documents: Sequence[str], most: int) -> BPETokenizer:
    """Train a tokenizer on the beginnings of documents.

    Args:
        documents: In plain text.
        most: The largest its vocabulary may be.
    """
    share = min(1.0, TOKENIZER_CHARACTERS / sum(map(len, documents)))
    n_bytes = sum(len(text.encode()) for text in documents)
    beginnings = (text[: round(share * len(text))] for text in documents)
    vocab_size = vocab_size_for(n_bytes, most)
    return BPETokenizer.train(beginnings, vocab_size=vocab_size, special_tokens=[END])
