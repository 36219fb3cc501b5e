"""Wrong answers to the penalty of lesson 06, written by someone who had not seen the checks."""

from collections import Counter
from collections.abc import Callable

import torch

from course_lib.generation import penalise_repetition


def refuse_penalty(penalty):
    if penalty <= 0:
        raise ValueError(f"penalty must be > 0; got {penalty}")


def penalised(score, penalty):
    return score * penalty if score < 0 else score / penalty


def as_in_the_paper(logits, ids, penalty):
    """Divide all scores, those below 0 as well."""
    refuse_penalty(penalty)
    out = logits.clone()
    for token in set(ids):
        out[token] /= penalty
    return out


def once_for_each_time(logits, ids, penalty):
    """Penalise a token as often as it came."""
    refuse_penalty(penalty)
    out = logits.clone()
    for token in ids:
        out[token] = penalised(out[token], penalty)
    return out


def signs_swapped(logits, ids, penalty):
    """Multiply above 0 and divide below."""
    refuse_penalty(penalty)
    return penalise_repetition(logits, ids, 1 / penalty)


def above_nought_only(logits, ids, penalty):
    """Leave scores below 0 as they are."""
    refuse_penalty(penalty)
    out = logits.clone()
    for token in set(ids):
        if out[token] > 0:
            out[token] /= penalty
    return out


def subtracted(logits, ids, penalty):
    """Subtract the penalty."""
    refuse_penalty(penalty)
    out = logits.clone()
    out[list(set(ids))] -= penalty
    return out


def every_token(logits, ids, penalty):
    """Penalise the whole vocabulary."""
    return penalise_repetition(logits, range(len(logits)), penalty)


def the_newest(logits, ids, penalty):
    """Penalise the last token only."""
    return penalise_repetition(logits, ids[-1:], penalty)


def without_the_newest(logits, ids, penalty):
    """Leave the last token out."""
    return penalise_repetition(logits, ids[:-1], penalty)


def what_is_missing(logits, ids, penalty):
    """Penalise the tokens that have not come."""
    return penalise_repetition(logits, sorted(set(range(len(logits))) - set(ids)), penalty)


def what_came_twice(logits, ids, penalty):
    """Penalise from the second time on."""
    return penalise_repetition(logits, [i for i, n in Counter(ids).items() if n > 1], penalty)


def in_the_callers_logits(logits, ids, penalty):
    """Write into what was handed in."""
    refuse_penalty(penalty)
    for token in set(ids):
        logits[token] = penalised(logits[token], penalty)
    return logits


def log_probs_first(logits, ids, penalty):
    """Make log-probabilities of the scores first."""
    return penalise_repetition(logits.log_softmax(-1), ids, penalty)


def log_probs_afterwards(logits, ids, penalty):
    """Make log-probabilities of the result."""
    return penalise_repetition(logits, ids, penalty).log_softmax(-1)


def only_above_one(logits, ids, penalty):
    """Refuse penalties below 1."""
    if penalty < 1:
        raise ValueError("penalty must be ≥ 1")
    return penalise_repetition(logits, ids, penalty)


def nought_is_let_in(logits, ids, penalty):
    """Refuse what is below 0, and not 0 itself."""
    if penalty < 0:
        raise ValueError("penalty must not be negative")
    scores = torch.where(logits < 0, logits * penalty, logits / penalty)
    return torch.where(torch.isin(torch.arange(len(logits)), torch.tensor(ids)), scores, logits)


def no_penalty_is_refused(logits, ids, penalty):
    """Take any penalty."""
    out = logits.clone()
    for token in set(ids):
        out[token] = penalised(out[token], penalty)
    return out


def empty_text_is_floats(logits, ids, penalty):
    """Make a tensor of the ids, which has no whole numbers if it is empty."""
    refuse_penalty(penalty)
    seen = torch.tensor(ids)
    out = logits.clone()
    out[seen] = torch.where(out[seen] < 0, out[seen] * penalty, out[seen] / penalty)
    return out


def ids_as_an_index(logits, ids, penalty):
    """Index with the ids as they come: a tuple means one axis each."""
    refuse_penalty(penalty)
    out = logits.clone()
    out[ids] = torch.where(out[ids] < 0, out[ids] * penalty, out[ids] / penalty)
    return out


def mixed_by_a_mask(logits, ids, penalty):
    """Mix both with a mask of 0 and 1: nought times infinity is no number."""
    refuse_penalty(penalty)
    seen = torch.zeros_like(logits)
    seen[list(ids)] = 1
    scores = torch.where(logits < 0, logits * penalty, logits / penalty)
    return seen * scores + (1 - seen) * logits


def sign_of_the_largest(logits, ids, penalty):
    """Ask once whether the scores are below 0."""
    refuse_penalty(penalty)
    out = logits.clone()
    seen = list(set(ids))
    out[seen] = out[seen] * penalty if logits.max() < 0 else out[seen] / penalty
    return out


def by_size(logits, ids, penalty):
    """Subtract in proportion to the size of the score."""
    refuse_penalty(penalty)
    out = logits.clone()
    seen = list(set(ids))
    out[seen] = out[seen] - (penalty - 1) * out[seen].abs()
    return out


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:penalise_repetition", answer)
    for answer in (
        as_in_the_paper,
        once_for_each_time,
        signs_swapped,
        above_nought_only,
        subtracted,
        every_token,
        the_newest,
        without_the_newest,
        what_is_missing,
        what_came_twice,
        in_the_callers_logits,
        log_probs_first,
        log_probs_afterwards,
        only_above_one,
        nought_is_let_in,
        no_penalty_is_refused,
        empty_text_is_floats,
        ids_as_an_index,
        mixed_by_a_mask,
        sign_of_the_largest,
        by_size,
    )
]
