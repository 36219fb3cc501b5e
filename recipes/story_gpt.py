"""story-gpt: a small Llama that knows the story world, and a draft model of half its depth.

Both learn from stories that are made as they go, English and Chinese in turn, and share a
byte-level BPE tokenizer. The draft is for speculative decoding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from course_lib.data.batches import InOrder, PaddedBatches
from course_lib.data.stories import Story, stream_stories
from course_lib.data.story_batches import StoryBatches
from course_lib.data.storyworld import split_of_story
from course_lib.models import Llama, LlamaConfig, llama_to_hf
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    Checkpoints,
    History,
    RichProgress,
    evaluate,
    train,
)
from recipes._shipping import Card, Finished, write_card, write_model
from recipes._starting import start_as_copiers, story_settings

END = "<|endoftext|>"
LANGUAGES = ("en", "zh")
MODEL = LlamaConfig(
    vocab_size=6144,
    max_len=512,
    d_model=192,
    n_heads=6,
    n_kv_heads=3,
    n_layers=4,
    d_ff=576,
    tie_embeddings=True,
)
MODELS = {"story-gpt": MODEL, "story-gpt-draft": replace(MODEL, n_layers=2)}
N_STEPS = {"story-gpt": 6_000, "story-gpt-draft": 3_000}
N_ROWS = 8
SEED_OF_TOKENIZER, SEED_OF_TRAINING, SEED_OF_TEST = 1, 2, 3


def run(out: Path, scale: float, resume: bool) -> None:
    """Train the tokenizer and both models, test them, and write them in Hugging Face's format.

    Args:
        out: Gets a folder for each model.
        scale: 1 for the models that the course ships; 0.01 takes seconds and learns little.
        resume: Whether to go on from the checkpoints in `out`.

    Raises:
        KeyboardInterrupt: If the training was interrupted; it can be resumed.
    """
    tokenizer = make_tokenizer(max(300, round(3000 * scale)))
    stories = list(islice(unseen_stories(), max(5, round(500 * scale))))
    for name, config in MODELS.items():
        model = Llama(config, torch.Generator().manual_seed(0))
        start_as_copiers(model, torch.Generator().manual_seed(0))
        n_steps = max(3, round(N_STEPS[name] * scale**1.5))  # the batches are smaller, too
        data = story_batches(tokenizer, n_rows=max(2, round(N_ROWS * scale**0.5)))
        history = train_model(model, data, n_steps, out / "checkpoints" / name, resume)
        finished = Finished(
            model=llama_to_hf(model.eval().to(torch.bfloat16)),
            tokenizer=tokenizer,
            special_tokens={"eos_token": END},
            max_len=config.max_len,
            history=history,
        )
        write_model(out / name, finished)
        model = Llama.from_pretrained(out / name)  # as it ships, rounded
        scores = list(compare_with_floor(model, tokenizer, stories))
        write_card(
            out / name, finished.history, Card(template="story-gpt", model=model, scores=scores)
        )


def make_tokenizer(n_stories: int, special_tokens: Sequence[str] = (END,)) -> BPETokenizer:
    """Train the tokenizer on stories in both languages; special tokens more, merges the same."""
    stories = islice(stream_stories(SEED_OF_TOKENIZER, languages=LANGUAGES), n_stories)
    texts = [story.told[language].text for story in stories for language in LANGUAGES]
    vocab_size = MODEL.vocab_size + len(special_tokens) - 1
    return BPETokenizer.train(texts, vocab_size=vocab_size, special_tokens=special_tokens)


def story_batches(tokenizer: BPETokenizer, n_rows: int) -> StoryBatches:
    """Make stories as they are asked for, told in English and Chinese in turn."""
    return StoryBatches(
        tokenizer.encode,
        end_id=tokenizer.id_of(END),
        n_rows=n_rows,
        languages=LANGUAGES,
        seed=SEED_OF_TRAINING,
    )


def train_model(
    model: Llama, data: StoryBatches, n_steps: int, folder: Path, resume: bool
) -> History:
    """Train one model, or go on with it."""
    places = Checkpoints(folder, every_steps=250, resume=resume)
    settings = story_settings(n_steps, matrix_rate=0.04, momentum=0.85, table_rate=0.03)
    with RichProgress() as progress:
        history = train(model, data, settings, checkpoints=places, progress=progress)
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return history


def unseen_stories() -> Iterator[Story]:
    """Give stories of the split "test", which no model of this course learns from."""
    stories = stream_stories(SEED_OF_TEST, languages=LANGUAGES)
    return (story for story in stories if split_of_story(story.told["en"].text) == "test")


def compare_with_floor(
    model: nn.Module, tokenizer: BPETokenizer, stories: list[Story]
) -> Iterator[str]:
    """Tell how many nats a story costs the model, and how many the generator itself."""
    end = [tokenizer.id_of(END)]
    floor = -sum(story.log_prob for story in stories) / len(stories)
    for language in LANGUAGES:
        texts = [end + tokenizer.encode(story.told[language].text) + end for story in stories]
        nats = evaluate(model, InOrder(PaddedBatches(texts, n_rows=20))).nats / len(texts)
        yield (
            f"{language}: {nats:.2f} nats a story, floor {floor:.2f}, ratio {nats / floor:.4f}, "
            f"n = {len(texts)} stories"
        )
