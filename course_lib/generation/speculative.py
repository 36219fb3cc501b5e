"""Speculative decoding: a small model writes ahead, the large one judges several tokens at once.

What is written follows the large model's distribution exactly; only the time differs, because
reading several tokens takes a large model hardly longer than reading one.

Letters: B = sequences (`*B` any number of leading axes), T = tokens of the prompt, S = tokens just
read, N = tokens written ahead, V = vocab_size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.generation.one_text import check_drawing, check_one_row
from course_lib.generation.reading import AnyModel, adapt
from course_lib.generation.rules import Rules, Sampling
from course_lib.generation.writing import require_count


@dataclass(frozen=True)
class Draft:
    """A small model that writes ahead.

    Attributes:
        model: As for `adapt`; it must have the large model's tokenizer.
        n_tokens: How many tokens it writes before the large model reads them (≥ 1).
    """

    model: AnyModel
    n_tokens: int

    def __post_init__(self) -> None:
        require_count("n_tokens of the draft", self.n_tokens)


class Speculated(NamedTuple):
    """A text, and how well the small model foresaw it.

    Attributes:
        ids: The new ids, without the prompt and without the token that ended the text.
        n_rounds: How often the large model judged, each time with one reading.
        n_drafted: How many tokens the small model wrote.
        n_judged: How many of them were judged: in each round, those up to the first refused.
        n_accepted: How many of them were accepted, even if the text ended before them.
    """

    ids: list[int]
    n_rounds: int
    n_drafted: int
    n_judged: int
    n_accepted: int

    @property
    def acceptance_rate(self) -> float:
        """Accepted over judged, which estimates the paper's α; NaN if none was judged."""
        return self.n_accepted / self.n_judged if self.n_judged else float("nan")


def speculative(
    model: AnyModel,
    draft: Draft,
    prompt_ids: Int[Tensor, "B T"],
    n_tokens: int,
    *,
    generator: torch.Generator | None = None,
    sampling: Sampling | None = None,
    rules: Rules | None = None,
) -> Speculated:
    """Go on writing one text, while a small model writes ahead.

    The text is distributed as that of `sample`, or is that of `greedy`, whatever the draft is: a
    bad one only costs time. (Rounding may break ties differently: the large model reads several
    tokens at once here.)

    Args:
        model: As for `adapt`; not `Sliding`, because refused tokens are taken back.
        draft: The small model, and how far it writes ahead.
        prompt_ids: The beginning, in one row.
        n_tokens: How many tokens to write at most (≥ 1).
        generator: Source of the random draws, on the CPU; None only without `sampling`.
        sampling: How both models' tokens are drawn; None takes the likeliest.
        rules: When the text ends, and what it may not repeat.

    Raises:
        ValueError: If the prompt is not one row of at least one token, the vocabularies differ in
            size, `sampling` asks for several texts or has no generator, `n_tokens` is below 1, or
            one of the models cannot place so many.

    Reference:
        Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative
        Decoding", algorithm 1, https://arxiv.org/abs/2211.17192; also Chen et al. 2023,
        https://arxiv.org/abs/2302.01318.

    Example:
        >>> def counts_on(ids):
        ...     return F.one_hot((ids + 1) % 5, 5).float()
        >>> def says_three(ids):
        ...     return F.one_hot(0 * ids + 3, 5).float()
        >>> speculative(counts_on, Draft(says_three, 2), torch.tensor([[1]]), n_tokens=4)
        Speculated(ids=[2, 3, 4, 0], n_rounds=3, n_drafted=4, n_judged=3, n_accepted=1)
    """
    check_drawing(sampling, generator)
    check_one_row(prompt_ids)
    require_count("n_tokens", n_tokens)
    rules = Rules() if rules is None else rules
    chances = _Chances(sampling, rules)
    large, small = (_Follower(each, prompt_ids, n_tokens) for each in (model, draft.model))
    generator = torch.Generator() if generator is None else generator  # greedy: chance is idle
    text, start = prompt_ids[0].tolist(), prompt_ids.shape[1]
    rounds: list[_Round] = []
    while (n_left := start + n_tokens - len(text)) > 0:
        n_ahead = min(draft.n_tokens, n_left - 1)
        rounds.append(_run_round(large, small, text, n_ahead, chances, generator))
        if _append(text, rounds[-1].new_ids, start, rules):
            break
        large.go_back(len(text) - 1)
        small.go_back(len(text) - 1)
    return Speculated(
        ids=text[start:],
        n_rounds=len(rounds),
        n_drafted=sum(done.n_drafted for done in rounds),
        n_judged=sum(min(len(done.new_ids), done.n_drafted) for done in rounds),
        n_accepted=sum(len(done.new_ids) - 1 for done in rounds),
    )


def judge_draft(
    drafted_ids: Int[Tensor, " N"],
    draft_probs: Float[Tensor, "N V"],
    probs: Float[Tensor, "N+1 V"],
    generator: torch.Generator,
) -> tuple[int, int]:
    """Accept drafted tokens up to the first that is refused, and draw the one that follows.

    Each is accepted with probability min(1, p/q). In place of a refused one, a token is drawn from
    what the large model gives more probability than the small one: max(0, p - q), normalised. If
    none is refused, one more is drawn from p.

    Args:
        drafted_ids: What the small model drew.
        draft_probs: q, what each was drawn from.
        probs: p, what the large model gives in its place, and behind the last one.
        generator: Source of the random draws.

    Returns:
        How many are accepted, and the token that follows them.

    Example:
        >>> q, p = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> dice = torch.Generator().manual_seed(0)
        >>> judge_draft(torch.tensor([0]), q, p, dice), judge_draft(torch.tensor([1]), q, p, dice)
        ((0, 1), (1, 0))
    """
    n_drafted = len(drafted_ids)
    places = drafted_ids[:, None]
    ratios = (probs[:-1].gather(1, places) / draft_probs.gather(1, places))[:, 0]
    luck = torch.rand(n_drafted, generator=generator, dtype=ratios.dtype)
    n_accepted = int((luck < ratios).cumprod(dim=0).sum())
    left = probs[n_accepted]
    if n_accepted < n_drafted:
        left = (left - draft_probs[n_accepted]).clamp(min=0)
    return n_accepted, int(torch.multinomial(left, 1, generator=generator))


