"""Loss for compute: tinyshakespeare by character, to a given loss, in seconds of the processor.

    python benchmarks/time_to_loss.py --text FILE --target 1.905 [--peer-seconds S] [--seeds 3]
                                      [--ablations]

The task is nanoGPT's `shakespeare_char`: the first 90 % of the text are for training, the last
10 % are the validation split, of which every window of 64 characters counts. The peer is Hugging
Face's GPT-2 at nanoGPT's settings for a CPU: 4 layers, 4 heads, 128 wide, no dropout, 2,000 steps
of 12 windows. It takes turns with ours in one process, one thread, under the same settings of the
memory allocator; only training steps are timed. The aim: the target as the mean of all seeds, at
no more parameters than nanoGPT's, in a tenth of the peer's time. Ends with status 1 if it is
missed. Ours takes the number format that this processor multiplies fastest in; the peer its own,
float32.

With `--ablations`, a table of what each ingredient buys (see time_to_loss_ablations.py).
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from gpt2_peer import PeerModel, peer_step
from number_format import BFLOAT16, FLOAT32, OTHER_FLOAT32, NumberFormat, fastest_format
from torch import Tensor, nn

from course_lib.cli.allocator import restart_with_settings
from course_lib.data.batches import InOrder, PackedBatches
from course_lib.models import ModernGPT, ModernGPTConfig
from course_lib.seeding import make_generator
from course_lib.training import (
    AdamWConfig,
    CausalLM,
    MuonConfig,
    TrainingConfig,
    WarmupCosine,
    WarmupStableDecay,
    evaluate,
    parameter_groups,
    train,
)

AIM = 0.1
MOST_PARAMETERS = 804_096
"""nanoGPT's, with its positions."""

BLOCK_TOKENS = 64
PEER_STEPS = 2_000


class Data(NamedTuple):
    """A text as the ids of its characters, split."""

    vocab_size: int
    training: Tensor
    validation: Tensor


class Recipe(NamedTuple):
    """What is trained, and how."""

    name: str
    make_model: Callable[[int, torch.Generator], nn.Module]
    config: TrainingConfig
    n_rows: int


class Outcome(NamedTuple):
    """What came out: nats per character, and seconds of the processor for all training steps."""

    loss: float
    cpu_seconds: float
    n_parameters: int


def read_data(path: Path) -> Data:
    text = path.read_text("utf-8")
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    ids = torch.tensor([number[character] for character in text])
    n_training = int(0.9 * len(ids))
    return Data(len(characters), ids[:n_training], ids[n_training:])


def validation_loss(model: nn.Module, data: Data) -> float:
    windows = InOrder(PackedBatches(data.validation, n_rows=128, n_tokens=BLOCK_TOKENS))
    return evaluate(model, windows, CausalLM()).nats_per_token


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def make_modern_gpt(vocab_size: int, generator: torch.Generator) -> ModernGPT:
    sizes = ModernGPTConfig(vocab_size=vocab_size, d_model=96, n_heads=3, n_layers=3)
    return ModernGPT(sizes, generator)


OURS = Recipe(
    "ours",
    make_modern_gpt,
    TrainingConfig(
        n_steps=170,
        schedule=WarmupStableDecay(n_warmup=5, decay_share=0.9),
        max_grad_norm=math.inf,  # Muon's steps have the same length whatever the gradient's
        optimizer=MuonConfig(
            learning_rate=0.04,
            momentum=0.85,
            precision="float32",
            adamw=AdamWConfig(learning_rate=0.03, beta2=0.99, eps=1e-10, weight_decay=0.0),
        ),
    ),
    n_rows=16,
)


def in_format(recipe: Recipe, precision: str) -> Recipe:
    """Let model and Muon compute in a precision."""
    optimizer = recipe.config.optimizer
    if isinstance(optimizer, MuonConfig):
        optimizer = replace(optimizer, precision=precision)
    config = replace(recipe.config, precision=precision, optimizer=optimizer)
    return recipe._replace(config=config)


def run_recipe(recipe: Recipe, data: Data, seed: int, number_format: NumberFormat) -> Outcome:
    """Train once and measure the loss on the whole validation split, in float32."""
    model = recipe.make_model(data.vocab_size, make_generator(seed))
    batches = PackedBatches(data.training, n_rows=recipe.n_rows, n_tokens=BLOCK_TOKENS, seed=seed)
    torch.set_float32_matmul_precision(number_format.matmul_precision)
    start = time.process_time()
    train(model, batches, replace(recipe.config, seed=seed))
    cpu_seconds = time.process_time() - start
    torch.set_float32_matmul_precision("highest")
    return Outcome(validation_loss(model, data), cpu_seconds, count(model))


