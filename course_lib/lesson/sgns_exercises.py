"""The two exercises of lesson 01 about training: the loss of skip-gram and its gradients.

Letters in shapes: B pairs, K negatives per pair, D length of a vector.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.seeding import make_generator


def _pair_batch(seed: int, n_pairs: int, n_negatives: int, d_embed: int) -> tuple[Tensor, ...]:
    generator = make_generator(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    negatives = normal(n_pairs, n_negatives, d_embed)
    return normal(n_pairs, d_embed), normal(n_pairs, d_embed), negatives


def _scores(center: Tensor, context: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of the true pairs, shape (B,), and of the negatives, shape (B, K)."""
    return (center * context).sum(-1), (negatives * center.unsqueeze(1)).sum(-1)


def _extreme_batch() -> tuple[Tensor, Tensor, Tensor]:
    """One pair whose σ(score) is 0 in 32-bit numbers, though its logarithm is an ordinary -150."""
    center, context = torch.tensor([[10.0, 5.0]]), torch.tensor([[-10.0, -10.0]])
    return center, context, torch.tensor([[[1.0, -2.0], [0.5, 1.0]]])


def _log_of_zero(seen: tuple[Observation, ...]) -> bool:
    *ordinary, extreme = [o.value for o in seen]
    if not all(isinstance(value, Tensor) for value in (*ordinary, extreme)):
        return False
    finite = all(bool(value.isfinite().all()) for value in ordinary)
    return finite and not bool(extreme.isfinite().all())