def acceptance_chance(
    probs: Float[Tensor, "*B V"], draft_probs: Float[Tensor, "*B V"]
) -> Float[Tensor, "*B"]:
    """Give the probability that a drafted token is accepted: 1 - total variation distance.

    Args:
        probs: What the large model says of the next token.
        draft_probs: What the small model says, and draws from.

    Reference:
        Leviathan, Kalman and Matias 2023, theorem 3.5, https://arxiv.org/abs/2211.17192

    Example:
        >>> acceptance_chance(torch.tensor([0.5, 0.5]), torch.tensor([0.75, 0.25]))
        tensor(0.7500)
    """
    return torch.minimum(probs, draft_probs).sum(dim=-1)


def expected_tokens_per_round(rate: float, n_draft: int) -> float:
    """Say how many tokens one reading of the large model yields on average.

    Accepted ones and the one after them, if each drafted token is accepted with the same chance,
    whatever happened to the others.

    Args:
        rate: The chance, α (0 to 1).
        n_draft: Tokens that the small model writes ahead (≥ 0).

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Leviathan, Kalman and Matias 2023, eq. 1, https://arxiv.org/abs/2211.17192

    Example:
        >>> expected_tokens_per_round(0.5, n_draft=2)  # 1 + 1/2 + 1/4
        1.75
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be from 0 to 1; got rate={rate}.")
    if n_draft < 0:
        raise ValueError(f"n_draft must be ≥ 0; got n_draft={n_draft}.")
    return n_draft + 1.0 if rate == 1 else (1 - rate ** (n_draft + 1)) / (1 - rate)


class _Round(NamedTuple):
    """How many tokens were drafted; which ones were accepted, and the one behind them."""

    n_drafted: int
    new_ids: list[int]


@dataclass(frozen=True)
class _Chances:
    """What tokens are drawn from, on the CPU, precise enough for ratios and differences."""

    sampling: Sampling | None
    rules: Rules

    def __call__(
        self, logits: Float[Tensor, "S V"], texts: Sequence[Sequence[int]]
    ) -> Float[Tensor, "S V"]:
        scores = self.rules.apply(logits, texts).cpu().double()
        if self.sampling is None:
            return F.one_hot(scores.argmax(dim=-1), scores.shape[-1]).double()
        return self.sampling.log_probs(scores).exp()


class _Follower:
    """A model's reading of a text, without its last token, which it reads with what follows."""

    def __init__(self, model: AnyModel, prompt_ids: Int[Tensor, "B T"], n_tokens: int) -> None:
        self._n_read = prompt_ids.shape[1] - 1
        self._reading = adapt(model).begin(1, self._n_read + n_tokens)
        self._device = prompt_ids.device
        if self._n_read:
            self._reading.read(prompt_ids[:, :-1])

    def read(self, text: Sequence[int]) -> Float[Tensor, "1 V"]:
        """Read on to the end of a text, and score the token behind it."""
        return self._reading.read(self._unread(text))

    def read_each(self, text: Sequence[int]) -> Float[Tensor, "S V"]:
        """Read on to the end of a text, and score the token behind each one now read."""
        return self._reading.read_each(self._unread(text))[0]

    def go_back(self, n_tokens: int) -> None:
        """Forget what was read beyond so many tokens."""
        if self._n_read > n_tokens:
            self._reading.forget(self._n_read - n_tokens)
            self._n_read = n_tokens

    def _unread(self, text: Sequence[int]) -> Int[Tensor, "1 S"]:
        unread = torch.tensor([text[self._n_read :]], device=self._device)
        self._n_read = len(text)
        return unread


def _run_round(
    large: _Follower,
    small: _Follower,
    text: Sequence[int],
    n_ahead: int,
    chances: _Chances,
    generator: torch.Generator,
) -> _Round:
    """Let the small model write ahead, and the large one judge."""
    start, ahead = len(text), list(text)
    guesses: list[Tensor] = []
    for _ in range(n_ahead):
        guesses.append(chances(small.read(ahead), [ahead]))
        ahead.append(int(torch.multinomial(guesses[-1][0], 1, generator=generator)))
    logits = large.read_each(ahead)
    probs = chances(logits, [ahead[:end] for end in range(start, len(ahead) + 1)])
    if guesses and guesses[0].shape != probs[:1].shape:
        raise ValueError(
            f"the draft must have the model's vocabulary of {probs.shape[1]} tokens; "
            f"got {guesses[0].shape[1]}."
        )
    drafted = torch.tensor(ahead[start:], dtype=torch.long)
    draft_probs = torch.cat([probs[:0], *guesses])
    n_accepted, newest = judge_draft(drafted, draft_probs, probs, generator)
    return _Round(n_ahead, [*ahead[start : start + n_accepted], newest])


def _append(text: list[int], new_ids: Sequence[int], start: int, rules: Rules) -> bool:
    """Append new tokens until one ends the text; say whether one did."""
    for token in new_ids:
        if token == rules.end_id:
            return True
        text.append(token)
        if rules.stop is not None and rules.stop(text[start:]):
            return True
    return False
