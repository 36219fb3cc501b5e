"""Two exercises of lesson 03: attention itself, and its gradients by hand.

Letters in shapes: B sequences, H heads, T queries, S keys, K width of a query, V width of a value.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.nn.attention import scaled_dot_product_attention
from course_lib.seeding import make_generator

_Pair = tuple[Tensor, Tensor]


def _normal(seed: int, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    generator = make_generator(seed)
    return tuple(torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes)


def _by_hand() -> tuple[Tensor, Tensor, Tensor]:
    query = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    key = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    value = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    return query, key, value


def _two_heads() -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = _normal(4, (3, 2, 4, 5), (3, 2, 7, 5), (3, 2, 7, 6))
    return query, key, value


def _masked() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = _normal(5, (2, 4, 3), (2, 5, 3), (2, 5, 2))
    mask = torch.ones(4, 5, dtype=torch.bool).tril()
    return query, key, value, mask


def _nothing_allowed() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = _normal(6, (3, 4), (5, 4), (5, 2))
    mask = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], dtype=torch.bool)
    return query, key, value, mask


def _scores(query: Tensor, key: Tensor, width: float | None = None) -> Tensor:
    return query @ key.mT / math.sqrt(width or query.shape[-1])


def _weigh(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Turn scores into weights as the library does."""
    if mask is None:
        return scores.softmax(dim=-1)
    return scores.masked_fill(~mask, -math.inf).softmax(dim=-1).masked_fill(~mask, 0.0)


