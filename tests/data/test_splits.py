import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.splits import split_by_group


@settings(deadline=None)
@given(groups=st.lists(st.integers(0, 30), min_size=60, max_size=90), seed=st.integers(0, 99))
def test_every_row_once_and_no_group_on_two_sides(groups: list[int], seed: int) -> None:
    groups = [0, 1, 2, *groups]
    parts = split_by_group(groups, seed=seed)
    assert sorted(parts.train + parts.dev + parts.test) == list(range(len(groups)))
    train, dev, test = ({groups[row] for row in part} for part in parts)
    assert not (train & dev) | (train & test) | (dev & test)
    assert all(parts)


def test_sizes_by_hand() -> None:
    parts = split_by_group(range(10), dev_fraction=0.2, test_fraction=0.3, seed=0)
    assert [len(part) for part in parts] == [5, 2, 3]


def test_the_seed_decides() -> None:
    first, again, other = (split_by_group(range(50), seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(("dev", "test"), [(0.0, 0.2), (0.2, -0.1), (0.5, 0.5)])
def test_refuses_fractions_that_leave_a_part_empty(dev: float, test: float) -> None:
    with pytest.raises(ValueError, match=r"must be > 0 and sum to less than 1; got dev_fraction="):
        split_by_group(range(10), dev_fraction=dev, test_fraction=test, seed=0)


def test_refuses_too_few_groups() -> None:
    with pytest.raises(ValueError, match=r"one group each for train, dev and test; got 2 groups"):
        split_by_group(["ann", "bob", "ann"], seed=0)
