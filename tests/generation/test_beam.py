"""Beam search finds what transformers finds, and, if it keeps every text, the best one of all."""

import itertools
import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from transformers import StoppingCriteriaList

from course_lib.data.batches import TokenBatch, pad_left
from course_lib.generation import (
    Beam,
    ForHuggingFaceSource,
    ForSource,
    Rules,
    Sliding,
    Uncached,
    beam_search,
    greedy,
)
from course_lib.models import encoder_decoder_from_hf
from course_lib.seeding import make_generator

from .conftest import PAD_ID, VOCAB_SIZE, Pair, make_marian, make_pair

LENGTH_PENALTIES = [0.0, 0.6, 1.0, 2.0, -1.0]
N_TOKENS = 7
A, B, END = 0, 1, 2
# The chances of A, B and END after each of them; END also stands before every text.
CHANCES = [[0.5, 0.1, 0.4], [0.2, 0.1, 0.7], [0.62, 0.08, 0.3]]


def chain(ids: Tensor) -> Tensor:
    """The next token depends on the last one only."""
    return torch.tensor(CHANCES, dtype=torch.float64)[ids].log()


def make_tables(vocab_size: int = 3, seed: int = 0) -> Tensor:
    sizes = (vocab_size,) * 3
    return torch.randn(sizes, generator=make_generator(seed), dtype=torch.float64)


def frequent_id(found: list[list[Beam]]) -> int:
    """A token that many texts have in their middle."""
    middles = [token for beams in found for beam in beams for token in beam.ids[1:5]]
    return Counter(middles).most_common(1)[0][0]


def settings_for_theirs(rules: Rules) -> dict[str, Any]:
    return {
        "eos_token_id": rules.end_id,
        "repetition_penalty": rules.repetition_penalty,
        "no_repeat_ngram_size": rules.no_repeat_ngram_size,
        "pad_token_id": PAD_ID,
        "early_stopping": False,
        "do_sample": False,
        "return_dict_in_generate": True,
        "output_scores": True,
    }


def their_beams(
    model: Any,
    ids: Tensor,
    mask: Tensor,
    n_beams: int,
    length_penalty: float,
    rules: Rules,
    **more: Any,
) -> list[list[Beam]]:
    """What transformers finds, in our form."""
    found = model.generate(
        ids,
        attention_mask=mask.long(),
        max_new_tokens=N_TOKENS,
        num_beams=n_beams,
        num_return_sequences=n_beams,
        length_penalty=length_penalty,
        **settings_for_theirs(rules),
        **more,
    )
    n_given = 1 if model.config.is_encoder_decoder else ids.shape[1]
    beams = []
    for text, score in zip(
        found.sequences[:, n_given:].tolist(), found.sequences_scores, strict=True
    ):
        n_ids = text.index(rules.end_id) if rules.end_id in text else N_TOKENS
        beams.append(Beam(text[:n_ids], float(score)))
    return [beams[i : i + n_beams] for i in range(0, len(beams), n_beams)]


def assert_same(ours: list[list[Beam]], theirs: list[list[Beam]]) -> None:
    for beams, expected in zip(ours, theirs, strict=True):
        assert [beam.ids for beam in beams] == [beam.ids for beam in expected]
        # transformers sums in single precision, so that is what can be compared
        ours_now = torch.tensor([beam.score for beam in beams], dtype=torch.float32)
        assert_close(ours_now, torch.tensor([beam.score for beam in expected], dtype=torch.float32))


def make_task(name: str) -> tuple[Any, Any, Tensor, Tensor, Tensor]:
    """Our model, theirs, our prompts, and what theirs is given, with its mask."""
    if name != "marian":
        pair = make_pair(name)
        mask = torch.ones_like(pair.prompts, dtype=torch.bool)
        return pair.ours, pair.theirs, pair.prompts, pair.prompts, mask
    theirs = make_marian()
    source = torch.randint(VOCAB_SIZE, (3, 7), generator=make_generator(8))
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3, [True] * 6 + [False]])
    task = ForSource(encoder_decoder_from_hf(theirs).eval(), source, mask)
    return task, theirs, task.prompts, source, mask