class Peer:
    """The peer in training, with torch's AdamW as it is by default, a piece at a time."""

    def __init__(self, data: Data, seed: int) -> None:
        torch.manual_seed(seed)
        self.data, self.generator = data, make_generator(seed)
        self.model = PeerModel(data.vocab_size, BLOCK_TOKENS)
        groups = parameter_groups(self.model, 0.1)
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
        self.n_steps, self.cpu_seconds = 0, 0.0

    def train(self, n_steps: int) -> None:
        """Take some more steps."""
        schedule = WarmupCosine(n_warmup=100, final=0.1)
        start = time.process_time()
        for step in range(self.n_steps, self.n_steps + n_steps):
            for group in self.optimizer.param_groups:
                group["lr"] = 1e-3 * schedule(step, PEER_STEPS)
            peer_step(self.model, self.optimizer, self.windows())
        self.cpu_seconds += time.process_time() - start
        self.n_steps += n_steps

    def windows(self) -> Tensor:
        """Draw 12 windows from anywhere in the text."""
        text = self.data.training
        starts = torch.randint(len(text) - BLOCK_TOKENS, (12, 1), generator=self.generator)
        return text[starts + torch.arange(BLOCK_TOKENS + 1)]


def report(label: str, outcome: Outcome) -> None:
    print(
        f"{label:44}{outcome.loss:7.4f} nats  {outcome.cpu_seconds:7.1f} CPU-s  "
        f"{outcome.n_parameters:9,} parameters",
        flush=True,
    )


def mean_of(outcomes: list[Outcome]) -> Outcome:
    """Average losses and seconds."""
    n = len(outcomes)
    loss, seconds = sum(o.loss for o in outcomes) / n, sum(o.cpu_seconds for o in outcomes) / n
    return Outcome(loss, seconds, outcomes[0].n_parameters)


def compare(
    data: Data, n_seeds: int, peer_seconds: float | None, number_format: NumberFormat
) -> tuple[Outcome, float]:
    """Train ours with each seed, and the peer in between; return our mean and its seconds."""
    peer = Peer(data, seed=0) if peer_seconds is None else None
    recipe, outcomes = in_format(OURS, number_format.precision), []
    for seed in range(n_seeds):
        if peer is not None:
            until = PEER_STEPS * (seed + 1) // n_seeds
            peer.train(until - peer.n_steps)
        outcomes.append(run_recipe(recipe, data, seed, number_format))
        report(f"ours, seed {seed}", outcomes[-1])
    if peer is not None:
        peer_seconds = peer.cpu_seconds
        loss = validation_loss(peer.model, data)
        report("Hugging Face's GPT-2", Outcome(loss, peer_seconds, count(peer.model)))
    assert peer_seconds is not None
    mean = mean_of(outcomes)
    report("ours, mean", mean)
    return mean, peer_seconds


def main() -> int:
    """Run the comparison, and the ablations if asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--target", type=float, default=1.905)
    parser.add_argument("--peer-seconds", type=float)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablations", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    number_format = fastest_format((FLOAT32, OTHER_FLOAT32, BFLOAT16))
    print(f"ours: {number_format}", flush=True)
    data = read_data(options.text)
    mean, peer_seconds = compare(data, options.seeds, options.peer_seconds, number_format)
    if options.ablations:
        from time_to_loss_ablations import variants

        for recipe, its_format in variants(OURS, number_format):
            recipe = in_format(recipe, its_format.precision)
            runs = [run_recipe(recipe, data, seed, its_format) for seed in range(options.seeds)]
            report(recipe.name, mean_of(runs))
    ratio = mean.cpu_seconds / peer_seconds
    print(
        f"{mean.cpu_seconds:.1f} CPU-seconds, {mean.n_parameters:,} parameters, "
        f"{ratio:.3f} of the peer's {peer_seconds:.1f} CPU-seconds (aim: at most {AIM})"
    )
    reached = mean.loss <= options.target and mean.n_parameters <= MOST_PARAMETERS
    return 0 if reached and ratio <= AIM else 1


if __name__ == "__main__":
    restart_with_settings()
    sys.exit(main())
