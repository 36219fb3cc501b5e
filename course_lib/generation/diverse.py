"""Diverse beam search: groups of beams, each kept from repeating what those before it write.

Letters: B = texts side by side, P = prompts, V = vocab_size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.generation.beam import Beam, Search, advance, read_on, score_next
from course_lib.generation.reading import AnyModel
from course_lib.generation.rules import Rules
from course_lib.generation.writing import Prompts, as_batch, begin, require_count, texts_of


@dataclass(frozen=True, kw_only=True)
class BeamGroups:
    """How many groups of beams there are, and how far they keep apart.

    Attributes:
        n_groups: How many groups (≥ 1).
        n_beams: How many beams each group has (≥ 1).
        diversity_penalty: What a token loses, in nats, for each time that an earlier group has
            just written it (≥ 0).
        length_penalty: See `beam_search`.
    """

    n_groups: int
    n_beams: int
    diversity_penalty: float
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        require_count("n_groups", self.n_groups)
        require_count("n_beams", self.n_beams)
        if not self.diversity_penalty >= 0:
            raise ValueError(
                f"diversity_penalty must be ≥ 0; got diversity_penalty={self.diversity_penalty}."
            )


def diverse_beam_search(
    model: AnyModel,
    prompts: Prompts,
    n_tokens: int,
    *,
    groups: BeamGroups,
    rules: Rules | None = None,
) -> list[list[list[Beam]]]:
    """Search with several groups of beams at once, which are to write different texts.

    In each step the groups go on one after the other. The first searches as `beam_search` does;
    for those after it, every token that an earlier group has just written is less likely.

    Args:
        model: As for `adapt`.
        prompts: The beginnings.
        n_tokens: How many tokens to write at most, for each (≥ 1).
        groups: How many groups and beams, and the penalties.
        rules: When a text ends, and what it may not repeat.

    Returns:
        For each prompt and each group what `beam_search` returns for a prompt. What the diversity
        penalty took is part of the scores.

    Raises:
        ValueError: If `n_tokens` is below 1, a prompt is empty, or the model cannot place so many
            tokens.

    Reference:
        Vijayakumar et al. 2018, "Diverse Beam Search: Decoding Diverse Solutions from Neural
        Sequence Models", algorithm 1 with Hamming diversity, https://arxiv.org/abs/1610.02424.
        Unlike there, `n_beams` is the number of each group, not of all together.

    Example:
        >>> def table(ids):  # the same after every token
        ...     return torch.tensor([0.5, 0.4, 0.1]).log().expand(*ids.shape, 3)
        >>> apart = BeamGroups(n_groups=2, n_beams=1, diversity_penalty=1.0)
        >>> first, second = diverse_beam_search(table, torch.tensor([[2]]), 3, groups=apart)[0]
        >>> first[0].ids, second[0].ids
        ([0, 0, 0], [1, 1, 1])
    """
    rules = Rules() if rules is None else rules
    batch = as_batch(prompts)
    reading, logits = begin(model, batch, n_tokens)
    n_prompts, device = len(batch.ids), batch.ids.device
    rows = torch.arange(n_prompts, device=device).repeat(groups.n_groups)
    reading.keep(rows)
    logits = logits[rows]
    searches = [
        [Search(text, groups.n_beams, groups.length_penalty, rules) for text in texts_of(batch)]
        for _ in range(groups.n_groups)
    ]
    all_searches = [search for group in searches for search in group]
    for n_left in reversed(range(n_tokens)):
        log_probs = score_next(logits, all_searches, rules)
        _advance_groups(searches, log_probs, groups.diversity_penalty, is_last=n_left == 0)
        if not any(search.open for search in all_searches):
            break
        logits = read_on(reading, all_searches, device)
    return [[group[prompt].found for group in searches] for prompt in range(n_prompts)]


def _advance_groups(
    groups: Sequence[Sequence[Search]],
    log_probs: Float[Tensor, "B V"],
    diversity_penalty: float,
    *,
    is_last: bool,
) -> None:
    """Let every group go on by one token; the first rows are those of the first group."""
    counts = log_probs.new_zeros(len(groups[0]), log_probs.shape[1])
    row = 0
    for group in groups:
        prompts = [prompt for prompt, search in enumerate(group) for _ in search.open]
        log_probs_here = log_probs[row : row + len(prompts)] - diversity_penalty * counts[prompts]
        newest = advance(group, log_probs_here, is_last=is_last, row=row)
        for prompt, tokens in enumerate(newest):
            for token in tokens:
                counts[prompt, token] += 1
        row += len(prompts)