@pytest.mark.parametrize("n_beams", [2, 3, 5])
@pytest.mark.parametrize("name", ["gpt", "llama", "marian"])
def test_agrees_with_transformers(name: str, n_beams: int) -> None:
    ours, theirs, prompts, given, mask = make_task(name)
    end_id = frequent_id(beam_search(ours, prompts, N_TOKENS, n_beams=n_beams))
    n_ended = 0
    # Without an end all texts are of one length, so one length penalty will do.
    for length_penalty, end in [(1.0, None), *((power, end_id) for power in LENGTH_PENALTIES)]:
        rules = Rules(end_id=end)
        options: dict[str, Any] = {"n_beams": n_beams, "length_penalty": length_penalty}
        found = beam_search(ours, prompts, N_TOKENS, rules=rules, **options)
        assert_same(found, their_beams(theirs, given, mask, rules=rules, **options))
        n_ended += sum(len(beam.ids) < N_TOKENS for beams in found for beam in beams)
    assert n_ended > 0


@pytest.mark.parametrize("name", ["gpt", "llama", "marian"])
@pytest.mark.parametrize(
    "limits",
    [
        {"repetition_penalty": 1.7},
        {"no_repeat_ngram_size": 2},
        {"repetition_penalty": 0.8, "no_repeat_ngram_size": 3},
    ],
)
def test_agrees_with_transformers_under_rules(name: str, limits: dict[str, Any]) -> None:
    ours, theirs, prompts, given, mask = make_task(name)
    free = beam_search(ours, prompts, N_TOKENS, n_beams=3, rules=Rules(**limits))
    rules = Rules(end_id=frequent_id(free), **limits)
    found = beam_search(ours, prompts, N_TOKENS, n_beams=3, rules=rules)
    assert_same(found, their_beams(theirs, given, mask, 3, 1.0, rules))
    assert found != beam_search(
        ours, prompts, N_TOKENS, n_beams=3, rules=Rules(end_id=rules.end_id)
    )


def test_agrees_with_transformers_on_prompts_of_several_lengths(pair: Pair) -> None:
    batch = pad_left([[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5]], PAD_ID)
    rules = Rules(end_id=frequent_id(beam_search(pair.ours, batch, N_TOKENS, n_beams=3)))
    found = beam_search(pair.ours, batch, N_TOKENS, n_beams=3, rules=rules)
    assert_same(found, their_beams(pair.theirs, *batch, 3, 1.0, rules))
    alone = [beam_search(pair.ours, torch.tensor([[9, 2]]), N_TOKENS, n_beams=3, rules=rules)[0]]
    assert_same(found[1:2], alone)


@pytest.mark.parametrize("length_penalty", LENGTH_PENALTIES)
def test_one_beam_is_greedy(pair: Pair, length_penalty: float) -> None:
    batch = TokenBatch(pair.prompts, torch.ones_like(pair.prompts, dtype=torch.bool))
    end_id = greedy(pair.ours, batch, N_TOKENS)[0][4]
    rules = Rules(end_id=end_id, no_repeat_ngram_size=2)
    found = beam_search(
        pair.ours, batch, N_TOKENS, n_beams=1, length_penalty=length_penalty, rules=rules
    )
    expected = greedy(pair.ours, batch, N_TOKENS, rules=rules)
    assert [[beam.ids for beam in beams] for beams in found] == [[ids] for ids in expected]
    assert min(len(ids) for ids in expected) < N_TOKENS


@pytest.mark.parametrize(
    ("length_penalty", "expected"),
    [
        # First A 0.62 and END 0.3, which ends a text; then AA 0.31 and A END 0.248.
        (0.0, [([], 0.3, 1), ([A], 0.62 * 0.4, 2)]),
        # The lengths are 1, 2, 3, 3: the end token counts. AAA 0.155 and AA END 0.124 come last.
        (1.0, [([A, A, A], 0.62 * 0.25, 3), ([A, A], 0.62 * 0.5 * 0.4, 3)]),
    ],
)
def test_by_hand(length_penalty: float, expected: list[tuple[list[int], float, int]]) -> None:
    found = beam_search(
        chain,
        torch.tensor([[END]]),
        3,
        n_beams=2,
        length_penalty=length_penalty,
        rules=Rules(end_id=END),
    )
    assert [beam.ids for beam in found[0]] == [ids for ids, _, _ in expected]
    scores = [math.log(chance) / length**length_penalty for _, chance, length in expected]
    assert [beam.score for beam in found[0]] == pytest.approx(scores)


