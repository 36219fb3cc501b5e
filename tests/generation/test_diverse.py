"""Diverse beam search against the formula of its paper, worked out by trying every choice."""

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from course_lib.data.batches import pad_left
from course_lib.generation import Beam, BeamGroups, Rules, Uncached, beam_search
from course_lib.generation import diverse_beam_search as search
from course_lib.seeding import make_generator

from .conftest import PAD_ID, Pair

N_TOKENS = 7
TABLES = torch.randn(5, 5, 5, generator=make_generator(3), dtype=torch.float64)
PROMPTS = [[2, 0], [1, 1], [4, 3]]


def tables(ids: Tensor) -> Tensor:
    """The next of five tokens depends on the last two."""
    return TABLES[ids[:, :-1], ids[:, 1:]]


def best_by_the_paper(prompt: list[int], n_tokens: int, groups: BeamGroups) -> list[list[Beam]]:
    """In each step and for each group, the set of texts with the largest augmented sum."""
    sets: list[Sequence[tuple[tuple[int, ...], float]]] = [[((), 0.0)]] * groups.n_groups
    for _ in range(n_tokens):
        chosen: list[int] = []
        for g, texts in enumerate(sets):
            longer = {}
            for ids, total in texts:
                last = [*prompt, *ids][-2:]
                log_probs = TABLES[last[0], last[1]].log_softmax(dim=-1)
                for token, log_prob in enumerate(log_probs.tolist()):
                    loss = groups.diversity_penalty * chosen.count(token)
                    longer[(*ids, token)] = total + log_prob - loss
            choices = itertools.combinations(longer.items(), groups.n_beams)
            sets[g] = max(choices, key=lambda choice: sum(total for _, total in choice))
            chosen += [ids[-1] for ids, _ in sets[g]]
    power = n_tokens**groups.length_penalty
    return [
        sorted((Beam(list(ids), total / power) for ids, total in texts), key=lambda b: -b.score)
        for texts in sets
    ]


def assert_same(found: Sequence[Sequence[Beam]], expected: Sequence[Sequence[Beam]]) -> None:
    assert [[b.ids for b in beams] for beams in found] == [
        [b.ids for b in beams] for beams in expected
    ]
    for beams, others in zip(found, expected, strict=True):
        # transformers' Llama takes its norms in single precision
        assert [b.score for b in beams] == pytest.approx([b.score for b in others], rel=1e-6)


@pytest.mark.parametrize("diversity_penalty", [0.3, 1.0, 5.0])
@pytest.mark.parametrize(("n_groups", "n_beams"), [(3, 1), (2, 2), (3, 2), (2, 3)])
def test_agrees_with_the_paper(n_groups: int, n_beams: int, diversity_penalty: float) -> None:
    groups = BeamGroups(
        n_groups=n_groups,
        n_beams=n_beams,
        diversity_penalty=diversity_penalty,
        length_penalty=0.7,
    )
    found = search(tables, torch.tensor(PROMPTS), 4, groups=groups)
    for ours, prompt in zip(found, PROMPTS, strict=True):
        assert_same(ours, best_by_the_paper(prompt, 4, groups))
    assert any(ours[0][0].ids != ours[-1][0].ids for ours in found)


def rules_that_end(pair: Pair) -> Rules:
    free = beam_search(pair.ours, pair.prompts, N_TOKENS, n_beams=2)
    return Rules(end_id=free[0][0].ids[3], repetition_penalty=1.3, no_repeat_ngram_size=3)


def test_one_group_is_beam_search(pair: Pair) -> None:
    rules = rules_that_end(pair)
    one = BeamGroups(n_groups=1, n_beams=3, diversity_penalty=2.0, length_penalty=0.6)
    found = search(pair.ours, pair.prompts, N_TOKENS, groups=one, rules=rules)
    expected = beam_search(
        pair.ours, pair.prompts, N_TOKENS, n_beams=3, length_penalty=0.6, rules=rules
    )
    assert_same([groups[0] for groups in found], expected)


def test_without_a_penalty_all_groups_search_alike(pair: Pair) -> None:
    rules = rules_that_end(pair)
    alike = BeamGroups(n_groups=3, n_beams=2, diversity_penalty=0.0)
    found = search(pair.ours, pair.prompts, N_TOKENS, groups=alike, rules=rules)
    expected = beam_search(pair.ours, pair.prompts, N_TOKENS, n_beams=2, rules=rules)
    for groups, beams in zip(found, expected, strict=True):
        assert_same(groups, [beams] * 3)


def test_under_a_large_penalty_no_two_groups_begin_alike(pair: Pair) -> None:
    apart = BeamGroups(n_groups=4, n_beams=3, diversity_penalty=1e3)
    for groups in search(pair.ours, pair.prompts, 1, groups=apart):
        beginnings = [beam.ids[0] for beams in groups for beam in beams]
        assert len(set(beginnings)) == len(beginnings) == 12


def test_padding_other_prompts_cache_and_library_change_nothing(pair: Pair) -> None:
    batch = pad_left([[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5]], PAD_ID)
    groups = BeamGroups(n_groups=3, n_beams=2, diversity_penalty=1.5)
    rules = rules_that_end(pair)
    found = search(pair.ours, batch, N_TOKENS, groups=groups, rules=rules)
    alone = search(pair.ours, torch.tensor([[9, 2]]), N_TOKENS, groups=groups, rules=rules)
    assert_same(found[1], alone[0])
    for other in (Uncached(pair.ours, takes_mask=True), pair.theirs):
        for ours, theirs in zip(
            found, search(other, batch, N_TOKENS, groups=groups, rules=rules), strict=True
        ):
            assert_same(theirs, ours)


def test_an_end_counts_once_and_a_group_that_is_over_no_more() -> None:
    chances = torch.tensor([0.4, 0.1, 0.5], dtype=torch.float64)  # 2 is the end
    first, second = search(
        lambda ids: chances.log().expand(*ids.shape, 3),
        torch.tensor([[0]]),
        4,
        groups=BeamGroups(n_groups=2, n_beams=1, diversity_penalty=1.0),
        rules=Rules(end_id=2),
    )[0]
    assert first == [Beam([], pytest.approx(math.log(0.5)))]
    # The end has 0.5 / e here, less than token 0. Then the first group is over: nothing is lost.
    assert second == [Beam([0], pytest.approx(math.log(0.4 * 0.5) / 2))]


def test_a_token_loses_for_each_time_it_was_written() -> None:
    chances = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    groups = BeamGroups(n_groups=3, n_beams=1, diversity_penalty=0.5)
    found = search(
        lambda ids: chances.log().expand(*ids.shape, 3), torch.tensor([[0]]), 1, groups=groups
    )[0]
    assert [beams[0].ids for beams in found] == [[0], [0], [1]]  # 0.6 · exp(-2 · 0.5) < 0.3
    expected = [math.log(0.6), math.log(0.6) - 0.5, math.log(0.3)]
    assert [beams[0].score for beams in found] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_groups": 0}, "n_groups must be ≥ 1; got n_groups=0"),
        ({"n_beams": 0}, "n_beams must be ≥ 1; got n_beams=0"),
        ({"diversity_penalty": -0.1}, "diversity_penalty must be ≥ 0; got diversity_penalty=-0.1"),
        ({"diversity_penalty": math.nan}, "diversity_penalty must be ≥ 0; got .*nan"),
    ],
)
def test_refuses_what_makes_no_sense(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BeamGroups(**{"n_groups": 2, "n_beams": 2, "diversity_penalty": 1.0} | setting)
