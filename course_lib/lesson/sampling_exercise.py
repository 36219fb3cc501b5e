"""The exercise of lesson 06 on the loop that draws token after token.

Letters: V = vocab_size.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import (
    right_but_for_the_arguments,
    right_but_for_the_error,
    right_except_on,
)
from course_lib.seeding import make_generator

NextLogProbs = Callable[[Sequence[int]], Tensor]
Sampler = Callable[..., list[int]]

N_DRAWS = 600
"""A share of so many draws has a standard deviation of at most 0.02."""

_ALL_TOKENS, _TUPLE = "a model that looks at all tokens", "a prompt that is a tuple"
_SHARES, _SEEDED, _ADVANCES = "shares", "with one seed", "with one generator"


def _certain(token: int, n_tokens: int) -> Tensor:
    return torch.full((n_tokens,), -math.inf).scatter(0, torch.tensor(token), 0.0)


def _counts_on(ids: Sequence[int]) -> Tensor:
    return _certain((ids[-1] + 1) % 7, 7)


def _sums_up(ids: Sequence[int]) -> Tensor:
    return _certain((sum(ids) + len(ids)) % 7, 7)


class _ThreeChances:
    """A model that hands out a tensor of its own, which must stay as it is."""

    def __init__(self) -> None:
        self.log_chances = torch.tensor([0.6, 0.3, 0.1]).log()

    def __call__(self, ids: Sequence[int]) -> Tensor:
        return self.log_chances


def _any_of_nine(ids: Sequence[int]) -> Tensor:
    return torch.full((9,), 1 / 9).log()


def try_sampling(
    answer: Sampler,
    next_log_probs: NextLogProbs,
    prompt_ids: Sequence[int],
    n_tokens: int,
    temperature: float = 1.0,
    looked_at: str = "",
) -> Any:
    """Draw with an answer; where chance decides, look at what must come out all the same.

    Args:
        answer: The library's `sample_ids` or a learner's.
        next_log_probs: As in its signature.
        prompt_ids: As in its signature.
        n_tokens: As in its signature.
        temperature: As in its signature.
        looked_at: "" for the tokens themselves; else what `_SHARES` and the others say.

    Returns:
        The tokens; the shares of three tokens among many draws; whether two texts are equal.
    """
    generator = make_generator(7)

    def draw(generator: torch.Generator) -> list[int]:
        return answer(
            next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator
        )

    if looked_at == _SHARES:
        tokens = [int(token) for token in draw(generator)]
        return [tokens.count(token) / n_tokens for token in range(3)]
    if looked_at == _SEEDED:
        return draw(generator) == draw(make_generator(7))
    if looked_at == _ADVANCES:
        return draw(generator) == draw(generator)
    return draw(generator)


class _Parts(NamedTuple):
    """The steps of the loop; each twin does one of them wrongly."""

    tempered: Callable[[Tensor, float], Tensor] = lambda log_probs, t: (log_probs / t).softmax(-1)
    pick: Callable[[Tensor, torch.Generator], int] = lambda probs, generator: int(
        torch.multinomial(probs, 1, generator=generator)
    )
    shown: Callable[[list[int], int], Sequence[int]] = lambda ids, n_prompt: ids
    appended: bool = True
    given: Callable[[list[int], int], list[int]] = lambda ids, n_prompt: ids[n_prompt:]
    n_extra: int = 0
    generator: Callable[[torch.Generator], torch.Generator | None] = lambda generator: generator


def _loop(parts: _Parts) -> Sampler:
    def twin(
        next_log_probs: NextLogProbs,
        prompt_ids: Sequence[int],
        n_tokens: int,
        *,
        temperature: float = 1.0,
        generator: torch.Generator,
    ) -> list[int]:
        if n_tokens < 0 or not temperature > 0:
            raise ValueError("n_tokens must be ≥ 0 and temperature > 0")
        ids, new = list(prompt_ids), []
        dice = parts.generator(generator)
        for _ in range(n_tokens + parts.n_extra):
            log_probs = next_log_probs(parts.shown(ids, len(prompt_ids)))
            token = parts.pick(parts.tempered(log_probs, temperature), dice)  # type: ignore[arg-type]
            new.append(token)
            if parts.appended:
                ids.append(token)
        return parts.given([*prompt_ids, *new], len(prompt_ids))

    return twin


def _likeliest(probs: Tensor, generator: torch.Generator) -> int:
    return int(probs.argmax())


def _evenly(probs: Tensor, generator: torch.Generator) -> int:
    possible = (probs > 0).float()
    return int(torch.multinomial(possible, 1, generator=generator))


def _softmax_of_probabilities(observations: tuple[Observation, ...]) -> bool:
    """Look at shares only: what is impossible may have been ruled out or not."""
    twin = _loop(_Parts(tempered=lambda log_probs, t: (log_probs.exp() / t).softmax(-1)))
    shares = [one for one in observations if one.case.args()[-1] == _SHARES]
    return all(agree(one.value, try_sampling(twin, *one.case.args()), 0.09) for one in shares)


def _tensors(observations: tuple[Observation, ...]) -> bool:
    lists = [one for one in observations if one.case.raises is None and type(one.expected) is list]
    return all(
        isinstance(one.value, list)
        and [float(token) for token in one.value] == [float(token) for token in one.expected]
        for one in lists
        if not any(isinstance(token, float) for token in one.expected)
    ) and any(isinstance(token, Tensor) for one in lists for token in one.value or ())


def _last_only(observations: tuple[Observation, ...]) -> bool:
    twin = _loop(_Parts(shown=lambda ids, n_prompt: ids[-1:]))
    (one,) = (one for one in observations if one.case.why == _ALL_TOKENS)
    return one.value == try_sampling(twin, *one.case.args())


def _changes_the_prompt(observations: tuple[Observation, ...]) -> bool:
    lists = tuple(one for one in observations if one.case.why != _TUPLE)
    return right_but_for_the_arguments(lists)


SAMPLE_IDS = Exercise(
    key="06:sample_ids",
    target="course_lib.generation.sampling:sample_ids",
    level="core",
    trial=try_sampling,
    tolerance=0.09,
    cases=(
        Case(why="a model that counts on", args=lambda: (_counts_on, [2], 4)),
        Case(why=_ALL_TOKENS, args=lambda: (_sums_up, [3, 1, 4], 5)),
        Case(why=_TUPLE, args=lambda: (_sums_up, (3, 1), 3)),
        Case(why="no prompt", args=lambda: (_sums_up, [], 4)),
        Case(why="a long text", args=lambda: (_sums_up, [5, 2], 20)),
        Case(why="impossible tokens, very hot", args=lambda: (_counts_on, [2], 40, 9.0)),
        Case(why="no token to draw", args=lambda: (_counts_on, [2, 5], 0)),
        Case(why="many draws", args=lambda: (_ThreeChances(), [0], N_DRAWS, 1.0, _SHARES)),
        Case(why="many draws, cold", args=lambda: (_ThreeChances(), [0], N_DRAWS, 0.25, _SHARES)),
        Case(why="many draws, hot", args=lambda: (_ThreeChances(), [0], N_DRAWS, 4.0, _SHARES)),
        Case(why="the same seed twice", args=lambda: (_any_of_nine, [0], 40, 1.0, _SEEDED)),
        Case(why="the same generator twice", args=lambda: (_any_of_nine, [0], 40, 1.0, _ADVANCES)),
        Case(why="fewer than no tokens", args=lambda: (_counts_on, [2], -1), raises=ValueError),
        Case(
            why="a temperature of 0",
            args=lambda: (_ThreeChances(), [0], 2, 0.0),
            raises=ValueError,
        ),
        Case(
            why="a temperature below 0",
            args=lambda: (_ThreeChances(), [0], 2, -1.0),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="always-the-likeliest",
            twin=_loop(_Parts(pick=_likeliest)),
            hint="You take the likeliest token. That is greedy decoding; here the token is drawn.",
        ),
        Mistake(
            name="drawn-evenly",
            twin=_loop(_Parts(pick=_evenly)),
            hint="You draw every possible token with the same chance. `torch.multinomial` wants "
            "the probabilities as weights, not 0 and 1.",
        ),
        Mistake(
            name="temperature-ignored",
            twin=_loop(_Parts(tempered=lambda log_probs, t: log_probs.softmax(-1))),
            hint="Cold or hot, you draw from the same distribution. Dividing *probabilities* would "
            "change nothing, because they are made to sum to 1 again: divide their logarithms.",
        ),
        Mistake(
            name="temperature-upside-down",
            twin=_loop(_Parts(tempered=lambda log_probs, t: (log_probs * t).softmax(-1))),
            hint="You multiply by the temperature. Cold should sharpen: divide.",
        ),
        Mistake(
            name="probabilities-through-softmax",
            seen=_softmax_of_probabilities,
            hint="You give *probabilities* to a softmax. It wants logarithms: the softmax of 0.6, "
            "0.3 and 0.1 is nearly even.",
        ),
        Mistake(
            name="divided-in-place",
            twin=_loop(_Parts(tempered=lambda log_probs, t: log_probs.div_(t).softmax(-1))),
            hint="You divide in place, in the tensor that the model gave you. If it is the "
            "model's own, it gets colder with every token: make a new one (`/`, not `/=`).",
        ),
        Mistake(
            name="only-the-last-token-shown",
            seen=_last_only,
            hint="You show the model only the last token. It wants all tokens so far, the prompt "
            "too.",
        ),
        Mistake(
            name="prompt-forgotten",
            twin=_loop(_Parts(shown=lambda ids, n_prompt: ids[n_prompt:] or ids)),
            hint="After the first new token, your model no longer sees the prompt.",
        ),
        Mistake(
            name="only-a-window",
            twin=_loop(_Parts(shown=lambda ids, n_prompt: ids[-8:])),
            hint="You show the model a window of the last tokens. It wants all of them.",
        ),
        Mistake(
            name="begins-with-0",
            twin=_loop(_Parts(shown=lambda ids, n_prompt: ids if n_prompt else [0, *ids])),
            hint="Where there is no prompt, you put a token of your own. The model may be asked "
            "with an empty list.",
        ),
        Mistake(
            name="impossible-made-possible",
            twin=_loop(_Parts(tempered=lambda x, t: (x.clamp(min=-20.0) / t).softmax(-1))),
            hint="You lift minus infinity to a number, and heat makes it likely. What is "
            "impossible stays impossible; softmax has no trouble with it.",
        ),
        Mistake(
            name="never-appended",
            twin=_loop(_Parts(appended=False)),
            hint="What you draw never gets into the text that the model sees, so it is asked the "
            "same question every time.",
        ),
        Mistake(
            name="prompt-returned",
            twin=_loop(_Parts(given=lambda ids, n_prompt: ids)),
            hint="You return the prompt as well. Only the new tokens are asked for.",
        ),
        Mistake(
            name="prompt-counted",
            twin=_loop(_Parts(given=lambda ids, n_prompt: ids[n_prompt : len(ids) - n_prompt])),
            hint="`n_tokens` is the number of *new* tokens. You count the prompt among them, as "
            "`max_length` does in transformers.",
        ),
        Mistake(
            name="one-too-many",
            twin=_loop(_Parts(n_extra=1)),
            hint="You draw one token more than asked for.",
        ),
        Mistake(
            name="generator-unused",
            twin=_loop(_Parts(generator=lambda generator: None)),
            hint="You draw without the generator, so the same seed gives another text each time. "
            "Hand it on: `torch.multinomial(…, generator=generator)`.",
        ),
        Mistake(
            name="generator-made-anew",
            twin=_loop(_Parts(generator=lambda generator: make_generator(0))),
            hint="You make a generator of your own: every call draws the same text. Use the one "
            "you are given.",
        ),
        Mistake(
            name="tensors-not-numbers",
            seen=_tensors,
            hint="The tokens are right, but they are tensors. `int(…)` makes a plain number of "
            "one.",
        ),
        Mistake(
            name="prompt-changed",
            seen=_changes_the_prompt,
            in_arguments=True,
            hint="The result is right, but the prompt that you were given has grown: you have "
            "appended to it. Work on a copy.",
        ),
        Mistake(
            name="accepts-fewer-than-none",
            seen=right_except_on("fewer than no tokens"),
            hint="All is right but for n_tokens = -1: raise a ValueError.",
        ),
        Mistake(
            name="accepts-any-temperature",
            seen=right_but_for_the_error,
            hint="The draws are right. Raise a ValueError for a temperature that is not above 0 "
            "(`apply_temperature` does), and for fewer than no tokens.",
        ),
    ),
    nudge="Ask, sharpen, draw, append; and again. Which text is the model shown each time?",
    shapes="In: a function from a list of ids to log-probabilities (V,), a list of ids, two "
    "numbers, a generator. Out: a list of n_tokens plain ids. "
    "`torch.multinomial(probs, 1, generator=generator)` draws one.",
    pseudocode="if n_tokens is negative: raise a ValueError\n"
    "ids ← a copy of the prompt\n"
    "n_tokens times: log-probabilities of the next one, given all ids\n"
    "    bring them to the temperature; draw one from their exponentials; append it\n"
    "return the ids behind the prompt",
)
