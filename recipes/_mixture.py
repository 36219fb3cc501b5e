"""What mini-gpt and mini-bert share: a bilingual mix of texts, a tokenizer, settings.

Letters: N = ids of a text, B = windows, T = tokens of a window.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Final, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.data import load
from course_lib.data.batches import PackedBatches, TokenBatch
from course_lib.data.pretraining import (
    CORPORA,
    PretrainingTexts,
    SourceTexts,
    load_pretraining_texts,
    pack_documents,
)
from course_lib.errors import DataNotFoundError
from course_lib.tokenizers import BPETokenizer
from course_lib.training import AdamWConfig, MuonConfig, TrainingConfig, WarmupLinear

PAD, CLS, SEP, MASK, END = "[PAD]", "[CLS]", "[SEP]", "[MASK]", "<|endoftext|>"
VOCAB_SIZE = 8192
PASSAGES: Final = "cmrc2018"
ROWS: Mapping[str, int] = MappingProxyType(
    {
        "books": 5,
        "wikipedia-excerpt": 2,
        "python-docs": 1,
        "stories-en": 2,
        "stories-zh": 3,
        PASSAGES: 1,
        "classical Chinese": 2,
    }
)
"""Of 16 windows in a batch, how many come from which part of the mix."""

N_ROWS = sum(ROWS.values())
CLASSICAL = ("songci", "tangshi", "guwenguanzhi", "shijing", "lunyu")
N_STORIES = 16_000
TOKENIZER_CHARACTERS = 6_000_000
HELD_OUT_CHARACTERS = 100_000
"""Of each source, at most so many characters are evaluated."""


class Mix(NamedTuple):
    """The texts by part of the mix, what is held out by source, and what is to be told."""

    parts: dict[str, list[str]]
    held_out: dict[str, list[str]]
    described: list[str]


def load_mix(scale: float) -> Mix:
    """Load the texts.

    Args:
        scale: Stories are made in proportion. At 1 every corpus must be there; below, what is not
            there is told and left out.

    Raises:
        DataNotFoundError: If a corpus is missing at full size.
    """
    texts = load_pretraining_texts(corpora=CORPORA, n_stories=max(200, round(N_STORIES * scale)))
    _add_passages(texts)
    for name, reason in texts.skipped.items():
        if scale >= 1:
            raise DataNotFoundError(reason)
        print(f"Without {name}: it is not on this machine.")
    parts: dict[str, list[str]] = {}
    for source in texts.sources:
        part = "classical Chinese" if source.name in CLASSICAL else source.name
        parts.setdefault(part, []).extend(source.train)
    for documents in parts.values():
        random.Random(0).shuffle(documents)
    described = [
        f"{source.name}: {len(source.train):,} documents, {sum(map(len, source.train)):,} "
        f"characters; held out: {len(source.held_out):,}"
        for source in texts.sources
    ]
    n_characters = max(2_000, round(HELD_OUT_CHARACTERS * scale))
    held_out = {s.name: list(clip(s.held_out, n_characters)) for s in texts.sources}
    return Mix(parts, held_out, described)


def _add_passages(texts: PretrainingTexts) -> None:
    """Add the passages of CMRC 2018, modern Chinese; those of one in 50 articles are held out."""
    try:
        splits = load(PASSAGES)
    except DataNotFoundError as error:
        texts.skipped[PASSAGES] = str(error)
        return
    rows = [row for table in splits.values() for row in table.to_list()]
    title_of = {row["context"]: row["title"] for row in rows}
    source = SourceTexts(PASSAGES, "zh", [], [])
    for passage, title in title_of.items():
        is_held_out = hashlib.sha256(title.encode()).digest()[0] % 50 == 0
        (source.held_out if is_held_out else source.train).append(passage)
    texts.sources.append(source)


def make_tokenizer(mix: Mix, scale: float) -> BPETokenizer:
    """Train the tokenizer on the parts of the mix, each with its share of the characters."""
    n_characters = max(200_000, TOKENIZER_CHARACTERS * scale)
    texts = chain.from_iterable(
        clip(mix.parts[part], round(n_characters * n_rows / N_ROWS))
        for part, n_rows in ROWS.items()
        if part in mix.parts
    )
    return BPETokenizer.train(
        texts, vocab_size=VOCAB_SIZE, special_tokens=(PAD, CLS, SEP, MASK, END)
    )


def clip(documents: Iterable[str], n_characters: int) -> Iterator[str]:
    """Yield documents from the first on, `n_characters` in all; the last one may lose its end.

    Example:
        >>> list(clip(["abc", "def", "ghi"], n_characters=5))
        ['abc', 'de']
    """
    for document in documents:
        if n_characters <= 0:
            return
        yield document[:n_characters]
        n_characters -= len(document)


class Mixture:
    """Batches in which each part of the mix has its fixed number of windows.

    Attributes:
        n_batches: How many batches make a round through the longest part; the others begin anew.
    """

    def __init__(self, parts: Sequence[PackedBatches]) -> None:
        """Hold the parts.

        Args:
            parts: All with windows of one length.
        """
        self.parts = parts
        self.n_batches = max(part.n_batches for part in parts)

    def __getitem__(self, index: int) -> TokenBatch:
        ids = torch.cat([part[index].ids for part in self.parts])
        return TokenBatch(ids, torch.ones_like(ids, dtype=torch.bool))


def encode_parts(
    mix: Mix, tokenizer: BPETokenizer, end: str, n_tokens: int
) -> dict[str, Int[Tensor, " N"]]:
    """Turn each part of the mix into ids, documents ended by a token, no more than is needed.

    Args:
        mix: The texts.
        tokenizer: Knows `end`.
        end: What stands behind every document.
        n_tokens: How many tokens of all parts together will be read.
    """
    end_id = tokenizer.id_of(end)
    encoded = {}
    for part, documents in mix.parts.items():
        needed = n_tokens * ROWS[part] // N_ROWS
        encoded[part] = torch.cat(list(_packed_up_to(needed, tokenizer, documents, end_id)))
    return encoded


def _packed_up_to(
    needed: int, tokenizer: BPETokenizer, documents: Sequence[str], end_id: int
) -> Iterator[Int[Tensor, " N"]]:
    for document in documents:
        ids = pack_documents(tokenizer, [document], end_id)
        yield ids
        needed -= len(ids)
        if needed < 0:
            return


def make_mixture(
    encoded: Mapping[str, Int[Tensor, " N"]], *, n_tokens: int, times: int = 1, seed: int
) -> Mixture:
    """Make batches of `times` · 16 windows.

    Args:
        encoded: From `encode_parts`.
        n_tokens: Length of a window, as in `PackedBatches`.
        times: How often the 16 windows of `ROWS` come in a batch.
        seed: Decides which window comes when.
    """
    return Mixture(
        [
            PackedBatches(ids, n_rows=times * ROWS[part], n_tokens=n_tokens, seed=seed)
            for part, ids in encoded.items()
        ]
    )


def mini_settings(
    n_steps: int, *, matrix_rate: float, momentum: float, table_rate: float
) -> TrainingConfig:
    """Choose the settings of the trainings on the mix; the tries are in `benchmarks/README.md`.

    Args:
        n_steps: Optimiser steps.
        matrix_rate: Highest learning rate of Muon.
        momentum: Of Muon.
        table_rate: Highest learning rate of AdamW: for embeddings, norms and biases.
    """
    return TrainingConfig(
        n_steps=n_steps,
        schedule=WarmupLinear(n_warmup=max(2, n_steps // 25)),
        optimizer=MuonConfig(
            learning_rate=matrix_rate,
            momentum=momentum,
            precision="float32",
            adamw=AdamWConfig(learning_rate=table_rate, beta2=0.99, weight_decay=0.0),
        ),
        evaluate_every=max(5, n_steps // 20),
    )
