"""Measuring in-context learning: solvers whose curves are known, written by hand."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from course_lib.data.story_cuts import ShotItem
from course_lib.data.story_shots import ShotTask
from course_lib.evaluation import proportion_interval
from course_lib.generation import ShotScore, draw_shots, likeliest, measure_shots
from course_lib.models import GPT
from course_lib.seeding import make_generator
from course_lib.tokenizers import ByteTokenizer

from .conftest import MAX_LEN, make_gpt

GROUPS = ("red", "green")
MEANING = {"x": "red", "y": "green"}
encode = ByteTokenizer().encode


def make_task(n_items: int = 60, instruction: str = "Say the colour.") -> ShotTask:
    """Letters whose label nobody could know: words with x are red, words with y are green."""
    choices = {group: f" {group}" for group in GROUPS}
    items = [
        ShotItem(f"{letter}{number} ->", MEANING[letter], choices)
        for number in range(n_items // 2)
        for letter in "xy"
    ]
    return ShotTask(
        name="letters", language="en", instruction=instruction, between="\n", items=tuple(items)
    )


def copier(prompt: str, choices: Sequence[str]) -> int:
    """Says what the last example with the same letter says; the first choice if there is none."""
    *shots, asked = prompt.split("\n")
    said = [shot.partition("->")[2] for shot in shots if shot.startswith(asked[0])]
    return choices.index(said[-1]) if said else 0


def constant(prompt: str, choices: Sequence[str]) -> int:
    return 1


def instruction_reader(prompt: str, choices: Sequence[str]) -> int:
    if not prompt.startswith("Say the colour."):
        return 0
    return choices.index(" " + MEANING[prompt.split("\n")[-1][0]])


def curve(scores: list[ShotScore], condition: str) -> dict[int, float]:
    return {one.n_shots: one.accuracy for one in scores if one.condition == condition}


def test_who_learns_from_examples_rises_and_falls_to_chance_when_they_are_shuffled() -> None:
    scores = measure_shots(make_task(200), copier, (0, 1, 2, 4, 8))
    true = curve(scores, "true labels")
    assert true[0] == 0.5
    assert true[0] < true[1] < true[2] == true[4] == true[8] == 1.0
    assert curve(scores, "no instruction") == true
    shuffled = [one for one in scores if one.condition == "shuffled labels"]
    assert [one.n_shots for one in shuffled] == [2, 4, 8]
    for one in shuffled:
        assert one.interval.low < 0.5 < one.interval.high


def test_one_example_helps_where_it_is_of_the_same_group() -> None:
    """It is of the asked one's group in half the cases; else the first choice is right in half."""
    one_shot = curve(measure_shots(make_task(200), copier, (1,)), "true labels")[1]
    assert 0.65 < one_shot < 0.85


def test_a_constant_answer_stays_at_the_base_rate() -> None:
    task = make_task(60)
    task = replace(task, items=task.items[:50] + task.items[51::2])
    share = Counter(item.label for item in task.items)["green"] / len(task.items)
    assert share > 0.5
    for score in measure_shots(task, constant, (0, 2, 8)):
        assert score.accuracy == share


def test_who_reads_the_instruction_needs_no_example_and_fails_without() -> None:
    scores = measure_shots(make_task(), instruction_reader, (0, 2))
    assert curve(scores, "true labels") == {0: 1.0, 2: 1.0}
    assert curve(scores, "shuffled labels") == {2: 1.0}
    assert curve(scores, "no instruction") == {0: 0.5, 2: 0.5}


def test_a_task_without_instruction_is_not_asked_without_it() -> None:
    scores = measure_shots(make_task(instruction=""), copier, (0, 2))
    assert list(dict.fromkeys(one.condition for one in scores)) == [
        "true labels",
        "shuffled labels",
    ]


def recorded(task: ShotTask, n_shots: Sequence[int], seed: int = 0) -> list[str]:
    prompts: list[str] = []

    def record(prompt: str, choices: Sequence[str]) -> int:
        assert choices == [" red", " green"]
        prompts.append(prompt)
        return 0

    measure_shots(task, record, n_shots, seed=seed)
    return prompts


def test_prompts_by_hand() -> None:
    task = make_task(2)
    assert recorded(task, (0, 1)) == [
        "Say the colour.\nx0 ->",
        "Say the colour.\ny0 ->",
        "Say the colour.\ny0 -> green\nx0 ->",
        "Say the colour.\nx0 -> red\ny0 ->",
        "x0 ->",
        "y0 ->",
        "y0 -> green\nx0 ->",
        "x0 -> red\ny0 ->",
    ]


def test_the_asked_item_is_no_example_and_labels_are_balanced() -> None:
    prompts = recorded(make_task(20, instruction=""), (5,))
    assert len(prompts) == 40  # true and shuffled labels
    for prompt in prompts:
        *shots, asked = prompt.split("\n")
        assert len(set(shots)) == 5
        assert not any(shot.startswith(asked) for shot in shots)
        assert sorted(Counter(shot.split()[-1] for shot in shots).values()) == [2, 3]


