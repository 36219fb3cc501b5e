"""In-context learning, measured: how often a model is right after 0, 1, 2, … examples.

Three controls keep the number honest. *Shuffled labels* tell what the examples teach about form
alone, *no instruction* what the instruction adds, and `course_lib.evaluation.majority_share` what
needs no model.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from course_lib.data.story_cuts import ShotItem
from course_lib.data.story_shots import ShotTask
from course_lib.evaluation import Interval, proportion_interval
from course_lib.generation.prompts import Shot, ShotTemplate, few_shot_prompt, shuffle_answers
from course_lib.generation.reading import AnyModel
from course_lib.generation.scoring import choose
from course_lib.seeding import make_generator

TRUE_LABELS, SHUFFLED_LABELS, NO_INSTRUCTION = "true labels", "shuffled labels", "no instruction"

Pick = Callable[[str, Sequence[str]], int]
"""Takes a prompt and what may follow it, and gives the number of its choice."""


class ShotScore(NamedTuple):
    """How often the right choice was picked.

    Attributes:
        condition: "true labels", "shuffled labels" or "no instruction".
        n_shots: Examples in the prompt.
        n_right: Items answered right.
        n_items: Items asked.
    """

    condition: str
    n_shots: int
    n_right: int
    n_items: int

    @property
    def accuracy(self) -> float:
        """The share of items answered right."""
        return self.n_right / self.n_items

    @property
    def interval(self) -> Interval:
        """Where the accuracy lies with 95 % confidence; every item has its own examples."""
        return proportion_interval(self.n_right, self.n_items)


def measure_shots(
    task: ShotTask, pick: Pick, n_shots: Sequence[int] = (0, 1, 2, 4, 8), *, seed: int = 0
) -> list[ShotScore]:
    """Measure accuracy over numbers of examples, and under the controls.

    Each item is asked once a number and condition. Its examples are other items, of each label as
    many as of any other or one more; fewer examples are the first of more, and all conditions
    share them. Shuffled labels need two examples, and only a task with an instruction can be asked
    without.

    Args:
        task: What is asked, of more items than the most examples.
        pick: Such as `likeliest(…)`.
        n_shots: Numbers of examples (≥ 0).
        seed: Same seed, same examples.

    Returns:
        Scores: condition by condition, in the order of `n_shots`.

    Raises:
        ValueError: If there is no number of examples, or one is negative or too large for the
            task.

    Reference:
        Brown et al. 2020, "Language Models are Few-Shot Learners", figure 1.2 (accuracy over
        examples, with and without an instruction), https://arxiv.org/abs/2005.14165; Min et al.
        2022, "Rethinking the Role of Demonstrations", section 4 (labels that are not the true
        ones), https://arxiv.org/abs/2202.12837
    """
    if not n_shots or min(n_shots) < 0 or max(n_shots) >= len(task.items):
        raise ValueError(
            f"n_shots must lie between 0 and {len(task.items) - 1}, the items of the task less "
            f"the one asked; got n_shots={tuple(n_shots)}."
        )
    conditions = [TRUE_LABELS, SHUFFLED_LABELS] + [NO_INSTRUCTION] * bool(task.instruction)
    return [
        ShotScore(condition, n, _count_right(task, pick, condition, n, seed), len(task.items))
        for condition in conditions
        for n in n_shots
        if n > 1 or condition != SHUFFLED_LABELS
    ]


def likeliest(
    model: AnyModel, encode: Callable[[str], list[int]], start_ids: Sequence[int] = ()
) -> Pick:
    """Let a model pick what it holds for the likeliest to follow.

    Args:
        model: As for `adapt`.
        encode: Turns text into ids.
        start_ids: What stands before every prompt, as it stood before the texts in training.

    Returns:
        A function that raises ValueError where prompt and choice do not fit into the model.
    """
    max_len = getattr(getattr(model, "config", model), "max_len", None)

    def pick(prompt: str, choices: Sequence[str]) -> int:
        prompt_ids = [*start_ids, *encode(prompt)]
        choice_ids = [encode(choice) for choice in choices]
        n_tokens = len(prompt_ids) + max(map(len, choice_ids))
        if n_tokens > (max_len or math.inf):
            raise ValueError(
                f"a prompt and its longest choice must be at most max_len={max_len} tokens of the "
                f"model; got {n_tokens}. Give fewer or shorter examples."
            )
        return choose(model, torch.tensor([prompt_ids]), choice_ids)

    return pick


def draw_shots(
    items: Sequence[ShotItem], asked: int, n_shots: int, generator: torch.Generator
) -> list[ShotItem]:
    """Draw examples for an item: never itself, and labels as equally frequent as can be.

    In a group of as many examples as there are labels, each label comes once, in random order:
    what a model makes of examples that favour a label, or end with it, is not measured here.

    Args:
        items: What to draw from, without replacement.
        asked: The number of the item that is asked.
        n_shots: How many examples. With the same state of the generator, fewer are the first of
            more.
        generator: Source of the random draws.

    Returns:
        The examples. A label that has run out leaves its places to the others.

    Raises:
        ValueError: If there are fewer items with another prompt than examples wanted.

    Reference:
        Zhao et al. 2021, "Calibrate Before Use", section 4 (which labels the examples have, and
        which stands last, moves the answers), https://arxiv.org/abs/2102.09690
    """
    order = torch.randperm(len(items), generator=generator).tolist()
    waiting: dict[str, list[ShotItem]] = {label: [] for label in items[asked].choices}
    for at in order:
        if items[at].prompt != items[asked].prompt:
            waiting[items[at].label].append(items[at])
    n_others = sum(map(len, waiting.values()))
    if n_shots > n_others:
        raise ValueError(
            f"n_shots must be at most {n_others}, the items with another prompt; "
            f"got n_shots={n_shots}."
        )
    shots: list[ShotItem] = []
    while len(shots) < n_shots:
        labels = list(waiting)
        for at in torch.randperm(len(labels), generator=generator).tolist():
            if waiting[labels[at]]:
                shots.append(waiting[labels[at]].pop())
    return shots[:n_shots]


def _count_right(task: ShotTask, pick: Pick, condition: str, n_shots: int, seed: int) -> int:
    n_right = 0
    for asked, item in enumerate(task.items):
        generator = make_generator(seed * len(task.items) + asked)
        shots = draw_shots(task.items, asked, n_shots, generator)
        prompt = _write_prompt(task, item, _with_labels(shots, condition, generator), condition)
        labels = list(item.choices)
        n_right += labels[pick(prompt, list(item.choices.values()))] == item.label
    return n_right


def _with_labels(
    shots: Sequence[ShotItem], condition: str, generator: torch.Generator
) -> list[Shot]:
    """Write each example's answer out, or what it says with another example's label."""
    labelled = [Shot(shot.prompt, shot.label) for shot in shots]
    if condition == SHUFFLED_LABELS:
        labelled = shuffle_answers(labelled, generator)
    return [Shot(shot.prompt, shot.choices[labelled[at].answer]) for at, shot in enumerate(shots)]


def _write_prompt(task: ShotTask, item: ShotItem, shots: Sequence[Shot], condition: str) -> str:
    instruction = "" if condition == NO_INSTRUCTION else task.instruction
    template = ShotTemplate(question="{}", answer="{}", between=task.between)
    return few_shot_prompt(shots, item.prompt, instruction=instruction, template=template)
