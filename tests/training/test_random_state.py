import json
import random

import numpy as np
import pytest
import torch

from course_lib.training.packing import Packed
from course_lib.training.random_state import random_state, set_random_state


def draw() -> tuple[object, ...]:
    return (
        random.random(),
        random.gauss(),
        np.random.random(),
        np.random.normal(),
        torch.rand(3).tolist(),
        torch.randn(17).tolist(),
    )


@pytest.mark.parametrize("n_before", [0, 1, 2])
def test_the_generators_go_on_where_they_stood(n_before: int) -> None:
    random.seed(3)
    np.random.seed(4)
    torch.manual_seed(5)
    for _ in range(n_before):  # half of a pair of normal numbers may be waiting for its turn
        random.gauss()
        np.random.normal()
    saved = random_state()
    saved = Packed(json.loads(json.dumps(saved.tree)), saved.tensors)
    expected = draw()
    assert draw() != expected
    random.seed(13)
    np.random.seed(14)
    torch.manual_seed(15)
    set_random_state(saved)
    assert draw() == expected


def test_what_was_saved_does_not_move_on() -> None:
    saved = random_state()
    draw()
    set_random_state(saved)
    expected = draw()
    set_random_state(saved)
    assert draw() == expected


def test_gpus_are_saved_and_set_as_far_as_they_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.tensor([1, 2], dtype=torch.uint8), torch.tensor([3], dtype=torch.uint8)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: states)
    saved = random_state()
    done: list[tuple[list[int], int]] = []
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda state, device: done.append((state.tolist(), device))
    )
    for n_gpus, expected in [(0, []), (1, [([1, 2], 0)]), (3, [([1, 2], 0), ([3], 1)])]:
        done.clear()
        monkeypatch.setattr(torch.cuda, "device_count", lambda n_gpus=n_gpus: n_gpus)
        set_random_state(saved)
        assert done == expected