def test_shuffled_examples_are_the_same_ones_with_each_others_labels() -> None:
    prompts = recorded(make_task(20, instruction=""), (4,))
    true, shuffled = prompts[:20], prompts[20:]
    n_right = 0
    for one, other in zip(true, shuffled, strict=True):
        assert re.sub("red|green", "", one) == re.sub("red|green", "", other)
        assert sorted(re.findall("red|green", one)) == sorted(re.findall("red|green", other))
        answers = [re.findall("red|green", prompt) for prompt in (one, other)]
        n_right += sum(a == b for a, b in zip(*answers, strict=True))
    assert 0.3 < n_right / 80 < 0.7


def test_a_shuffled_example_keeps_its_own_words() -> None:
    items = [ShotItem(f"{n}", "ab"[n % 2], {"a": f" a{n}", "b": f" b{n}"}) for n in range(6)]
    task = ShotTask(name="t", language="en", instruction="", between="\n", items=tuple(items))
    seen: list[str] = []

    def record(prompt: str, choices: Sequence[str]) -> int:
        seen.extend(prompt.split("\n")[:-1])
        return 0

    measure_shots(task, record, (4,))
    assert all(shot[0] == shot[-1] for shot in seen)
    assert len(set(seen)) == 12  # every item with its own label, and with the other one


def test_fewer_examples_are_the_first_of_more_and_the_seed_decides() -> None:
    task = make_task(20)
    for asked in range(20):
        many = draw_shots(task.items, asked, 7, make_generator(asked))
        for n in range(7):
            assert draw_shots(task.items, asked, n, make_generator(asked)) == many[:n]
    assert recorded(task, (3,)) == recorded(task, (3,))
    assert recorded(task, (3,), seed=1) != recorded(task, (3,))
    assert len(set(recorded(task, (3,))[:20])) == 20


def test_a_label_that_runs_out_leaves_its_places_to_the_other() -> None:
    items = [ShotItem(f"{n}", "a" if n else "b", {"a": " a", "b": " b"}) for n in range(6)]
    shots = draw_shots(items, 1, 5, make_generator(0))
    assert sorted(shot.prompt for shot in shots) == ["0", "2", "3", "4", "5"]
    assert items[0] in shots[:2]


def test_every_order_of_labels_comes() -> None:
    items = make_task(20).items
    orders = {
        tuple(shot.label for shot in draw_shots(items, 0, 4, make_generator(seed)))
        for seed in range(60)
    }
    assert len(orders) == 4


def test_an_item_of_the_same_words_is_no_example() -> None:
    items = [*make_task(4).items, make_task(4).items[0]]
    shots = draw_shots(items, 0, 3, make_generator(0))
    assert sorted(shot.prompt for shot in shots) == ["x1 ->", "y0 ->", "y1 ->"]
    with pytest.raises(ValueError, match="at most 3, the items with another prompt; got n_shots=4"):
        draw_shots(items, 0, 4, make_generator(0))


def test_scores_know_their_interval() -> None:
    score = ShotScore("true labels", 2, 9, 12)
    assert score.accuracy == 0.75
    assert score.interval == proportion_interval(9, 12)


def knows(text: str) -> Callable[[Tensor], Tensor]:
    """A model that is sure of one text."""
    ids = encode(text)
    then = dict(pairwise(ids))

    def model(read: Tensor) -> Tensor:
        logits = torch.zeros(*read.shape, 256)
        for row, column in torch.cartesian_prod(*(torch.arange(n) for n in read.shape)).tolist():
            logits[row, column, then.get(int(read[row, column]), 0)] = 9.0
        return logits

    return model


def test_the_likeliest_choice_is_picked_whatever_its_place() -> None:
    pick = likeliest(knows("abcde"), encode)
    assert pick("ab", ["de", "cd", "xy"]) == 1
    assert pick("abc", ["de", "cd", "xy"]) == 0


def test_what_stands_first_is_read_first() -> None:
    seen: list[Any] = []

    def model(read: Tensor) -> Tensor:
        seen.append(read.tolist())
        return torch.zeros(*read.shape, 256)

    likeliest(model, encode, (7, 8))("ab", ["c", "d"])
    assert seen[0] == [[7, 8, *encode("ab")]]


def test_a_prompt_that_does_not_fit_is_refused_with_its_length() -> None:
    model: GPT = make_gpt().eval()
    letters = {"a": [1] * 5, "b": [2], "p": [3] * (MAX_LEN - 7)}
    pick = likeliest(model, lambda text: [i for letter in text for i in letters[letter]], [4])
    assert pick("pb", ["a", "b"]) in (0, 1)  # 1 + 36 + 1 + 5 = 43
    with pytest.raises(
        ValueError, match=rf"at most max_len={MAX_LEN} tokens .*; got {MAX_LEN + 1}"
    ):
        pick("pbb", ["a", "b"])
    with pytest.raises(ValueError, match=f"max_len={MAX_LEN} tokens"):
        measure_shots(make_task(), likeliest(model, lambda text: [1] * len(text)), (8,))


@pytest.mark.parametrize("n_shots", [(), (-1, 2), (0, 60)])
def test_refuses_numbers_of_examples_that_the_task_cannot_give(n_shots: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"n_shots must lie between 0 and 59, .* got n_shots=\("):
        measure_shots(make_task(60), constant, n_shots)


def test_as_many_examples_as_there_are_others() -> None:
    assert len(recorded(make_task(6, instruction=""), (5,))) == 12
