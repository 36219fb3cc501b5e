"""Endless batches of fresh stories, made when they are asked for.

No story is stored and hardly one comes twice, so that a model trained on them cannot learn them by
heart: what it knows, it knows about the world. Only stories of the split "train" are told; those
that `load("storyworld")` sorts into validation and test never come.

Letters: B = sequences, T = tokens of the longest of them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np

from course_lib.data.batches import TokenBatch, pad_texts
from course_lib.data.stories import StoryOptions, stream_stories
from course_lib.data.storyworld import split_of_story

POOL_BATCHES = 16
"""Stories of so many batches are made together and sorted by length, so that little is padding."""


class StoryBatches:
    """Make batch number `index` of an endless sequence, the same whenever it is asked for.

    Each text begins and ends with `end_id`, so that its first token and its end are asked for, too.

    Attributes:
        n_rows: Texts per batch.
        n_batches: Batches of one pool; a new pool of stories begins after them.
    """

    n_batches = POOL_BATCHES

    def __init__(
        self,
        encode: Callable[[str], list[int]],
        *,
        end_id: int,
        n_rows: int,
        languages: Sequence[str] = ("en", "zh"),
        options: StoryOptions | None = None,
        seed: int = 0,
    ) -> None:
        """Set up the sequence; nothing is made yet.

        Args:
            encode: Turns a text into ids.
            end_id: The id that stands between texts.
            n_rows: Texts per batch (≥ 1).
            languages: In which to tell them; each story is told in one of them, in turn.
            options: What is planted in the world.
            seed: Other seeds, other stories.

        Raises:
            ValueError: If `n_rows` is below 1 or no language is given.
        """
        if n_rows < 1:
            raise ValueError(f"n_rows must be ≥ 1; got n_rows={n_rows}.")
        if not languages:
            raise ValueError("languages must name at least one of 'en' and 'zh'; got none.")
        self.n_rows = n_rows
        self._encode = encode
        self._end_id = end_id
        self._languages = tuple(languages)
        self._options = options
        self._seed = seed
        self._pool = lru_cache(maxsize=2)(self._make_pool)

    def __getitem__(self, index: int) -> TokenBatch:
        """Make one batch.

        Raises:
            IndexError: If `index` is negative.
        """
        if index < 0:
            raise IndexError(f"index must be ≥ 0; got {index}.")
        pool, place = divmod(index, POOL_BATCHES)
        return pad_texts(self._pool(pool)[place], pad_id=self._end_id)

    def _make_pool(self, number: int) -> list[list[list[int]]]:
        """Make the stories of one pool, of like length within a batch, batches in random order."""
        random = np.random.default_rng([self._seed, number])
        told_in = ("en", *self._languages)  # English is always told: its hash decides the split
        stories = stream_stories(int(random.integers(2**62)), self._options, languages=told_in)
        learnable = (story for story in stories if split_of_story(story.told["en"].text) == "train")
        n_texts = self.n_rows * POOL_BATCHES
        texts = [
            story.told[self._languages[i % len(self._languages)]].text
            for i, story in enumerate(islice(learnable, n_texts))
        ]
        rows = sorted(
            ([self._end_id, *self._encode(text), self._end_id] for text in texts), key=len
        )
        batches = [rows[i : i + self.n_rows] for i in range(0, n_texts, self.n_rows)]
        return [batches[i] for i in random.permutation(POOL_BATCHES)]