def all_texts(tables: Tensor, prompt: list[int], rules: Rules, power: float) -> list[Beam]:
    """Every text of three tokens or with an end before, the best one first."""
    found = {}
    for tokens in itertools.product(range(len(tables)), repeat=3):
        n_ids = tokens.index(rules.end_id) if rules.end_id in tokens else 3
        written, total = tokens[: n_ids + 1], 0.0
        for i, token in enumerate(written):
            text = [*prompt, *written[:i]]
            scores = tables[text[-2], text[-1]].log_softmax(dim=-1)
            total += float(rules.apply(scores[None], [text])[0, token])
        found[tokens[:n_ids]] = total / len(written) ** power
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return [Beam(list(ids), score) for ids, score in ranked]


@pytest.mark.parametrize("end_id", [None, 1])
@pytest.mark.parametrize("repetition_penalty", [1.0, 1.5])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0, -2.0])
def test_finds_every_text_in_order_if_it_keeps_all(
    end_id: int | None, repetition_penalty: float, length_penalty: float
) -> None:
    tables = make_tables()

    def model(ids: Tensor) -> Tensor:
        return tables[ids[:, :-1], ids[:, 1:]]

    rules = Rules(end_id=end_id, repetition_penalty=repetition_penalty)
    found = beam_search(
        model,
        torch.tensor([[2, 0], [1, 1]]),
        3,
        n_beams=3**3,
        length_penalty=length_penalty,
        rules=rules,
    )
    for beams, prompt in zip(found, ([2, 0], [1, 1]), strict=True):
        expected = all_texts(tables, prompt, rules, length_penalty)
        assert [beam.ids for beam in beams] == [beam.ids for beam in expected]
        scores = [beam.score for beam in beams]
        assert scores == pytest.approx([beam.score for beam in expected])


def test_more_beams_find_what_fewer_miss() -> None:
    # After A, nothing is likely; B leads to a sure token.
    chances = torch.tensor([[0.4, 0.3, 0.3], [0.0, 0.0, 1.0], [0.55, 0.45, 0.0]])
    found = [
        beam_search(lambda ids: chances[ids].log(), torch.tensor([[2]]), 2, n_beams=n)[0][0].ids
        for n in (1, 2)
    ]
    assert found == [[A, A], [B, 2]]


def test_cache_changes_nothing_and_neither_does_the_library(pair: Pair) -> None:
    rules = Rules(end_id=frequent_id(beam_search(pair.ours, pair.prompts, N_TOKENS, n_beams=3)))
    found = beam_search(pair.ours, pair.prompts, N_TOKENS, n_beams=3, rules=rules)
    for other in (Uncached(pair.ours), Sliding(pair.ours), pair.theirs):
        assert_same(beam_search(other, pair.prompts, N_TOKENS, n_beams=3, rules=rules), found)


def test_a_translator_of_hugging_face_is_searched_as_ours_is() -> None:
    task, theirs, prompts, source, mask = make_task("marian")
    other = ForHuggingFaceSource(theirs, source, mask)
    found = beam_search(task, prompts, N_TOKENS, n_beams=3)
    assert_same(beam_search(other, other.prompts, N_TOKENS, n_beams=3), found)


@pytest.mark.parametrize(("name", "every"), [("gpt", 4), ("llama", 2), ("marian", 2)])
def test_stops_with_transformers(name: str, every: int) -> None:
    ours, theirs, prompts, given, mask = make_task(name)
    # So many tokens end a text that often fewer than three texts can go on.
    stops = {token for token in range(VOCAB_SIZE) if token % every}

    def ends(ids: Tensor, scores: Any) -> Tensor:
        return torch.tensor([text[-1] in stops for text in ids.tolist()])

    rules = Rules(stop=lambda ids: ids[-1] in stops)
    found = beam_search(ours, prompts, N_TOKENS, n_beams=3, length_penalty=2.0, rules=rules)
    criteria = StoppingCriteriaList([ends])
    expected = their_beams(theirs, given, mask, 3, 2.0, Rules(), stopping_criteria=criteria)
    for beams in expected:
        for beam in beams:
            n_ids = next((n for n, token in enumerate(beam.ids, 1) if token in stops), N_TOKENS)
            del beam.ids[n_ids:]
    assert_same(found, expected)