def _loss_twin(
    combine: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Make a twin of `sgns_loss` from what it does with the scores, shapes (B,) and (B, K)."""
    return lambda center, context, negatives: combine(*_scores(center, context, negatives))


_LOSS_CASES = (
    Case(why="2 pairs, 1 negative, 2 numbers", args=lambda: _pair_batch(2, 2, 1, 2)),
    Case(why="3 pairs, 5 negatives, 7 numbers", args=lambda: _pair_batch(3, 3, 5, 7)),
    Case(why="5 pairs, 2 negatives, 3 numbers", args=lambda: _pair_batch(4, 5, 2, 3)),
)

SGNS_LOSS = Exercise(
    key="01:sgns_loss",
    target="course_lib.embeddings.sgns:sgns_loss",
    level="core",
    cases=(*_LOSS_CASES, Case(why="a pair with a score of -150", args=_extreme_batch)),
    mistakes=(
        Mistake(
            name="log-of-zero",
            seen=_log_of_zero,
            hint="On the last case you get infinity: σ(-150) is 0 in 32-bit numbers, and ln 0 is "
            "-∞, though ln σ(-150) is simply -150. Is there one function in "
            "torch.nn.functional that does sigmoid and logarithm together?",
        ),
        Mistake(
            name="negatives-not-turned-round",
            twin=_loss_twin(lambda pos, neg: -(logsigmoid(pos) + logsigmoid(neg).sum(-1)).mean()),
            hint="You reward high scores for the negatives too. For them, a *low* score is right: "
            "what changes inside the σ?",
        ),
        Mistake(
            name="sign-flipped",
            twin=_loss_twin(lambda pos, neg: (logsigmoid(pos) + logsigmoid(-neg).sum(-1)).mean()),
            hint="This is the mean log-probability, always below 0. A loss is what we make small, "
            "so it is the negative of it.",
        ),
        Mistake(
            name="only-the-true-pairs",
            twin=_loss_twin(lambda pos, neg: -logsigmoid(pos).mean()),
            hint="Only the true pairs are in your loss. Without negatives the best solution is to "
            "make all vectors equal and huge. Where is the second term?",
        ),
        Mistake(
            name="only-the-negatives",
            twin=_loss_twin(lambda pos, neg: -logsigmoid(-neg).sum(-1).mean()),
            hint="Only the negatives are in your loss; the true pairs are missing.",
        ),
        Mistake(
            name="mean-over-negatives",
            twin=_loss_twin(lambda pos, neg: -(logsigmoid(pos) + logsigmoid(-neg).mean(-1)).mean()),
            hint="You average over the K negatives of a pair. The formula *sums* over k; only "
            "over the pairs do we take the mean.",
        ),
        Mistake(
            name="sum-over-pairs",
            twin=_loss_twin(lambda pos, neg: -(logsigmoid(pos) + logsigmoid(-neg).sum(-1)).sum()),
            hint="You sum over the pairs of the batch, so a bigger batch has a bigger loss. We "
            "want nats per pair.",
        ),
        Mistake(
            name="one-number-a-pair",
            twin=_loss_twin(lambda pos, neg: -(logsigmoid(pos) + logsigmoid(-neg).sum(-1))),
            hint="You return one loss for each pair, shape (B,). They are right; the last step, "
            "one number for the batch, is missing.",
        ),
        Mistake(
            name="subtracted-instead-of-negated",
            twin=_loss_twin(lambda pos, neg: -(logsigmoid(pos) - logsigmoid(neg).sum(-1)).mean()),
            hint="You subtract ln σ(score) of the negatives. That is not ln σ(-score): σ(-s) is 1 "
            "- σ(s). Put the minus inside.",
        ),
        Mistake(
            name="one-minus-in-the-wrong-place",
            twin=_loss_twin(
                lambda pos, neg: -(logsigmoid(pos) + (1 - logsigmoid(neg)).sum(-1)).mean()
            ),
            hint="You write 1 - ln σ(s) where ln(1 - σ(s)) is meant; which is the same as ln "
            "σ(-s).",
        ),
        Mistake(
            name="logarithm-forgotten",
            twin=_loss_twin(lambda pos, neg: -(pos.sigmoid() + (-neg).sigmoid().sum(-1)).mean()),
            hint="You add up probabilities; the logarithm is missing.",
        ),
        Mistake(
            name="softmax-instead-of-sigmoid",
            twin=_loss_twin(
                lambda pos, neg: (
                    -(torch.cat([pos[:, None], neg], dim=1).log_softmax(dim=1)[:, 0].mean())
                )
            ),
            hint="You let the words compete in one softmax. In negative sampling each pair is its "
            "own yes-or-no question, with a sigmoid.",
        ),
    ),
    nudge="Two terms. For the true pair the score should be high, for the negatives low. "
    "σ(-s) = 1 - σ(s) lets you write both with the same function.",
    shapes="center and context are (B, D), negatives are (B, K, D). The scores of the true "
    "pairs are (B,), those of the negatives (B, K). Out: one number, a tensor of "
    "shape ().",
    pseudocode="positive ← dot product of each centre with its context, shape (B,)\n"
    "negative ← dot product of each centre with each of its negatives, shape (B, K)\n"
    "per pair ← -(ln σ(positive) + sum over K of ln σ(-negative))\n"
    "return its mean",
)


_Gradients = tuple[Tensor, Tensor, Tensor]


def _chain(v: Tensor, u: Tensor, n: Tensor, e: Tensor, m: Tensor) -> _Gradients:
    """Multiply the errors of the true pairs, (B,), and of the negatives, (B, K), by vectors."""
    e, m = e[:, None], m[..., None]
    return e * u + (m * n).sum(1), e * v, m * v[:, None]


def _gradients(v: Tensor, u: Tensor, n: Tensor, divisor: float) -> _Gradients:
    positive, negative = _scores(v, u, n)
    return _chain(v, u, n, (positive.sigmoid() - 1) / divisor, negative.sigmoid() / divisor)


def _errors_twin(
    errors: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
) -> Callable[[Tensor, Tensor, Tensor], _Gradients]:
    """Make a twin of `sgns_gradients` that has other errors, given σ of the scores."""

    def twin(v: Tensor, u: Tensor, n: Tensor) -> _Gradients:
        e, m = errors(*(scores.sigmoid() for scores in _scores(v, u, n)))
        return _chain(v, u, n, e / len(v), m / len(v))

    return twin


def _without_negatives_in_the_centre(v: Tensor, u: Tensor, n: Tensor) -> _Gradients:
    error = (_scores(v, u, n)[0].sigmoid() - 1) / len(v)
    return error[:, None] * u, *_gradients(v, u, n, len(v))[1:]


def _own_vector(v: Tensor, u: Tensor, n: Tensor) -> _Gradients:
    positive, negative = (scores.sigmoid() / len(v) for scores in _scores(v, u, n))
    e, m = (positive - 1 / len(v))[:, None], negative[..., None]
    return (e + m.sum(1)) * v, e * u, m * n


def _updated_in_between(v: Tensor, u: Tensor, n: Tensor) -> _Gradients:
    d_center = _gradients(v, u, n, len(v))[0]
    return d_center, *_gradients(v - d_center, u, n, len(v))[1:]


def _swapped(v: Tensor, u: Tensor, n: Tensor) -> _Gradients:
    d_center, d_context, d_negatives = _gradients(v, u, n, len(v))
    return d_context, d_center, d_negatives


SGNS_GRADIENTS = Exercise(
    key="01:sgns_gradients",
    target="course_lib.embeddings.sgns:sgns_gradients",
    level="stretch",
    cases=_LOSS_CASES,
    mistakes=(
        Mistake(
            name="not-divided-by-the-batch",
            twin=lambda v, u, n: _gradients(v, u, n, 1),
            hint="Each gradient is too large by the number of pairs. `sgns_loss` is a *mean*: "
            "what does that do to the gradient of one pair?",
        ),
        Mistake(
            name="divided-by-all-scores",
            twin=lambda v, u, n: _gradients(v, u, n, n.shape[0] * n.shape[1]),
            hint="You divide by B·K. The loss takes the mean over the B pairs only, and sums over "
            "K.",
        ),
        Mistake(
            name="downhill",
            twin=lambda v, u, n: _gradients(v, u, n, -len(v)),
            hint="All signs are turned round: you return the direction of the *update*. The "
            "gradient points uphill; the optimiser subtracts it.",
        ),
        Mistake(
            name="label-of-the-true-pair-missing",
            twin=_errors_twin(lambda p, q: (p, q)),
            hint="For the true pair your error is σ(s). Prediction minus label: which label does "
            "a true pair have?",
        ),
        Mistake(
            name="negatives-treated-as-true",
            twin=_errors_twin(lambda p, q: (p - 1, q - 1)),
            hint="Your error for the negatives is σ(s) - 1, which pulls them closer. Their label "
            "is 0: what is prediction minus label then?",
        ),
        Mistake(
            name="negatives-missing-in-the-centre",
            twin=_without_negatives_in_the_centre,
            hint="d_context and d_negatives are right. But the centre also appears in the scores "
            "of all K negatives: d_center is a sum of 1 + K terms.",
        ),
        Mistake(
            name="multiplied-by-its-own-vector",
            twin=_own_vector,
            hint="The derivative of u·v with respect to v is u, the *other* vector. You multiply "
            "by the vector itself.",
        ),
        Mistake(
            name="slope-of-the-sigmoid",
            twin=_errors_twin(lambda p, q: (-p * (1 - p), q * (1 - q))),
            hint="You differentiate σ(s), which gives σ(s)(1 - σ(s)). The loss has ln σ(s): its "
            "derivative divides that by σ(s). What is left?",
        ),
        Mistake(
            name="centre-and-context-swapped",
            twin=_swapped,
            hint="d_center and d_context come out in the wrong order.",
        ),
        Mistake(
            name="updated-in-between",
            twin=_updated_in_between,
            hint="d_context and d_negatives are taken at the *moved* centre. All three gradients "
            "belong to the same point: compute them all first, then update.",
        ),
    ),
    nudge="Write the loss of one pair as a function of its scores only. Differentiate by "
    "the scores first; then each score by its two vectors.",
    shapes="Errors: (B, 1) for the true pairs, (B, K, 1) for the negatives, so that they "
    "multiply vectors. Out: three tensors shaped like the three inputs.",
    pseudocode="error of the true pair ← (σ(u·v) - 1) / B\n"
    "error of negative k ← σ(nₖ·v) / B\n"
    "d_center ← error·u + sum over k of errorₖ·nₖ\n"
    "d_context ← error·v\n"
    "d_negativesₖ ← errorₖ·v",
)
