"""The exercise of lesson 06 on speculative decoding: which drafted tokens stand.

Letters: N = tokens written ahead, V = vocab_size.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.seeding import make_generator

N_REPEATS, N_DRAWS = 30, 200
_OUTCOMES, _SHARES = "what came out", "how often"
_THREE_QUARTERS, _QUARTER = "a chance of 3/4", "a chance of 1/4"
_NO_PAIR = "no pair of plain numbers"
_UNCHANGED, _REPEATED = "probabilities left as they were", "same seed, same outcomes"

Judge = Callable[[Tensor, Tensor, Tensor, torch.Generator], tuple[int, int]]


def try_judging(
    answer: Judge, drafted: list[int], draft: list[list[float]], large: list[list[float]], what: str
) -> Any:
    """Let an answer judge one draft many times.

    Args:
        answer: The library's `judge_draft` or a learner's.
        drafted: The drafted tokens.
        draft: The probabilities that they were drawn from.
        large: Those of the large model, one row more.
        what: `_OUTCOMES` for all results that come up; `_SHARES` for the share of each.

    Returns:
        The outcomes in words, or outcome → share; whether the answer left the probabilities
        alone, and whether the same seed gives the same again.
    """
    width = len(large[0])
    ids, q, p = torch.tensor(drafted, dtype=torch.long), _rows(draft, width), _rows(large, width)
    unchanged = True

    def judge(generator: torch.Generator) -> Any:
        nonlocal unchanged
        given_q, given_p = q.clone(), p.clone()
        outcome = answer(ids, given_q, given_p, generator)
        unchanged = unchanged and torch.equal(given_q, q) and torch.equal(given_p, p)
        return _in_words(outcome)

    generator, again = make_generator(3), make_generator(3)
    found = [judge(generator) for _ in range(N_REPEATS if what == _OUTCOMES else N_DRAWS)]
    repeated = [judge(again) for _ in range(N_REPEATS)] == found[:N_REPEATS]
    seen: dict[str, Any] = {_OUTCOMES: set(found)}
    if what == _SHARES:
        possible = [_in_words((n, token)) for n in range(len(large)) for token in range(width)]
        strange = sorted(set(found) - set(possible))
        seen = {_SHARES: {one: found.count(one) / N_DRAWS for one in possible + strange}}
    return seen | {_UNCHANGED: unchanged, _REPEATED: repeated}


def _rows(numbers: list[list[float]], width: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64).reshape(len(numbers), width)


def _in_words(outcome: Any) -> str:
    """Say what came out; show what is no pair of plain numbers as it is."""
    if isinstance(outcome, tuple) and [type(part) for part in outcome] == [int, int]:
        return f"{outcome[0]} accepted, then token {outcome[1]}"
    return f"{_NO_PAIR}: {outcome!r}"


def _right_but_for(name: str) -> Callable[[tuple[Observation, ...]], bool]:
    def seen(observations: tuple[Observation, ...]) -> bool:
        return all(agree({**one.value, name: True}, one.expected, 0.15) for one in observations)

    return seen


def _no_pair(observations: tuple[Observation, ...]) -> bool:
    return all(
        outcome.startswith(_NO_PAIR)
        for one in observations
        for outcome in one.value.get(_OUTCOMES, ())
    )


def _without_dice(observations: tuple[Observation, ...]) -> bool:
    """Recognise that what is sure comes out right, and what has a chance is decided the same."""
    shares = [
        one.value[_SHARES]
        for one in observations
        if one.case.why in (_QUARTER, _THREE_QUARTERS) and one.error is None
    ]
    accepted = [sum(share for what, share in one.items() if what[0] == "1") for one in shares]
    sure = (one for one in observations if one.expected.get(_OUTCOMES))
    return set(accepted) <= {0.0, 1.0} and all(agree(one.value, one.expected, 0) for one in sure)


def _twin(
    *,
    chance: Callable[[Tensor, Tensor], Tensor] = lambda p, q: p / q,
    left: Callable[[Tensor, Tensor], Tensor] = lambda p, q: (p - q).clamp(min=0),
    count: Callable[[Tensor], int] = lambda accepted: int(accepted.long().cumprod(0).sum()),
    last: Callable[[Tensor], Tensor] = lambda p: p,
    result: Callable[[int, int], tuple[int, int]] = lambda n, token: (n, token),
) -> Judge:
    """Make a twin of `judge_draft` from its steps."""

    def twin(
        drafted: Tensor, draft_probs: Tensor, probs: Tensor, generator: torch.Generator
    ) -> tuple[int, int]:
        rows = torch.arange(len(drafted))
        ratios = chance(probs[rows, drafted], draft_probs[rows, drafted])
        luck = torch.rand(len(drafted), generator=generator, dtype=ratios.dtype)
        n = min(count(luck < ratios), len(drafted))
        rest = left(probs[n], draft_probs[n]) if n < len(drafted) else last(probs[n])
        rest = rest if rest.sum() > 0 else probs[n]
        return result(n, int(torch.multinomial(rest, 1, generator=generator)))

    return twin


def _one_hot(weights: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(weights.argmax(), len(weights)).to(weights.dtype)


def _one_luck_for_all(
    drafted: Tensor, draft_probs: Tensor, probs: Tensor, generator: torch.Generator
) -> tuple[int, int]:
    luck = torch.rand(1, generator=generator, dtype=probs.dtype)
    rows = torch.arange(len(drafted))
    ratios = probs[rows, drafted] / draft_probs[rows, drafted]
    n = int((luck < ratios).long().cumprod(0).sum())
    rest = (probs[n] - draft_probs[n]).clamp(min=0) if n < len(drafted) else probs[n]
    return n, int(torch.multinomial(rest, 1, generator=generator))


def _first_row_left(
    drafted: Tensor, draft_probs: Tensor, probs: Tensor, generator: torch.Generator
) -> tuple[int, int]:
    n, token = _twin()(drafted, draft_probs, probs, generator)
    if n == len(drafted):
        return n, token
    rest = (probs[0] - draft_probs[0]).clamp(min=0)
    return n, int(torch.multinomial(rest if rest.sum() > 0 else probs[0], 1, generator=generator))


def _same_number(
    drafted: Tensor, draft_probs: Tensor, probs: Tensor, generator: torch.Generator
) -> tuple[int, int]:
    """The number that refused a token chooses the next one, too."""
    rows = torch.arange(len(drafted))
    luck = torch.rand(len(drafted) + 1, generator=generator, dtype=probs.dtype)
    ratios = probs[rows, drafted] / draft_probs[rows, drafted]
    n = int((luck[:-1] < ratios).long().cumprod(0).sum())
    rest = (probs[n] - draft_probs[n]).clamp(min=0) if n < len(drafted) else probs[n]
    reached = rest.cumsum(0)
    return n, int(torch.searchsorted(reached, luck[n] * reached[-1], right=True))


def _next_row(
    drafted: Tensor, draft_probs: Tensor, probs: Tensor, generator: torch.Generator
) -> tuple[int, int]:
    """The large model's row is the one behind each drafted token."""
    shifted = torch.cat((probs[1:], probs[-1:]))
    return _twin()(drafted, draft_probs, shifted, generator)


