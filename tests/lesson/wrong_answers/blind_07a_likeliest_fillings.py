"""Wrong answers to `likeliest_fillings` of lesson 07a, by someone who had not seen the checks."""

from collections.abc import Callable

from course_lib.generation.filling import likeliest_fillings


def refuse_place(logits, mask_place, n_best):
    likeliest_fillings(logits, mask_place, n_best)


def softmax_of_the_best(logits, mask_place, n_best):
    """Share the probability among the wanted tokens only."""
    refuse_place(logits, mask_place, n_best)
    best = logits[mask_place].topk(n_best)
    return list(zip(best.indices.tolist(), best.values.softmax(dim=0).tolist(), strict=True))


def softmax_over_places(logits, mask_place, n_best):
    """Take the softmax over the places, not over the vocabulary."""
    refuse_place(logits, mask_place, n_best)
    best = logits.softmax(dim=0)[mask_place].topk(n_best)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def softmax_over_everything(logits, mask_place, n_best):
    """Take the softmax over all places and tokens together."""
    refuse_place(logits, mask_place, n_best)
    best = logits.flatten().softmax(dim=0).view_as(logits)[mask_place].topk(n_best)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def mean_of_the_places(logits, mask_place, n_best):
    """Average the scores of all places."""
    refuse_place(logits, mask_place, n_best)
    return likeliest_fillings(logits.mean(dim=0, keepdim=True), 0, n_best)


def scores_come_back(logits, mask_place, n_best):
    """Give scores, not probabilities."""
    found = likeliest_fillings(logits, mask_place, n_best)
    return [(token, logits[mask_place, token].item()) for token, _ in found]


def logarithms_come_back(logits, mask_place, n_best):
    """Give the logarithms of the probabilities."""
    refuse_place(logits, mask_place, n_best)
    best = logits[mask_place].log_softmax(dim=0).topk(n_best)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def sigmoid_for_softmax(logits, mask_place, n_best):
    """Give each token a probability of its own."""
    found = likeliest_fillings(logits, mask_place, n_best)
    return [(token, logits[mask_place, token].sigmoid().item()) for token, _ in found]


def bare_exponentials(logits, mask_place, n_best):
    """Compute exp without taking the largest score away, which overflows."""
    refuse_place(logits, mask_place, n_best)
    weights = logits[mask_place].exp()
    best = (weights / weights.sum()).topk(n_best)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def least_likely_first(logits, mask_place, n_best):
    """Sort upwards."""
    refuse_place(logits, mask_place, n_best)
    worst = logits[mask_place].softmax(dim=0).sort()
    pairs = zip(worst.indices.tolist(), worst.values.tolist(), strict=True)
    return list(pairs)[:n_best]


def best_comes_last(logits, mask_place, n_best):
    """Take the last of an upward sort, and leave them in that order."""
    return likeliest_fillings(logits, mask_place, n_best)[::-1]


def in_order_of_ids(logits, mask_place, n_best):
    """Give the right tokens, sorted by id."""
    return sorted(likeliest_fillings(logits, mask_place, n_best))


def probability_before_id(logits, mask_place, n_best):
    """Give pairs the wrong way round."""
    return [(p, token) for token, p in likeliest_fillings(logits, mask_place, n_best)]


def one_place_after(logits, mask_place, n_best):
    """Read the place that follows, as in a model that predicts the next token."""
    refuse_place(logits, mask_place, n_best)
    return likeliest_fillings(logits, min(mask_place + 1, len(logits) - 1), n_best)


def one_place_before(logits, mask_place, n_best):
    """Read the place before, as in a model that predicts the next token."""
    refuse_place(logits, mask_place, n_best)
    return likeliest_fillings(logits, max(mask_place - 1, 0), n_best)


def counted_from_the_end(logits, mask_place, n_best):
    """Let places below 0 count from the end."""
    place = mask_place + len(logits) if -len(logits) <= mask_place < 0 else mask_place
    return likeliest_fillings(logits, place, n_best)


def as_many_as_there_are(logits, mask_place, n_best):
    """Give all tokens if more are wanted."""
    return likeliest_fillings(logits, mask_place, min(n_best, logits.shape[1]))


def none_wanted(logits, mask_place, n_best):
    """Give an empty list if no token is wanted."""
    return likeliest_fillings(logits, mask_place, n_best) if n_best else []


def never_all(logits, mask_place, n_best):
    """Refuse to list the whole vocabulary."""
    if not 1 <= n_best < logits.shape[1]:
        raise ValueError(f"n_best is out of range; got {n_best}")
    return likeliest_fillings(logits, mask_place, n_best)


def never_the_first_place(logits, mask_place, n_best):
    """Refuse place 0, where [CLS] would stand."""
    if mask_place < 1:
        raise ValueError(f"mask_place is out of range; got {mask_place}")
    return likeliest_fillings(logits, mask_place, n_best)


def best_is_one(logits, mask_place, n_best):
    """Divide by the probability of the best token."""
    found = likeliest_fillings(logits, mask_place, n_best)
    return [(token, p / found[0][1]) for token, p in found]


def rounded_for_reading(logits, mask_place, n_best):
    """Round to three digits."""
    return [(token, round(p, 3)) for token, p in likeliest_fillings(logits, mask_place, n_best)]


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07a:likeliest_fillings", softmax_of_the_best),
    ("07a:likeliest_fillings", softmax_over_places),
    ("07a:likeliest_fillings", softmax_over_everything),
    ("07a:likeliest_fillings", mean_of_the_places),
    ("07a:likeliest_fillings", scores_come_back),
    ("07a:likeliest_fillings", logarithms_come_back),
    ("07a:likeliest_fillings", sigmoid_for_softmax),
    ("07a:likeliest_fillings", bare_exponentials),
    ("07a:likeliest_fillings", least_likely_first),
    ("07a:likeliest_fillings", best_comes_last),
    ("07a:likeliest_fillings", in_order_of_ids),
    ("07a:likeliest_fillings", probability_before_id),
    ("07a:likeliest_fillings", one_place_after),
    ("07a:likeliest_fillings", one_place_before),
    ("07a:likeliest_fillings", counted_from_the_end),
    ("07a:likeliest_fillings", as_many_as_there_are),
    ("07a:likeliest_fillings", none_wanted),
    ("07a:likeliest_fillings", never_all),
    ("07a:likeliest_fillings", never_the_first_place),
    ("07a:likeliest_fillings", best_is_one),
    ("07a:likeliest_fillings", rounded_for_reading),
]
