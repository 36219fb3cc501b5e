"""The exercise of lesson 03 on attention itself.

Letters in shapes: B sequences, H heads, T queries, S keys, K width of a query, V width of a value.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_except_on
from course_lib.seeding import make_generator

_Pair = tuple[Tensor, Tensor]


def normal_tensors(seed: int, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Draw a float64 tensor of each shape."""
    generator = make_generator(seed)
    return tuple(torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes)


def _by_hand() -> tuple[Tensor, Tensor, Tensor]:
    query = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    key = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    value = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    return query, key, value


def _two_heads() -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = normal_tensors(4, (3, 2, 4, 5), (3, 2, 7, 5), (3, 2, 7, 6))
    return query, key, value


def _masked() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = normal_tensors(5, (2, 4, 3), (2, 5, 3), (2, 5, 2))
    mask = torch.ones(4, 5, dtype=torch.bool).tril()
    return query, key, value, mask


def _nothing_allowed() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = normal_tensors(6, (3, 4), (5, 4), (5, 2))
    mask = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], dtype=torch.bool)
    return query, key, value, mask


def _huge() -> tuple[Tensor, Tensor, Tensor]:
    """Make scores of up to 2,546, whose exponential no float holds."""
    query = torch.tensor([[60.0, 0.0]], dtype=torch.float64)
    key = torch.tensor([[60.0, 0.0], [0.0, 60.0], [30.0, 0.0]], dtype=torch.float64)
    return query, key, torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)


def _huge_hidden() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return *_huge(), torch.tensor([[False, True, True]])


_HUGE, _HUGE_HIDDEN = "a score above 2,000", "a hidden key with a score above 2,000"


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
        Case(why=_HUGE, args=_huge),
        Case(why=_HUGE_HIDDEN, args=_huge_hidden),
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
            name="rescaled-after-softmax",
            seen=right_except_on(_HUGE_HIDDEN),
            hint="You hide after the softmax and make what is left sum to 1 again. If the hidden "
            "key had nearly all the weight, nothing is left to share out. Hide the *scores*, "
            "before the softmax.",
        ),
        Mistake(
            name="softmax-overflows",
            seen=right_except_on(_HUGE, _HUGE_HIDDEN),
            hint="Ordinary scores come out right. But e to the 2,000 is more than a float holds. "
            "Subtract the largest score of each row first, which changes no weight; torch's "
            "`softmax` does it for you.",
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