def test_stops_where_it_is_told_and_keeps_what_was_told() -> None:
    told = []

    def stop(ids: list[int]) -> bool:
        told.append(list(ids))
        return ids[-2:] == [A, A]

    beams = beam_search(
        chain, torch.tensor([[END]]), 4, n_beams=2, rules=Rules(end_id=END, stop=stop)
    )[0]
    assert [beam.ids for beam in beams] == [[A, A], [A]]
    assert beams[0].score == pytest.approx(math.log(0.62 * 0.5) / 2)
    assert [A] in told
    assert not [ids for ids in told if END in ids]
    assert max(len(ids) for ids in told) == 2


def test_a_search_that_is_over_is_no_longer_read() -> None:
    shapes = []

    def model(ids: Tensor) -> Tensor:
        shapes.append(tuple(ids.shape))
        sure = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.01, 0.99], [0.4, 0.4, 0.2]])
        return sure[ids].log()

    prompts = torch.tensor([[A], [B]])
    found = beam_search(model, prompts, 4, n_beams=1, rules=Rules(end_id=END))
    assert [[beam.ids for beam in beams] for beams in found] == [[[A] * 4], [[]]]
    assert shapes == [(2, 1), (1, 2), (1, 3), (1, 4)]


def test_goes_on_only_while_an_open_text_scores_above_the_worst_that_ended() -> None:
    shapes = []

    def model(ids: Tensor) -> Tensor:
        shapes.append(tuple(ids.shape))
        return chain(ids)

    # By hand, see above: after two tokens, AA (0.31) is better than the worst, A END (0.248);
    # after three, the best open one is AAA (0.155).
    beam_search(
        model, torch.tensor([[END]]), 9, n_beams=2, length_penalty=0.0, rules=Rules(end_id=END)
    )
    assert shapes == [(1, 1), (2, 2), (2, 3)]


def test_a_tie_with_the_worst_that_ended_is_no_improvement() -> None:
    shapes = []
    chances = torch.tensor([[0.5, 0.0, 0.5], [0.1, 0.1, 0.8], [0.4, 0.1, 0.5]])

    def model(ids: Tensor) -> Tensor:
        shapes.append(tuple(ids.shape))
        return chances[ids].log()

    # END 0.5 and A END 0.2 have ended; AA 0.2 is open.
    found = beam_search(
        model, torch.tensor([[END]]), 4, n_beams=2, length_penalty=0.0, rules=Rules(end_id=END)
    )
    assert [beam.ids for beam in found[0]] == [[], [A]]
    assert shapes == [(1, 1), (2, 2)]


def test_fewer_beams_if_there_are_not_so_many() -> None:
    beams = beam_search(chain, torch.tensor([[END]]), 2, n_beams=11)[0]
    assert sorted(beam.ids for beam in beams) == [
        list(ids) for ids in itertools.product([A, B, END], repeat=2)
    ]
    assert sum(math.exp(beam.score * 2) for beam in beams) == pytest.approx(1.0)
    no_way = Rules(no_repeat_ngram_size=1)
    assert len(beam_search(chain, torch.tensor([[END]]), 2, n_beams=3, rules=no_way)[0]) == 2
    assert beam_search(chain, torch.tensor([[END]]), 3, n_beams=3, rules=no_way) == [[]]


def test_half_precision_is_summed_in_single() -> None:
    logits = torch.linspace(5, 6, 7).bfloat16()
    beams = beam_search(
        lambda ids: logits.expand(*ids.shape, 7), torch.tensor([[0]]), 1, n_beams=7
    )[0]
    expected = logits.float().log_softmax(dim=-1).sort(descending=True)
    assert_close(torch.tensor([beam.score for beam in beams]), expected.values)


def test_keeps_its_input() -> None:
    prompts = torch.tensor([[A, B]])
    beam_search(chain, prompts, 2, n_beams=2)
    assert prompts.tolist() == [[A, B]]


@pytest.mark.parametrize(
    ("n_tokens", "n_beams", "message"),
    [
        (3, 0, "n_beams must be ≥ 1; got n_beams=0"),
        (0, 2, "n_tokens must be ≥ 1; got n_tokens=0"),
    ],
)
def test_refuses_what_makes_no_sense(n_tokens: int, n_beams: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        beam_search(chain, torch.tensor([[A]]), n_tokens, n_beams=n_beams)