def _twin(
    score: Callable[[Tensor, Tensor], Tensor] = _scores,
    weigh: Callable[[Tensor, Tensor | None], Tensor] = _weigh,
) -> Callable[..., _Pair]:
    """Make a twin of attention that scores, or weighs, in its own way."""

    def twin(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> _Pair:
        weights = weigh(score(query, key), mask)
        return weights @ value, weights

    return twin


def _full_width(query: Tensor, key: Tensor) -> Tensor:
    n_heads = query.shape[1] if query.ndim == 4 else 1
    return _scores(query, key, n_heads * query.shape[-1])


def _squeeze(scores: Tensor) -> Tensor:
    low, high = scores.amin(-1, keepdim=True), scores.amax(-1, keepdim=True)
    return (scores - low) / (high - low)


def _softmax_first(scores: Tensor, mask: Tensor | None) -> Tensor:
    weights = scores.softmax(dim=-1)
    return weights if mask is None else weights.masked_fill(~mask, 0.0)


def _zero_scores(scores: Tensor, mask: Tensor | None) -> Tensor:
    return (scores if mask is None else scores.masked_fill(~mask, 0.0)).softmax(dim=-1)


def _over_queries(scores: Tensor, mask: Tensor | None) -> Tensor:
    hidden = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    return hidden.softmax(dim=-2)


def _without_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    return scores if mask is None else scores.masked_fill(~mask, 0.0)


def _only_empty_rows_differ(seen: tuple[Observation, ...]) -> list[Tensor] | None:
    """Return the weights that an answer gave to a query with no key, if all else is right."""
    empty = []
    for one in seen:
        mask = one.case.args()[-1]
        weights, due = one.value[1], one.expected[1]
        rows = torch.ones(due.shape[:-1], dtype=torch.bool)
        if mask.dtype == torch.bool:
            rows = mask.any(dim=-1).expand(due.shape[:-1])
        if not torch.allclose(weights[rows], due[rows], rtol=1e-5, atol=1e-5):
            return None
        empty += [weights[~rows]] if not rows.all() else []
    return empty


def _not_a_number(seen: tuple[Observation, ...]) -> bool:
    empty = _only_empty_rows_differ(seen)
    return bool(empty) and all(bool(weights.isnan().all()) for weights in empty)


def _everything_after_all(seen: tuple[Observation, ...]) -> bool:
    empty = _only_empty_rows_differ(seen)
    return bool(empty) and all(bool((weights > 0).all()) for weights in empty)


SCALED_DOT_PRODUCT_ATTENTION = Exercise(
    key="03:scaled_dot_product_attention",
    target="course_lib.nn.attention:scaled_dot_product_attention",
    level="core",
    cases=(
        Case(why="the example worked by hand: 1 query, 3 keys", args=_by_hand),
        Case(why="3 sequences, 2 heads, 4 queries, 7 keys", args=_two_heads),
        Case(why="2 sequences and a mask", args=_masked),
        Case(why="a query that may attend to nothing", args=_nothing_allowed),
    ),
    mistakes=(
        Mistake(
            name="not-a-number",
            seen=_not_a_number,
            hint="All is right but for one query, which may attend to nothing: its scores are all "
            "-∞, and softmax divides 0 by 0. Its weights must be 0. Which call sets the weights to "
            "0 wherever the mask says False?",
        ),
        Mistake(
            name="empty-row-attends-to-everything",
            seen=_everything_after_all,
            hint="A query that may attend to nothing attends to everything in your version: "
            "softmax of equal scores, however low, is uniform. What should a query get that is "
            "allowed nothing?",
        ),
        Mistake(
            name="scaled-by-the-full-width",
            twin=_twin(score=_full_width),
            hint="You divide by the root of the width of *all heads together*, √d_model. Each "
            "head compares queries and keys of its own width, d_head. Where does that number "
            "stand in `query.shape`?",
        ),
        Mistake(
            name="not-scaled",
            twin=_twin(score=lambda q, k: q @ k.mT),
            hint="Your scores are the plain dot products. Their spread grows with the width of a "
            "query. What do you divide them by?",
        ),
        Mistake(
            name="divided-by-the-width",
            twin=_twin(score=lambda q, k: q @ k.mT / q.shape[-1]),
            hint="You divide by d_head itself. It is the *variance* of a dot product that grows "
            "like d_head; what grows like its standard deviation?",
        ),
        Mistake(
            name="scaled-by-the-number-of-keys",
            twin=_twin(score=lambda q, k: _scores(q, k, k.shape[-2])),
            hint="You divide by the root of the number of keys. How many there are changes no dot "
            "product; how *long* they are does.",
        ),
        Mistake(
            name="normalised-then-softmax",
            twin=_twin(weigh=lambda s, m: _weigh(_squeeze(s), m)),
            hint="You squeeze the scores into 0 to 1 before the softmax. Softmax is the "
            "normalisation. After squeezing, no key can get more than e = 2.7 times the weight of "
            "another.",
        ),
        Mistake(
            name="softmax-before-masking",
            twin=_twin(weigh=_softmax_first),
            hint="You mask after the softmax. The hidden keys have then already taken their share, "
            "and the rows no longer sum to 1. Hide the *scores* first.",
        ),
        Mistake(
            name="hidden-scores-set-to-zero",
            twin=_twin(weigh=_zero_scores),
            hint="You set the scores of hidden keys to 0. But e⁰ = 1: a score of 0 still gets "
            "weight. Which score has the exponential 0?",
        ),
        Mistake(
            name="mask-missing",
            twin=_twin(weigh=lambda s, m: s.softmax(dim=-1)),
            hint="`mask` changes nothing in your version. Hidden keys must get the weight 0.",
        ),
        Mistake(
            name="mask-inverted",
            twin=_twin(weigh=lambda s, m: _weigh(s, None if m is None else ~m)),
            hint="You hide what may be seen and show what is hidden. Here True means: may attend. "
            "(torch.nn.MultiheadAttention has it the other way round.)",
        ),
        Mistake(
            name="softmax-over-the-queries",
            twin=_twin(weigh=_over_queries),
            hint="Your columns sum to 1, not your rows. Each *query* shares out its attention over "
            "the keys: which axis are the keys on?",
        ),
        Mistake(
            name="softmax-forgotten",
            twin=_twin(weigh=_without_softmax),
            hint="Your weights are the scores themselves: some are negative, and they do not "
            "sum to 1.",
        ),
        Mistake(
            name="sigmoid-instead-of-softmax",
            twin=_twin(weigh=lambda s, m: _without_softmax(s.sigmoid(), m)),
            hint="A sigmoid gives each key its own yes or no. In attention the keys compete: the "
            "weights of a query sum to 1.",
        ),
    ),
    nudge="Three steps: compare every query with every key, turn each query's scores into shares, "
    "average the values by these shares. The mask belongs between the first and the second.",
    shapes="query (…, T, K), key (…, S, K), value (…, S, V), mask broadcasts to (…, T, S). Out: "
    "the mixed values, (…, T, V), and the weights, (…, T, S). `key.mT` swaps the last two axes.",
    pseudocode="scores ← query times key transposed, divided by the root of the width of a query\n"
    "where the mask is False: scores ← -∞\n"
    "weights ← softmax over the keys\n"
    "where the mask is False: weights ← 0 (only needed for queries without any key)\n"
    "return weights times value, and weights",
)


_Gradients = tuple[Tensor, Tensor, Tensor]


def _backward_twin(
    slope: Callable[[Tensor, Tensor], Tensor], scale: Callable[[Tensor], float] | None = None
) -> Callable[..., _Gradients]:
    """Make a twin of the gradients with its own softmax backward, given weights and d_weights."""

    def twin(query: Tensor, key: Tensor, value: Tensor, d_mixed: Tensor) -> _Gradients:
        weights = scaled_dot_product_attention(query, key, value)[1]
        factor = scale(query) if scale else query.shape[-1] ** -0.5
        d_scores = slope(weights, d_mixed @ value.mT) * factor
        return d_scores @ key, d_scores.mT @ query, weights.mT @ d_mixed

    return twin


def _softmax_backward(weights: Tensor, d_weights: Tensor) -> Tensor:
    return weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))


