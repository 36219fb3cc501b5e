"""story-gpt: a small Llama that knows the story world, and a draft model of half its depth.

Both learn from stories that are made as they go, English and Chinese in turn, and share a
byte-level BPE tokenizer. The draft is for speculative decoding.
"""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from course_lib.data.batches import InOrder, PaddedBatches
from course_lib.data.stories import stream_stories
from course_lib.data.story_batches import StoryBatches
from course_lib.data.storyworld import split_of_story
from course_lib.models import Llama, LlamaConfig
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    AdamWConfig,
    Checkpoints,
    MuonConfig,
    RichProgress,
    TrainingConfig,
    WarmupLinear,
    train,
)

END = "<|endoftext|>"
VOCAB_SIZE = 6144
MODEL = LlamaConfig(
    vocab_size=VOCAB_SIZE,
    max_len=512,
    d_model=192,
    n_heads=6,
    n_kv_heads=2,
    n_layers=4,
    d_ff=576,
    tie_embeddings=True,
)
DRAFT = replace(MODEL, n_layers=2)
SETTINGS = TrainingConfig(
    n_steps=40_000,
    schedule=WarmupLinear(n_warmup=100),
    optimizer=MuonConfig(learning_rate=0.02, adamw=AdamWConfig(learning_rate=0.004)),
    precision="bfloat16",
)