JUDGE_DRAFT = Exercise(
    key="06:judge_draft",
    target="course_lib.generation.speculative:judge_draft",
    level="stretch",
    trial=try_judging,
    tolerance=0.15,
    cases=(
        Case(
            why="two tokens that are surely accepted",
            args=lambda: (
                [0, 1],
                [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]],
                [[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]],
                _OUTCOMES,
            ),
        ),
        Case(
            why="a token that is surely refused",
            args=lambda: ([0], [[0.5, 0.5]], [[0.0, 1.0], [1.0, 0.0]], _OUTCOMES),
        ),
        Case(
            why="the first token refused, the second fine",
            args=lambda: (
                [2, 0],
                [[0.5, 0.0, 0.5], [0.5, 0.5, 0.0]],
                [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
                _OUTCOMES,
            ),
        ),
        Case(
            why="what is left after a refusal",
            args=lambda: (
                [0],
                [[0.5, 0.5, 0.0, 0.0]],
                [[0.0, 0.5, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0]],
                _OUTCOMES,
            ),
        ),
        Case(
            why="the second of three refused",
            args=lambda: (
                [1, 0, 1],
                [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
                [[0.5, 0.5], [0.0, 1.0], [0.25, 0.75], [1.0, 0.0]],
                _OUTCOMES,
            ),
        ),
        Case(
            why="a chance of 1/2, with two ways on",
            args=lambda: (
                [0],
                [[0.8, 0.1, 0.1]],
                [[0.4, 0.3, 0.3], [1.0, 0.0, 0.0]],
                _SHARES,
            ),
        ),
        Case(
            why="the second refused, with two ways on",
            args=lambda: (
                [0, 1],
                [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]],
                [[1.0, 0.0, 0.0], [0.25, 0.0, 0.75], [0.0, 1.0, 0.0]],
                _SHARES,
            ),
        ),
        Case(why="nothing drafted", args=lambda: ([], [], [[0.0, 0.0, 1.0]], _OUTCOMES)),
        Case(
            why="a chance of 1/2",
            args=lambda: ([0], [[0.8, 0.2]], [[0.4, 0.6], [1.0, 0.0]], _SHARES),
        ),
        Case(
            why=_QUARTER,
            args=lambda: ([0], [[0.8, 0.2]], [[0.2, 0.8], [1.0, 0.0]], _SHARES),
        ),
        Case(
            why=_THREE_QUARTERS,
            args=lambda: ([0], [[0.8, 0.2]], [[0.6, 0.4], [1.0, 0.0]], _SHARES),
        ),
        Case(
            why="two chances of 1/2",
            args=lambda: (
                [0, 0],
                [[0.8, 0.2], [0.8, 0.2]],
                [[0.4, 0.6], [0.4, 0.6], [0.0, 1.0]],
                _SHARES,
            ),
        ),
        Case(
            why="one more token behind the draft",
            args=lambda: ([1], [[0.0, 1.0]], [[0.0, 1.0], [0.75, 0.25]], _SHARES),
        ),
        Case(
            why="a refusal with two ways on",
            args=lambda: ([0], [[0.6, 0.4, 0.0]], [[0.0, 0.6, 0.4], [1.0, 0.0, 0.0]], _SHARES),
        ),
    ),
    mistakes=(
        Mistake(
            name="ratio-upside-down",
            twin=_twin(chance=lambda p, q: q / p),
            hint="Your ratio is q/p: you accept what the small model likes too much. p, the large "
            "model's probability, stands above.",
        ),
        Mistake(
            name="only-if-likelier",
            twin=_twin(chance=lambda p, q: (p >= q).to(p.dtype)),
            hint="You accept only where p is at least q. Below that there is still a *chance*, "
            "p/q.",
        ),
        Mistake(
            name="accepted-by-p-alone",
            twin=_twin(chance=lambda p, q: p),
            hint="You accept with probability p. The small model had a probability of its own, q, "
            "of writing this token at all: what is the ratio?",
        ),
        Mistake(
            name="accepted-if-p-is-above-0",
            twin=_twin(chance=lambda p, q: (p > 0).to(p.dtype)),
            hint="You accept whatever is possible for the large model. Then the text follows the "
            "small one.",
        ),
        Mistake(
            name="refused-where-accepted",
            twin=_twin(chance=lambda p, q: torch.where(p < q, 1 - p / q, 1)),
            hint="You refuse where you should accept: with a chance of p/q, the random number is "
            "*below* p/q.",
        ),
        Mistake(
            name="accepted-without-dice",
            seen=_without_dice,
            hint="Where the ratio is below 1, you accept always or never. A ratio of 3/4 is a "
            "*chance* of 3/4: compare it with a random number.",
        ),
        Mistake(
            name="drawn-from-p-after-a-refusal",
            twin=_twin(left=lambda p, q: p),
            hint="After a refusal you draw from p. What both models like has had its chance "
            "already; draw from what p has *more* than q.",
        ),
        Mistake(
            name="drawn-from-the-difference-without-sign",
            twin=_twin(left=lambda p, q: (p - q).abs()),
            hint="You take the size of p - q. Where q is larger, nothing is left: 0.",
        ),
        Mistake(
            name="drawn-from-what-the-draft-has-more",
            twin=_twin(left=lambda p, q: (q - p).clamp(min=0)),
            hint="After a refusal you draw from q - p, what the *small* model has too much. It is "
            "the other way round.",
        ),
        Mistake(
            name="first-row-after-a-refusal",
            twin=_first_row_left,
            hint="After a refusal you always look at the first row. It is the row of the refused "
            "token that counts.",
        ),
        Mistake(
            name="likeliest-after-a-refusal",
            twin=_twin(left=lambda p, q: _one_hot((p - q).clamp(min=0))),
            hint="After a refusal you take the likeliest of what is left. Draw it.",
        ),
        Mistake(
            name="accepted-behind-a-refusal",
            twin=_twin(count=lambda accepted: int(accepted.sum())),
            hint="You count every accepted token, also behind a refused one. Behind the first "
            "refusal the text is another, and the rest of the draft is void.",
        ),
        Mistake(
            name="refused-one-counted",
            twin=_twin(result=lambda n, token: (n + 1, token)),
            hint="Your number is one too high: the token that follows is not an accepted one.",
        ),
        Mistake(
            name="token-first",
            twin=_twin(result=lambda n, token: (token, n)),
            hint="Both are right, in the wrong order: first how many, then the token.",
        ),
        Mistake(
            name="likeliest-behind-the-draft",
            twin=_twin(last=_one_hot),
            hint="If all are accepted, one more is *drawn* from the last row of p. You take the "
            "likeliest.",
        ),
        Mistake(
            name="one-draw-for-all",
            twin=_one_luck_for_all,
            hint="You throw the dice once for the whole draft. Each token has its own chance.",
        ),
        Mistake(
            name="one-number-for-two-things",
            twin=_same_number,
            hint="The random number that refused a token chooses the next one, too. It is a large "
            "one, because it refused: the choice is not free any more. Draw anew.",
        ),
        Mistake(
            name="wrong-row-of-p",
            twin=_next_row,
            hint="You look one row too far: row i of `probs` is what the large model says in the "
            "place of drafted token i.",
        ),
        Mistake(
            name="no-pair-of-numbers",
            seen=_no_pair,
            hint="Return two plain numbers, no tensors and no list: "
            "`return n_accepted, int(token)`.",
        ),
        Mistake(
            name="generator-unused",
            seen=_right_but_for(_REPEATED),
            hint="The result is right, but the same seed gives another one each time. Take all "
            "chance from the generator: `torch.rand(…, generator=generator)`.",
        ),
        Mistake(
            name="probabilities-changed",
            seen=_right_but_for(_UNCHANGED),
            hint="The result is right, but you have written into the probabilities.",
        ),
    ),
    nudge="How often should the large model write this token, and how often does the small one "
    "propose it? What does the large one still owe after a refusal?",
    shapes="In: ids (N,), q (N, V), p (N + 1, V), a generator. Out: two plain numbers, how many "
    "are accepted, and one id.",
    pseudocode="for each drafted token, in order: a random number from 0 to 1\n"
    "    is it below p/q of the token? then it is accepted; else stop\n"
    "if one was refused: left ← p minus q of that row, 0 where that is negative\n"
    "else: left ← the last row of p\n"
    "return how many were accepted, and a token drawn with the weights `left`",
)
