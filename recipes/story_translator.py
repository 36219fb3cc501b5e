"""story-translator: an encoder-decoder that translates stories, English to Chinese and back.

The first token of a source says into which language. Both directions are learnt from passages of
one to three sentences of stories that are made as they go.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from course_lib.data.batches import InOrder, PairBatch, PairBatches
from course_lib.data.stories import Story, stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.generation import ForSource, Rules, greedy
from course_lib.models import EncoderDecoder, EncoderDecoderConfig, encoder_decoder_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    Checkpoints,
    History,
    RichProgress,
    Seq2Seq,
    evaluate,
    train,
)
from recipes._shipping import Card, Finished, write_card, write_model
from recipes._starting import silence_writers, story_settings
from recipes.story_gpt import END, LANGUAGES, make_tokenizer, unseen_stories

NAME = "story-translator"
PAD = "<|pad|>"
TO = {"en": "<|to-en|>", "zh": "<|to-zh|>"}
SPECIAL_TOKENS = (END, PAD, *TO.values())
BETWEEN = {"en": " ", "zh": ""}
"""What stands between two sentences."""

MODEL = EncoderDecoderConfig(
    vocab_size=6147,
    max_len=256,
    d_model=192,
    n_heads=6,
    n_encoder_layers=3,
    n_decoder_layers=2,
    d_ff=768,
    start_id=SPECIAL_TOKENS.index(PAD),
)
N_STEPS, N_ROWS, POOL_BATCHES = 2_000, 48, 16
MOST_SENTENCES = 3
SEED_OF_TRAINING, SEED_OF_TEST = 4, 5


class Pair(NamedTuple):
    """A passage and its translation."""

    source: str
    target: str
    into: str


def run(out: Path, scale: float, resume: bool) -> None:
    """Train the tokenizer and the model, test it, and write what ships into the folder.

    Args:
        out: Gets the folder `story-translator`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Whether to go on from the checkpoints in `out`.

    Raises:
        KeyboardInterrupt: If the training was interrupted; it can be resumed.
    """
    tokenizer = make_tokenizer(max(300, round(3000 * scale)), SPECIAL_TOKENS)
    model = EncoderDecoder(MODEL, make_generator(0))
    silence_writers(model)
    history = train_model(model, tokenizer, out / "checkpoints" / NAME, scale, resume)
    finished = Finished(
        model=encoder_decoder_to_hf(model.eval().to(torch.bfloat16)),
        tokenizer=tokenizer,
        special_tokens={"eos_token": END, "pad_token": PAD},
        max_len=MODEL.max_len,
        history=history,
    )
    write_model(out / NAME, finished)
    model = EncoderDecoder.from_pretrained(out / NAME)  # as it ships, rounded
    stories = list(islice(unseen_stories(), max(2, round(100 * scale))))
    scores = list(score_lines(model, tokenizer, stories))
    write_card(out / NAME, finished.history, Card(template=NAME, model=model, scores=scores))


def train_model(
    model: EncoderDecoder, tokenizer: BPETokenizer, folder: Path, scale: float, resume: bool
) -> History:
    """Train on passages that are made as they go."""
    data = PassageBatches(tokenizer, n_rows=max(2, round(N_ROWS * scale**0.5)))
    n_steps = max(3, round(N_STEPS * scale))
    # The model multiplies its token vectors by 14: at a higher rate they would drown the positions.
    # At a higher rate for the matrices, it never looks at the source.
    settings = story_settings(n_steps, matrix_rate=0.01, momentum=0.9, table_rate=0.003)
    places = Checkpoints(folder, every_steps=100, resume=resume)
    with RichProgress() as progress:
        objective = Seq2Seq(MODEL.start_id)
        history = train(
            model, data, settings, objective=objective, checkpoints=places, progress=progress
        )
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return history


class PassageBatches:
    """Batch number `index` of an endless sequence, the same whenever it is asked for.

    Passages of several batches are made together and sorted by length, so that little is padding.

    Attributes:
        n_batches: Batches of one pool; a new pool of stories begins after them.
    """

    n_batches = POOL_BATCHES

    def __init__(self, tokenizer: BPETokenizer, n_rows: int) -> None:
        """Set up the sequence; nothing is made yet.

        Args:
            tokenizer: Turns passages into ids.
            n_rows: Pairs per batch.
        """
        self._tokenizer, self._n_rows = tokenizer, n_rows
        self._pool = lru_cache(maxsize=2)(self._make_pool)

    def __getitem__(self, index: int) -> PairBatch:
        number, place = divmod(index, POOL_BATCHES)
        pool, order = self._pool(number)
        first = int(order[place]) * self._n_rows
        return pool.take(range(first, first + self._n_rows))

    def _make_pool(self, number: int) -> tuple[PairBatches, np.ndarray]:
        random = np.random.default_rng([SEED_OF_TRAINING, number])
        stories = stream_stories(int(random.integers(2**62)), languages=LANGUAGES)
        learnable = (story for story in stories if split_of_story(story.told["en"].text) == "train")
        pairs = (pair for story in learnable for pair in passages(story, random))
        chosen = sorted(
            islice(pairs, self._n_rows * POOL_BATCHES), key=lambda pair: len(pair.source)
        )
        return encode_pairs(self._tokenizer, chosen, self._n_rows), random.permutation(POOL_BATCHES)


def passages(story: Story, random: np.random.Generator) -> Iterator[Pair]:
    """Cut a story into passages, each translated into one of the languages, drawn by lot."""
    start = 0
    while start < len(story.told["en"].sentences):
        end = start + int(random.integers(1, MOST_SENTENCES + 1))
        text = {
            name: BETWEEN[name].join(story.told[name].sentences[start:end]) for name in LANGUAGES
        }
        source, into = random.permutation(LANGUAGES).tolist()
        yield Pair(text[source], text[into], into)
        start = end


def encode_pairs(tokenizer: BPETokenizer, pairs: list[Pair], n_rows: int) -> PairBatches:
    """Turn pairs into ids: a source begins with the direction, and every text has an end."""
    end = [tokenizer.id_of(END)]
    sources = [[tokenizer.id_of(TO[p.into]), *tokenizer.encode(p.source), *end] for p in pairs]
    targets = [[*tokenizer.encode(p.target), *end] for p in pairs]
    return PairBatches(sources, targets, n_rows=n_rows, pad_id=tokenizer.id_of(PAD))


def score_lines(
    model: EncoderDecoder, tokenizer: BPETokenizer, stories: list[Story]
) -> Iterator[str]:
    """Measure the model on unseen stories, direction by direction."""
    random = np.random.default_rng(SEED_OF_TEST)
    pairs = [pair for story in stories for pair in passages(story, random)]
    for source, into in (("en", "zh"), ("zh", "en")):
        some = [pair for pair in pairs if pair.into == into]
        batches = InOrder(encode_pairs(tokenizer, some, n_rows=20))
        found = evaluate(model, batches, Seq2Seq(MODEL.start_id))
        written = [text for i in range(batches.n_batches) for text in translate(model, batches[i])]
        n_right = sum(
            tokenizer.decode(ids) == pair.target for ids, pair in zip(written, some, strict=True)
        )
        yield (
            f"{source} to {into}: {found.nats_per_token:.4f} nats a token; greedy translations "
            f"equal to the story's: {n_right / len(some):.3f}, n = {len(some)} passages"
        )


def translate(model: EncoderDecoder, batch: PairBatch) -> list[list[int]]:
    """Translate the sources of a batch, always with the likeliest token."""
    task = ForSource(model, batch.source.ids, batch.source.mask)
    n_tokens = 2 * batch.source.ids.shape[1]
    return greedy(task, task.prompts, n_tokens, rules=Rules(end_id=SPECIAL_TOKENS.index(END)))
