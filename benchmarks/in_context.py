"""In-context learning on the story world: accuracy over examples, with controls.

    OMP_NUM_THREADS=1 python benchmarks/in_context.py [--quick] [--model story-gpt] [--per-label 24]

Items come from stories of the split "test". A model picks the likelier of two or three texts
after 0, 1, 2, 4 and 8 examples; intervals are Wilson's, 95 %. "Tokens" is the length of the task's
longest prompt, "no model" the share of the most frequent label. Continuations (agreement, colour,
feeling, hero) are running text of the story world; labellings (answer, kind, mood) have a form that
no story has. "Long": a prompt of that many examples does not fit into the model. Without
`--model`, every model of `MODELS` that comes with the course is asked.
`--quick` asks 6 items of each label after 0, 1 and 4 examples.
"""

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from course_lib.data.story_shots import ShotTask, make_shot_tasks
from course_lib.evaluation import majority_share
from course_lib.generation import Cached, ShotScore, likeliest, measure_shots
from course_lib.models import Llama
from course_lib.models.shipped import checkpoint_names, load_checkpoint
from course_lib.tokenizers import BPETokenizer

MODELS = ("story-gpt", "mini-gpt")
END = "<|endoftext|>"
N_SHOTS, QUICK_SHOTS, QUICK_ITEMS = (0, 1, 2, 4, 8), (0, 1, 4), 6


def measure(name: str, tasks: Sequence[ShotTask], n_shots: Sequence[int]) -> None:
    """Print a model's table."""
    model, tokenizer = load_checkpoint(name)
    assert isinstance(model, Llama), "the models asked are Llamas"
    pick = likeliest(Cached(model, packed=True), tokenizer.encode, [tokenizer.id_of(END)])
    print(f"\n## {name}\n\n| task | condition | n | tokens | no model |", end="")
    print("".join(f" {n} |" for n in n_shots))
    print("|---" * (5 + len(n_shots)) + "|")
    for task in tasks:
        longest = {n: longest_prompt(task, tokenizer, n) for n in n_shots}
        fitting = [n for n in n_shots if longest[n].with_choice < model.config.max_len]
        for condition, scores in by_condition(measure_shots(task, pick, fitting)).items():
            cells = [
                f"{task.name}, {task.language}",
                condition,
                f"{len(task.items)}",
                f"{longest[fitting[-1]].prompt}",
                f"{majority_share([item.label for item in task.items]):.2f}",
                *(told(scores.get(n)) if n in fitting else "long" for n in n_shots),
            ]
            print("| " + " | ".join(cells) + " |", flush=True)


class Longest(NamedTuple):
    """Tokens of the longest prompt of a task, and of the longest with one of its choices."""

    prompt: int
    with_choice: int


def longest_prompt(task: ShotTask, tokenizer: BPETokenizer, n_shots: int) -> Longest:
    """Look for it among all prompts with so many examples; no model is asked."""
    prompts: list[int] = []
    wholes: list[int] = []

    def look(prompt: str, choices: Sequence[str]) -> int:
        prompts.append(len(tokenizer.encode(prompt)))
        wholes.append(prompts[-1] + max(len(tokenizer.encode(choice)) for choice in choices))
        return 0

    measure_shots(task, look, [n_shots])
    return Longest(max(prompts), max(wholes))


def by_condition(scores: Sequence[ShotScore]) -> dict[str, dict[int, ShotScore]]:
    table: dict[str, dict[int, ShotScore]] = {}
    for score in scores:
        table.setdefault(score.condition, {})[score.n_shots] = score
    return table


def told(score: ShotScore | None) -> str:
    if score is None:
        return "–"
    low, high = score.interval
    return f"{score.accuracy:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    """Measure the models that are there, and print one table each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--per-label", type=int, default=24)
    options = parser.parse_args()
    torch.set_num_threads(1)
    n_per_label = QUICK_ITEMS if options.quick else options.per_label
    start = time.process_time()
    tasks = [
        task
        for language in ("en", "zh")
        for task in make_shot_tasks(language=language, n_per_label=n_per_label)
    ]
    for name in [options.model] if options.model else MODELS:
        if name in checkpoint_names():
            measure(name, tasks, QUICK_SHOTS if options.quick else N_SHOTS)
        else:
            print(f"{name} does not come with the course yet.")
    print(f"\n{time.process_time() - start:.0f} CPU-seconds")


if __name__ == "__main__":
    main()
