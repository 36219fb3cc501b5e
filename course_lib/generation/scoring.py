"""How likely a text is: token by token, and as one of several answers to a prompt.

For a text longer than the model, `course_lib.evaluation.sliding` goes on window by window:
`perplexity` of what `sliding_nats` sums over what it counts.

Letters: B = sequences, T = tokens of the longest, C = choices, L = tokens of the longest choice,
V = vocab_size.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.data.batches import pad_texts
from course_lib.generation.one_text import check_one_row
from course_lib.generation.reading import AnyModel, adapt


class ChoiceScore(NamedTuple):
    """How likely an answer is after a prompt.

    Attributes:
        log_prob: Of all its tokens together, in nats (≤ 0).
        n_tokens: How many they are.
    """

    log_prob: float
    n_tokens: int

    @property
    def per_token(self) -> float:
        """The mean over its tokens, so that long answers are not at a disadvantage."""
        return self.log_prob / self.n_tokens


def token_log_probs(
    model: AnyModel, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
) -> Float[Tensor, "B T-1"]:
    """Say how likely each token is after those before it, in nats.

    Args:
        model: As for `adapt`.
        ids: The texts, of at least two tokens; nothing is said of the first, because nothing
            stands before it.
        mask: True for a token, False for padding, which stands at the end, as `pad_texts` puts
            it; None if there is none.

    Returns:
        Log-probabilities; 0 in the place of padding, so that a row sums to that of its text.

    Raises:
        ValueError: If there are fewer than two tokens, padding stands before a token, or the
            model cannot place so many.

    Example:
        >>> def thinks_all_alike(ids):
        ...     return torch.zeros(*ids.shape, 4)
        >>> token_log_probs(thinks_all_alike, torch.tensor([[3, 1, 2]]))  # ln 1/4
        tensor([[-1.3863, -1.3863]])
    """
    if ids.shape[1] < 2:
        raise ValueError(f"ids must hold at least 2 tokens a text; got {ids.shape[1]}.")
    if mask is not None and bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise ValueError(
            "mask must be True first, then False: pad texts at their ends "
            "(course_lib.data.batches.pad_texts)."
        )
    logits = adapt(model).begin(len(ids), ids.shape[1] - 1).read_each(ids[:, :-1])
    log_probs = _log_probs_of(logits, ids[:, 1:])
    return log_probs if mask is None else log_probs.masked_fill(~mask[:, 1:], 0.0)


def score_choices(
    model: AnyModel, prompt_ids: Int[Tensor, "B T"], choices: Sequence[Sequence[int]]
) -> list[ChoiceScore]:
    """Say how likely each of several answers is after a prompt, which is read once.

    Args:
        model: As for `adapt`.
        prompt_ids: What the answers follow, in one row.
        choices: The ids of each answer. A tokenizer that joins a blank with the word behind it
            wants the blank here, not at the prompt's end.

    Raises:
        ValueError: If the prompt is not one row of at least one token, there is no choice, one
            has no token, or the model cannot place so many.

    Reference:
        Brown et al. 2020, "Language Models are Few-Shot Learners", section 2.4,
        https://arxiv.org/abs/2005.14165

    Example:
        >>> def thinks_all_alike(ids):
        ...     return torch.zeros(*ids.shape, 4)
        >>> scores = score_choices(thinks_all_alike, torch.tensor([[3, 1]]), [[2], [2, 0]])
        >>> [round(score.log_prob, 4) for score in scores], round(scores[1].per_token, 4)
        ([-1.3863, -2.7726], -1.3863)
    """
    check_one_row(prompt_ids)
    if not choices or not all(choices):
        raise ValueError("choices must be at least one, each of at least one token.")
    batch = pad_texts(choices)
    ids, mask = batch.ids.to(prompt_ids.device), batch.mask.to(prompt_ids.device)
    n_choices, n_longest = ids.shape
    reading = adapt(model).begin(1, prompt_ids.shape[1] + n_longest - 1)
    logits = reading.read(prompt_ids).expand(n_choices, -1)[:, None]
    if n_longest > 1:
        reading.keep(torch.zeros(n_choices, dtype=torch.long, device=ids.device))
        logits = torch.cat((logits, reading.read_each(ids[:, :-1])), dim=1)
    log_probs = _log_probs_of(logits, ids).double().masked_fill(~mask, 0.0).sum(dim=1).tolist()
    return [ChoiceScore(log_probs[row], len(choice)) for row, choice in enumerate(choices)]


def choose(
    model: AnyModel,
    prompt_ids: Int[Tensor, "B T"],
    choices: Sequence[Sequence[int]],
    by: Callable[[ChoiceScore], float] = lambda score: score.log_prob,
) -> int:
    """Pick the likeliest of several answers: the model can say nothing else.

    Args:
        model: As for `adapt`.
        prompt_ids: What the answers follow, in one row.
        choices: The ids of each answer.
        by: What is to be largest, such as `lambda score: score.per_token` for answers of
            different lengths.

    Returns:
        The number of the answer, counted from 0; of equal ones the first.

    Raises:
        ValueError: For the reasons of `score_choices`.

    Example:
        >>> def counts_on(ids):
        ...     return F.one_hot((ids + 1) % 5, 5).float()
        >>> choose(counts_on, torch.tensor([[0, 1]]), [[3, 4], [2, 3]])
        1
    """
    scores = [by(score) for score in score_choices(model, prompt_ids, choices)]
    return scores.index(max(scores))


def _log_probs_of(logits: Float[Tensor, "B T V"], ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    nats = F.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction="none")
    return -nats.view_as(ids)