def _swapped(query: Tensor, key: Tensor, value: Tensor, d_mixed: Tensor) -> _Gradients:
    d_query, d_key, d_value = _backward_twin(_softmax_backward)(query, key, value, d_mixed)
    return d_key, d_query, d_value


def _values_unweighted(query: Tensor, key: Tensor, value: Tensor, d_mixed: Tensor) -> _Gradients:
    d_query, d_key, _ = _backward_twin(_softmax_backward)(query, key, value, d_mixed)
    return d_query, d_key, d_mixed.sum(dim=-2, keepdim=True).expand_as(value)


def _sign_turned(query: Tensor, key: Tensor, value: Tensor, d_mixed: Tensor) -> _Gradients:
    d_query, d_key, d_value = _backward_twin(_softmax_backward)(query, key, value, d_mixed)
    return -d_query, -d_key, -d_value


def _backward_case(seed: int, *sizes: int) -> Callable[[], tuple[Tensor, ...]]:
    """Make inputs for T queries and S keys of width K, and values of width V, in that order."""
    *lead, n_queries, n_keys, d_head, d_value = sizes
    shapes = ((n_queries, d_head), (n_keys, d_head), (n_keys, d_value), (n_queries, d_value))
    return lambda: _normal(seed, *((*lead, *shape) for shape in shapes))


ATTENTION_GRADIENTS = Exercise(
    key="03:attention_gradients",
    target="course_lib.nn.attention:attention_gradients",
    level="stretch",
    cases=(
        Case(why="1 query, 2 keys, width 1", args=_backward_case(7, 1, 2, 1, 1)),
        Case(why="3 queries, 5 keys, width 4", args=_backward_case(8, 3, 5, 4, 2)),
        Case(why="2 sequences, 4 queries, 3 keys", args=_backward_case(9, 2, 4, 3, 5, 7)),
    ),
    mistakes=(
        Mistake(
            name="softmax-like-a-sigmoid",
            twin=_backward_twin(lambda w, d: w * (1 - w) * d),
            hint="You treat each weight as if it depended on its own score only: w(1 - w). But "
            "when one score rises, all *other* weights of the row fall. What does each weight "
            "lose?",
        ),
        Mistake(
            name="row-mean-forgotten",
            twin=_backward_twin(lambda w, d: w * d),
            hint="weights · d_weights is only half of the softmax. The weights of a row sum to 1, "
            "so pushing all of them up alike must change nothing: subtract something from "
            "d_weights first.",
        ),
        Mistake(
            name="plain-mean-subtracted",
            twin=_backward_twin(lambda w, d: w * (d - d.mean(dim=-1, keepdim=True))),
            hint="You subtract the plain mean of d_weights. It must be the mean *by the weights*.",
        ),
        Mistake(
            name="mean-over-the-queries",
            twin=_backward_twin(lambda w, d: w * (d - (w * d).sum(dim=-2, keepdim=True))),
            hint="You sum over the queries. Each query has its own softmax: sum over its keys.",
        ),
        Mistake(
            name="softmax-skipped",
            twin=_backward_twin(lambda w, d: d),
            hint="You hand d_weights on as if it were d_scores. Between scores and weights stands "
            "the softmax, and it has a slope, too.",
        ),
        Mistake(
            name="scale-forgotten",
            twin=_backward_twin(_softmax_backward, lambda query: 1.0),
            hint="d_query and d_key are too large by √d_head. The scores were divided by it on the "
            "way forward.",
        ),
        Mistake(
            name="scale-turned-round",
            twin=_backward_twin(_softmax_backward, lambda query: query.shape[-1] ** 0.5),
            hint="You multiply by √d_head. The derivative of x / c is 1 / c.",
        ),
        Mistake(
            name="query-and-key-swapped",
            twin=_swapped,
            hint="d_query and d_key come out in the wrong order.",
        ),
        Mistake(
            name="values-without-weights",
            twin=_values_unweighted,
            hint="d_query and d_key are right. But each value gets the whole slope in your "
            "version; it went into the result with its *weight*.",
        ),
        Mistake(
            name="downhill",
            twin=_sign_turned,
            hint="All signs are turned round: you return the direction of the *update*. The "
            "gradient points uphill; the optimiser subtracts it.",
        ),
    ),
    nudge="Walk back through the four steps of the forward pass: mix, softmax, divide, multiply. "
    "Only the softmax is new.",
    shapes="query (…, T, K), key (…, S, K), value (…, S, V), d_mixed (…, T, V). On the way back: "
    "d_weights and d_scores are (…, T, S). Out: three tensors shaped like query, key and value.",
    pseudocode="weights ← forward pass\n"
    "d_value ← weights transposed times d_mixed\n"
    "d_weights ← d_mixed times value transposed\n"
    "m ← for each query, the mean of its d_weights, weighted by its weights\n"
    "d_scores ← weights · (d_weights - m)\n"
    "d_query ← d_scores times key / √K\n"
    "d_key ← d_scores transposed times query / √K",
)
