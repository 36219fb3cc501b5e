"""The mix of texts that the course's bilingual models learn from, and packing it into ids.

Letters: N = ids of all documents together.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.data.corpus import Corpus
from course_lib.data.loading import load
from course_lib.data.normalisation import normalise_text
from course_lib.data.stories import stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.errors import DataNotFoundError

Language = Literal["en", "zh"]
CORPORA: Mapping[str, Language] = MappingProxyType(
    {
        "wikipedia-excerpt": "en",
        "python-docs": "en",
        "books": "en",
        "songci": "zh",
        "tangshi": "zh",
        "guwenguanzhi": "zh",
        "shijing": "zh",
        "lunyu": "zh",
    }
)
STORIES: Mapping[str, Language] = MappingProxyType({"stories-en": "en", "stories-zh": "zh"})


class SourceTexts(NamedTuple):
    """Documents of one source; none is in both parts, nor twice in any source."""

    name: str
    language: Language
    train: list[str]
    held_out: list[str]


class PretrainingTexts(NamedTuple):
    """The sources that are on this machine, and of each that is not, why."""

    sources: list[SourceTexts]
    skipped: dict[str, str]


class Encoder(Protocol):
    """A tokenizer, as far as packing needs one."""

    def encode(self, text: str) -> list[int]:
        """Turn a text into ids."""
        ...


def load_pretraining_texts(
    *,
    corpora: Mapping[str, Language] = CORPORA,
    n_stories: int = 20_000,
    held_out_share: float = 0.02,
    seed: int = 0,
) -> PretrainingTexts:
    """Load the mix: English and Chinese corpora, and stories told in both languages.

    A document that repeats an earlier one, of any source, is dropped before anything is split;
    two are the same if they are after `normalise_text`. Which are held out depends on their text
    and the seed alone, so another version of a corpus moves few of them. The stories keep the
    split of `load("storyworld")`: its test stories are in neither part, so that models trained on
    the mix can be tested on them.

    Args:
        corpora: Names for `load`, each a text corpus, and their languages.
        n_stories: How many stories to write before they are split, 8 in 10 of them to train on
            and 1 in 10 held out; 0 for none (≥ 0). A thousand take about a second.
        held_out_share: Share of each corpus's documents that is held out, at least one document
            (> 0, < 1).
        seed: Decides the stories and what is held out.

    Returns:
        The sources in the order of `corpora`, then the stories.

    Raises:
        ValueError: If an argument is out of range, a name is not that of a text corpus, or a
            corpus has too few documents to hold one out.
    """
    if n_stories < 0:
        raise ValueError(f"n_stories must be ≥ 0; got n_stories={n_stories}.")
    if not 0 < held_out_share < 1:
        raise ValueError(
            f"held_out_share must be above 0 and below 1; got held_out_share={held_out_share}."
        )
    seen: set[bytes] = set()
    texts = PretrainingTexts([], {})
    for name, language in corpora.items():
        try:
            corpus = load(name)
        except DataNotFoundError as error:
            texts.skipped[name] = str(error)
            continue
        if not isinstance(corpus, Corpus):
            raise ValueError(f"corpora must name text corpora; got {name!r}, which is a table.")
        documents = list(_unseen(corpus.documents, seen))
        train, held_out = _hold_out(name, documents, held_out_share, seed)
        texts.sources.append(SourceTexts(name, language, train, held_out))
    if n_stories:
        texts.sources.extend(_stories(n_stories, seed, seen))
    return texts


def pack_documents(tokenizer: Encoder, documents: Iterable[str], end_id: int) -> Int[Tensor, " N"]:
    """Turn documents into one long text of ids, each followed by the end token.

    Args:
        tokenizer: Any tokenizer of the course.
        documents: The texts; at least one.
        end_id: The id of the end token.

    Raises:
        ValueError: If there is no document.

    Example:
        >>> class Letters:
        ...     def encode(self, text: str) -> list[int]:
        ...         return [ord(letter) - ord("a") for letter in text]
        >>> pack_documents(Letters(), ["abc", "", "b"], end_id=26)
        tensor([ 0,  1,  2, 26, 26,  1, 26])
    """
    parts = [torch.tensor([*tokenizer.encode(document), end_id]) for document in documents]
    if not parts:
        raise ValueError("documents must hold at least one text; got none.")
    return torch.cat(parts)


def _unseen(documents: Iterable[str], seen: set[bytes]) -> Iterator[str]:
    """Yield the documents that have text not seen before, and note them as seen."""
    for document in documents:
        digest = hashlib.sha256(normalise_text(document).encode()).digest()
        if digest not in seen:
            seen.add(digest)
            yield document


def _hold_out(
    name: str, documents: list[str], share: float, seed: int
) -> tuple[list[str], list[str]]:
    n_held_out = max(1, round(share * len(documents)))
    if n_held_out >= len(documents):
        raise ValueError(
            f"{name} must have a document to train on beside those held out; got "
            f"{len(documents)} different documents and held_out_share={share}."
        )
    drawn = sorted(documents, key=lambda text: hashlib.sha256(f"{seed} {text}".encode()).digest())
    held_out = set(drawn[:n_held_out])
    return (
        [text for text in documents if text not in held_out],
        [text for text in documents if text in held_out],
    )


def _stories(n_stories: int, seed: int, seen: set[bytes]) -> list[SourceTexts]:
    told = {name: SourceTexts(name, language, [], []) for name, language in STORIES.items()}
    for story in islice(stream_stories(seed, languages=("en", "zh")), n_stories):
        split = split_of_story(story.told["en"].text)
        if split == "test":
            continue
        for source in told.values():
            part = source.train if split == "train" else source.held_out
            part.extend(_unseen([story.told[source.language].text], seen))
    return list(told.values())
