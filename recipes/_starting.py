"""How the recipes of the story models start: first weights and settings."""

from collections.abc import Iterable

import torch
from jaxtyping import Int
from torch import Tensor, nn

from course_lib.embeddings import SkipGram, Word2VecConfig
from course_lib.models import BERT, Llama
from course_lib.nn import sinusoidal_positions
from course_lib.training import AdamWConfig, MuonConfig, TrainingConfig, WarmupStableDecay

WRITERS = ("output.weight", "outer.weight")
"""Ends of the names of the matrices that write to the residual stream."""

TABLE_SIZE = 0.06
"""Standard deviation of the entries of tables in `start_as_neighbours`."""

SENTENCE_TOKENS = 512
"""So many tokens are one sentence to the skip-gram model."""

QUERY_GAIN = 0.7
"""How sharply a token looks there; at 1.4 it sees hardly anything but itself."""


@torch.no_grad()
def silence_writers(model: nn.Module) -> None:
    """Set to 0 what writes to the residual stream, so that every block begins as nothing.

    With Muon, this and higher rates than usual learn a story in fewer steps; the tries are in
    `benchmarks/README.md` under "story-gpt".

    Args:
        model: Its matrices are changed in place.
    """
    for name, parameter in model.named_parameters():
        if name.endswith(WRITERS):
            parameter.zero_()


@torch.no_grad()
def start_as_copiers(model: Llama, generator: torch.Generator) -> None:
    """Let every attention layer hand on what it reads, and every other layer say nothing yet.

    If the table of token vectors also scores the next token, whatever is attended to becomes
    likelier to be written again, before any training. What is left to learn is where to look. A
    story says a hero's name and a lost thing again and again; from other starts, models of this
    size learn to copy them late.

    Args:
        model: Its matrices are changed in place.
        generator: Where the values' directions come from.

    Reference:
        Trockman and Kolter 2023, "Mimetic Initialization of Self-Attention Layers",
        https://arxiv.org/abs/2305.09828. Unlike the paper, which is about images, values and output
        together make the identity, not its negative, and queries and keys are left alone.
    """
    silence_writers(model)
    n_shared = model.config.n_heads // model.config.n_kv_heads
    for block in model.blocks:
        attention = block.attention
        nn.init.orthogonal_(attention.value.weight, generator=generator)
        heads = attention.value.weight.unflatten(0, (model.config.n_kv_heads, -1))
        heads = heads.repeat_interleave(n_shared, dim=0).flatten(0, 1)
        attention.output.weight.copy_(heads.T / n_shared)


@torch.no_grad()
def start_as_neighbours(model: BERT, generator: torch.Generator) -> None:
    """Let every attention layer look at what is near, and every layer say nothing yet.

    Positions begin as sinusoids, as large as the token vectors, and queries equal keys, so a token
    looks most at its neighbours and at tokens like itself. From the usual start and at higher rates
    a model of this size, asked for hidden tokens only, learnt for hundreds of steps nothing but how
    frequent tokens are; the tries are in `benchmarks/README.md` under "mini-gpt and mini-bert".

    Args:
        model: Its matrices and tables are changed in place.
        generator: Where the directions of the queries come from.

    Reference:
        Trockman and Kolter 2023, "Mimetic Initialization of Self-Attention Layers",
        https://arxiv.org/abs/2305.09828: queries and keys alike.
    """
    silence_writers(model)
    model.tokens.weight.mul_(TABLE_SIZE / model.tokens.weight.std())
    waves = sinusoidal_positions(model.config.max_len, model.config.d_model)
    model.positions.weight.copy_(waves * TABLE_SIZE / waves.std())
    for block in model.blocks:
        attention = block.attention
        nn.init.orthogonal_(attention.query.weight, gain=QUERY_GAIN, generator=generator)
        attention.key.weight.copy_(attention.query.weight)


@torch.no_grad()
def start_with_word_vectors(
    model: BERT, parts: Iterable[Int[Tensor, " N"]], generator: torch.Generator
) -> None:
    """Give tokens that keep the same company similar vectors: those of lesson 01's skip-gram.

    They cost a minute or two, as much as a hundred steps, and save about nine hundred; the tries
    are in `benchmarks/README.md` under "mini-gpt and mini-bert". Tokens that never come stay as
    they are.

    Args:
        model: Its table of tokens is changed in place; entries spread by `TABLE_SIZE`.
        parts: The ids that it will be trained on.
        generator: For the order of the sentences.
    """
    names = [str(token) for token in range(model.config.vocab_size)]
    cut = [sentence for part in parts for sentence in part.split(SENTENCE_TOKENS)]
    order = torch.randperm(len(cut), generator=generator).tolist()
    sentences = [[names[token] for token in cut[place].tolist()] for place in order]
    settings = Word2VecConfig(d_embed=model.config.d_model, window=5, min_count=1, n_epochs=2)
    found = SkipGram(settings).fit(sentences).vectors
    vectors = torch.from_numpy(found.matrix)
    vectors = vectors - vectors.mean(dim=0)
    seen = torch.tensor([int(name) for name in found.words])
    model.tokens.weight[seen] = vectors * (TABLE_SIZE / vectors.std())


def story_settings(
    n_steps: int, *, matrix_rate: float, momentum: float, table_rate: float
) -> TrainingConfig:
    """Choose the settings of the trainings on stories: high rates, small batches, a long fall.

    Args:
        n_steps: Optimiser steps.
        matrix_rate: Highest learning rate of Muon.
        momentum: Of Muon.
        table_rate: Highest learning rate of AdamW: for embeddings, norms and biases.
    """
    return TrainingConfig(
        n_steps=n_steps,
        schedule=WarmupStableDecay(n_warmup=min(20, n_steps // 2), decay_share=0.5),
        optimizer=MuonConfig(
            learning_rate=matrix_rate,
            momentum=momentum,
            precision="float32",
            adamw=AdamWConfig(learning_rate=table_rate, beta2=0.95, weight_decay=0.0),
        ),
    )
