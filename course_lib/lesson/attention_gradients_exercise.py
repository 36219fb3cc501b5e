"""The exercise of lesson 03 on the gradients of attention, by hand.

Letters in shapes: T queries, S keys, K width of a query, V width of a value.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.attention_exercises import normal_tensors
from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.recognising import right_except_on
from course_lib.nn.attention import scaled_dot_product_attention

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
    return lambda: normal_tensors(seed, *((*lead, *shape) for shape in shapes))


_HUGE_GRADIENTS = "scores above 1,000"


def _huge_backward() -> tuple[Tensor, ...]:
    """Make scores that are huge and nearly equal, so that every key gets a share."""
    query, key, value, d_mixed = _backward_case(10, 3, 4, 2, 5)()
    ones = torch.tensor([1.0, 0.0], dtype=torch.float64)
    return 2000 * ones + query, ones + 0.001 * key, value, d_mixed


ATTENTION_GRADIENTS = Exercise(
    key="03:attention_gradients",
    target="course_lib.nn.attention:attention_gradients",
    level="stretch",
    cases=(
        Case(why="1 query, 2 keys, width 1", args=_backward_case(7, 1, 2, 1, 1)),
        Case(why="3 queries, 5 keys, width 4", args=_backward_case(8, 3, 5, 4, 2)),
        Case(why="2 sequences, 4 queries, 3 keys", args=_backward_case(9, 2, 4, 3, 5, 7)),
        Case(why=_HUGE_GRADIENTS, args=_huge_backward),
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
            name="softmax-overflows",
            seen=right_except_on(_HUGE_GRADIENTS),
            hint="All is right until the scores are huge: e to the 1,000 is more than a float "
            "holds. `scaled_dot_product_attention` gives you the weights, too.",
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
