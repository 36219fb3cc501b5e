"""Beam search: several texts are kept side by side, and the best that have ended are given back.

Greedy decoding never takes back a token. Beam search goes on with the best few texts at once, so
that a text may begin with an unlikely token and still win.

Letters: B = texts side by side, V = vocab_size.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.generation.reading import AnyModel, Reading
from course_lib.generation.rules import Rules
from course_lib.generation.writing import Prompts, as_batch, begin, require_count, texts_of


class Beam(NamedTuple):
    """A text that was found.

    Attributes:
        ids: The new ids, without the prompt and without the token that ended the text.
        score: The log-probabilities of its tokens, summed, and divided by a power of their
            number, see `beam_search`.
    """

    ids: list[int]
    score: float


def beam_search(
    model: AnyModel,
    prompts: Prompts,
    n_tokens: int,
    *,
    n_beams: int,
    length_penalty: float = 1.0,
    rules: Rules | None = None,
) -> list[list[Beam]]:
    """Search for the texts with the best score; look at `n_beams` of them at a time.

    A search is over when no text can still become one of the best, as far as one can tell: the
    best open text must not score above the worst of the `n_beams` that have ended. This is exact
    for `length_penalty` ≤ 0 only, because a longer text might make up for it. The cost is that of
    `n_beams` greedy texts, and of a copy of the cache for each token.

    Args:
        model: As for `adapt`.
        prompts: The beginnings.
        n_tokens: How many tokens to write at most, for each (≥ 1). A text that is so long ends.
        n_beams: How many texts are gone on with, and given back (≥ 1).
        length_penalty: The score is sum / length ** length_penalty. The sum is that of the
            log-probabilities, the length the number of new tokens; both count the end token, as
            in transformers. Above 0, long texts gain; 0 compares the sums; below 0, long texts
            lose even more.
        rules: When a text ends, and what it may not repeat. Repetition is penalised in the
            log-probabilities, which enter the score.

    Returns:
        For each prompt the best texts, the best one first; fewer than `n_beams` only if there are
        not so many, or the rules leave no way on.

    Raises:
        ValueError: If `n_beams` or `n_tokens` is below 1, a prompt is empty, or the model cannot
            place so many tokens.

    Reference:
        Wu et al. 2016, "Google's Neural Machine Translation System", section 7,
        https://arxiv.org/abs/1609.08144. Unlike the paper, and as in transformers, the length
        itself is raised to a power (there: (5 + length) / 6), and there is no coverage penalty.

    Example:
        >>> first, after = [0.6, 0.4, 0.0], [[0.5, 0.4, 0.1], [0.0, 0.1, 0.9]]
        >>> def table(ids):  # after the prompt, token 2, and then after each other token
        ...     return torch.tensor([after[0], after[1], first])[ids].log()
        >>> found = beam_search(table, torch.tensor([[2]]), 2, n_beams=2, length_penalty=0.0)
        >>> for beam in found[0]:
        ...     print(beam.ids, round(math.exp(beam.score), 2))
        [1, 2] 0.36
        [0, 0] 0.3
    """
    require_count("n_beams", n_beams)
    rules = Rules() if rules is None else rules
    batch = as_batch(prompts)
    reading, logits = begin(model, batch, n_tokens)
    searches = [Search(text, n_beams, length_penalty, rules) for text in texts_of(batch)]
    for n_left in reversed(range(n_tokens)):
        log_probs = score_next(logits, searches, rules)
        advance(searches, log_probs, is_last=n_left == 0)
        if not any(search.open for search in searches):
            break
        logits = read_on(reading, searches, batch.ids.device)
    return [search.found for search in searches]


class Candidate(NamedTuple):
    """A text that a search can go on with.

    Attributes:
        row: Which of the texts that were last read it continues.
        ids: Its new ids.
        total: The sum of their log-probabilities.
    """

    row: int
    ids: list[int]
    total: float


class Search:
    """The search for the continuations of one prompt.

    Args:
        prompt: Its ids.
        n_beams: How many texts are gone on with, and found.
        length_penalty: See `beam_search`.
        rules: When a text ends.

    Attributes:
        open: The texts to go on with, the best one first; none if the search is over.
        found: The best texts that have ended, the best one first.
    """

    def __init__(
        self, prompt: Sequence[int], n_beams: int, length_penalty: float, rules: Rules
    ) -> None:
        self.prompt, self.n_beams, self.rules = list(prompt), n_beams, rules
        self._length_penalty = length_penalty
        self.open = [Candidate(row=0, ids=[], total=0.0)]
        self.found: list[Beam] = []

    def choose(self, candidates: Sequence[Candidate], is_last: bool) -> list[int]:
        """Take the best texts, each longer by one token: ended ones are found, others stay open.

        Args:
            candidates: At least the 2 · `n_beams` best ones, if there are so many.
            is_last: Whether every text ends here.

        Returns:
            The newest tokens of those taken.
        """
        possible = [candidate for candidate in candidates if candidate.total > -math.inf]
        # Only one continuation of each text has the end token, so that among twice as many
        # candidates there are always n_beams to go on with.
        best = sorted(possible, key=lambda text: text.total, reverse=True)[: 2 * self.n_beams]
        ended, going_on = [], []
        for rank, text in enumerate(best):
            if not is_last and not self._ends(text.ids):
                going_on.append(text)
            elif rank < self.n_beams:
                ended.append(text)
        self.open = going_on[: self.n_beams]
        found = self.found + [self._beam(text) for text in ended]
        self.found = sorted(found, key=lambda beam: beam.score, reverse=True)[: self.n_beams]
        is_full = len(self.found) == self.n_beams
        if is_full and self.open and self._score(self.open[0]) <= self.found[-1].score:
            self.open = []
        return [text.ids[-1] for text in ended + self.open]

    def _ends(self, ids: list[int]) -> bool:
        stop = self.rules.stop
        return ids[-1] == self.rules.end_id or (stop is not None and stop(ids))

    def _score(self, text: Candidate) -> float:
        return text.total / len(text.ids) ** self._length_penalty

    def _beam(self, text: Candidate) -> Beam:
        ids = text.ids[:-1] if text.ids[-1] == self.rules.end_id else text.ids
        return Beam(ids, self._score(text))


def score_next(
    logits: Float[Tensor, "B V"], searches: Sequence[Search], rules: Rules
) -> Float[Tensor, "B V"]:
    """Give the log-probabilities of the next token of every open text, after the rules.

    Args:
        logits: What the model says of it.
        searches: Whose texts these are: first all of the first search.
        rules: What a text may not repeat.
    """
    # In half precision, many texts would come out as equally likely.
    dtype = torch.promote_types(logits.dtype, torch.float32)
    texts = [search.prompt + text.ids for search in searches for text in search.open]
    return rules.apply(logits.log_softmax(dim=1, dtype=dtype), texts)


def advance(
    searches: Sequence[Search], log_probs: Float[Tensor, "B V"], *, is_last: bool, row: int = 0
) -> list[list[int]]:
    """Let every search go on by one token.

    Args:
        searches: All with the same number of beams.
        log_probs: Of the next token of every open text, in their order.
        is_last: Whether every text ends here.
        row: Which of the texts that were last read is the first one of these.

    Returns:
        The newest tokens of the texts that each search has taken.
    """
    n_candidates = min(2 * searches[0].n_beams, log_probs.shape[1])
    best, tokens = (part.tolist() for part in log_probs.topk(n_candidates, dim=1))
    n_done, newest = 0, []
    for search in searches:
        candidates = [
            Candidate(row + place, [*text.ids, tokens[place][i]], text.total + best[place][i])
            for place, text in enumerate(search.open, start=n_done)
            for i in range(n_candidates)
        ]
        n_done += len(search.open)
        newest.append(search.choose(candidates, is_last))
    return newest


def read_on(
    reading: Reading, searches: Sequence[Search], device: torch.device
) -> Float[Tensor, "B V"]:
    """Let a model read the newest token of every open text; drop all other texts.

    Args:
        reading: Has read the texts without their newest token.
        searches: Whose texts these are.
        device: Where the model's ids are.
    """
    texts = [text for search in searches for text in search.open]
    reading.keep(torch.tensor([text.row for text in texts], device=device))
    return reading.read(torch.tensor([text.ids[-1:] for text in texts], device=device))
