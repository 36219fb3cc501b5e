"""The story world: little stories in English and Chinese whose truth is known.

Every story is written by a grammar with memory, in both languages from one derivation. For each of
its tokens the exact probability under the grammar is known, and so the entropy floor: no model can
have a lower expected cross-entropy on these texts. Its translation, summary, questions, entities,
sentiment, plot and the turns of its dialogue are known, too, and so is what was planted in it.

A text has exactly one derivation in each language (the grammar is checked for that), so a story has
the same probability in English and in Chinese, spread over different tokens.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from course_lib.data.stories import (
    Callback,
    Question,
    Story,
    StoryOptions,
    Told,
    Turn,
    story_reader,
    stream_stories,
)
from course_lib.data.story_planting import Canary, PlantedRows, make_canaries, plant_rows
from course_lib.data.story_truths import (
    gender_table,
    planted_analogy_rows,
    planted_opposites,
    planted_synonyms,
)

if TYPE_CHECKING:
    import datasets

__all__ = [
    "Callback",
    "Canary",
    "PlantedRows",
    "Question",
    "Story",
    "StoryOptions",
    "Told",
    "Turn",
    "WorldOptions",
    "floor",
    "gender_table",
    "load_storyworld",
    "make_canaries",
    "make_storyworld",
    "planted_analogy_rows",
    "planted_opposites",
    "planted_synonyms",
    "split_of_story",
    "story_reader",
    "story_row",
    "stream_stories",
]

SPLIT_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
DEFAULT_SIZE = 2_000
CHUNK_ROWS = 2_000
Language = Literal["en", "zh", "both"]
TOLD_COLUMNS = (
    "text",
    "sentences",
    "tokens",
    "token_log_probs",
    "entities",
    "summary",
    "questions",
    "cue",
    "cue_start",
    "turns",
    "callback",
)


class WorldOptions(TypedDict, total=False):
    """The options of `load("storyworld")`; see `StoryOptions` and `PlantedRows`."""

    size: int
    seed: int
    language: Language
    p_gender: float
    analogy_regularity: float
    callback_distance: int | None
    plots: Sequence[str] | None
    canaries: Mapping[str, int] | Sequence[Canary]
    duplicate_rate: float
    near_duplicate_rate: float
    noise_rate: float
    leak_rate: float


def load_storyworld(options: WorldOptions) -> "datasets.DatasetDict":
    """Make a data set from the options of `load("storyworld")`.

    Args:
        options: What is not given has its default. `canaries` may be a mapping of sentences to
            repetitions, where there is only one language.

    Raises:
        ValueError: If an option is out of range; names it.
    """
    plots, canaries = options.get("plots"), options.get("canaries", ())
    if isinstance(plots, str):
        raise ValueError(f"plots must be a list of names, such as [{plots!r}]; got {plots!r}.")
    if isinstance(canaries, Mapping):
        canaries = [Canary(text=t, text_zh=t, n_repetitions=n) for t, n in canaries.items()]
    elif strange := [one for one in canaries if not isinstance(one, Canary)]:
        raise ValueError(
            f"canaries must map sentences to repetitions, or be Canary objects; got {strange[0]!r}."
        )
    stories = StoryOptions(
        p_gender=options.get("p_gender", 0.5),
        analogy_regularity=options.get("analogy_regularity", 1.0),
        callback_distance=options.get("callback_distance"),
        plots=None if plots is None else tuple(plots),
    )
    planted = PlantedRows(
        canaries=tuple(canaries),
        duplicate_rate=options.get("duplicate_rate", 0.0),
        near_duplicate_rate=options.get("near_duplicate_rate", 0.0),
        noise_rate=options.get("noise_rate", 0.0),
        leak_rate=options.get("leak_rate", 0.0),
    )
    return make_storyworld(
        options.get("size", DEFAULT_SIZE),
        seed=options.get("seed", 0),
        language=options.get("language", "en"),
        options=stories,
        planted=None if planted == PlantedRows() else planted,
    )


def make_storyworld(
    size: int = DEFAULT_SIZE,
    *,
    seed: int = 0,
    language: Language = "en",
    options: StoryOptions | None = None,
    planted: PlantedRows | None = None,
) -> "datasets.DatasetDict":
    """Make a data set of stories, split so that no story stands in two splits.

    Args:
        size: Number of stories in all splits together, before anything is planted (≥ 1). With
            fewer than 100, validation or test may be empty.
        seed: Same seed, same stories.
        language: "en" or "zh", or "both", where the columns of the Chinese text end in `_zh`.
        options: What is planted inside the stories.
        planted: What is planted among the rows of the training split.

    Returns:
        train, validation and test, about 80, 10 and 10 %.

    Raises:
        ValueError: If `size` is no integer above 0, or the language is unknown.
    """
    import datasets

    if language not in ("en", "zh", "both"):
        raise ValueError(f"language must be 'en', 'zh' or 'both'; got {language!r}.")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size must be an integer ≥ 1; got {size!r}.")
    # English is always told, because its hash decides the split.
    languages = ("en",) if language == "en" else ("en", "zh")
    features = _features(language)
    chunks: dict[str, list[datasets.Dataset]] = {name: [] for name in SPLIT_SHARES}
    waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in SPLIT_SHARES}
    for story in islice(stream_stories(seed, options, languages=languages), size):
        name = split_of_story(story.told["en"].text)
        waiting[name].append(story_row(story, language))
        if len(waiting[name]) == CHUNK_ROWS:
            chunks[name].append(datasets.Dataset.from_list(waiting[name], features=features))
            waiting[name] = []
    if planted is not None:
        train, test = (
            [row for chunk in chunks[name] for row in chunk.to_list()] + waiting[name]
            for name in ("train", "test")
        )
        chunks["train"] = []
        waiting["train"] = plant_rows(train, planted, language, seed, test_rows=test)
    for name, rows in waiting.items():
        columns = {column: [row[column] for row in rows] for column in features}
        chunks[name].append(datasets.Dataset.from_dict(columns, features=features))
    joined = {name: datasets.concatenate_datasets(parts) for name, parts in chunks.items()}
    return datasets.DatasetDict(**joined)


def story_row(story: Story, language: Language) -> dict[str, Any]:
    """Turn a story into a row of a data set.

    Args:
        story: Told in the languages wanted, and in English.
        language: "en", "zh" or "both".

    Returns:
        Column to value; `origin` is "story".
    """
    row: dict[str, Any] = {"id": _digest(story.told["en"].text).hex()}
    wanted = {"en": {"": "en"}, "zh": {"": "zh"}, "both": {"": "en", "_zh": "zh"}}[language]
    for suffix, name in wanted.items():
        row |= {column + suffix: value for column, value in _told_row(story.told[name]).items()}
    return row | {
        "plot": story.plot,
        "sentiment": story.sentiment,
        "hero": story.hero,
        "gender": story.gender,
        "profession": story.profession,
        "log_prob": story.log_prob,
        "origin": "story",
    }


def floor(rows: Iterable[Mapping[str, Sequence[float]]], *, language: str = "") -> float:
    """Compute the entropy floor of some stories: the generator's own cross-entropy on them.

    In expectation no model can do better. A model that gave every token the generator's
    probability would have exactly this loss.

    Args:
        rows: Rows of `load("storyworld")`, one split of it for instance.
        language: For rows in both languages: "zh" for the Chinese tokens.

    Returns:
        The floor, in nats per token of the generator's own tokens.

    Raises:
        ValueError: If there is no token, or a row has no probabilities because it is planted
            noise or a canary.
    """
    column = "token_log_probs_zh" if language == "zh" else "token_log_probs"
    sums, n_tokens = [], 0
    for number, row in enumerate(rows):
        if not row[column]:
            raise ValueError(
                f"row {number} must be a story; it has no {column} (origin "
                f"{row.get('origin')!r}). Keep the rows whose origin is 'story'."
            )
        sums.append(math.fsum(row[column]))
        n_tokens += len(row[column])
    if n_tokens == 0:
        raise ValueError("rows must hold at least one story; got none.")
    return -math.fsum(sums) / n_tokens


def split_of_story(text: str) -> str:
    """Say which split a story belongs to: a hash of its English text decides.

    Args:
        text: The English text.

    Returns:
        "train", "validation" or "test".

    Example:
        >>> split_of_story("Once upon a time.")
        'train'
    """
    position, below = int.from_bytes(_digest(text), "big") / 2**64, 0.0
    for name, share in SPLIT_SHARES.items():
        below += share
        if position < below:
            return name
    return "test"


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _told_row(told: Told) -> dict[str, Any]:
    row: dict[str, Any] = {column: getattr(told, column) for column in TOLD_COLUMNS}
    row["questions"] = [question._asdict() for question in told.questions]
    row["turns"] = [asdict(turn) for turn in told.turns]
    row["callback"] = asdict(told.callback) if told.callback else None
    return row


def _features(language: Language) -> "datasets.Features":
    from datasets import Features, List, Value

    text, number, whole = Value("string"), Value("float64"), Value("int32")
    question = {"question": text, "answer": text, "start": whole, "kind": text}
    callback = {"first_token": whole, "return_token": whole, "n_sentences": whole}
    told = {
        "text": text,
        "sentences": List(text),
        "tokens": List(text),
        "token_log_probs": List(number),
        "entities": List(text),
        "summary": text,
        "questions": List(question),
        "cue": text,
        "cue_start": whole,
        "turns": List({"speaker": text, "text": text}),
        "callback": callback,
    }
    features: dict[str, Any] = {"id": text, **told}
    if language == "both":
        features |= {f"{column}_zh": kind for column, kind in told.items()}
    known = dict.fromkeys(("plot", "sentiment", "hero", "gender", "profession"), text)
    return Features({**features, **known, "log_prob": number, "origin": text})
