"""The exercise of lesson 03 on multi-head attention, the only one that is a class.

Letters in shapes: B texts, T words that look, S words that are looked at, H heads, D = d_model,
K = d_head = D / H.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.lesson.attention_exercises import normal_tensors
from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.nn.attention import merge_heads, split_heads
from course_lib.seeding import make_generator

_Arguments = tuple[int, int, Tensor, Tensor | None, Tensor | None]
_NAMES = ("query", "key", "value", "output")
_SIZES = "sizes of its parameters"
_TOLERANCE = 1e-5


def use_layer(
    layer_class: Callable[[int, int], nn.Module],
    d_model: int,
    n_heads: int,
    x: Tensor,
    memory: Tensor | None,
    mask: Tensor | None,
) -> dict[str, Any]:
    """Make a layer, load fixed numbers into its parameters, and look at all that it gives.

    Args:
        layer_class: The library's `MultiHeadAttention` or an answer.
        d_model: As in its signature.
        n_heads: As in its signature.
        x: As in its `forward`.
        memory: As in its `forward`.
        mask: As in its `forward`.

    Returns:
        What `forward` and `weights` return, and the shapes of its parameters.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # for tensors that torch does not see as parameters, too
    try:
        layer = layer_class(d_model, n_heads)
        for name, parameter in layer.named_parameters():
            numbers = torch.randn(parameter.shape, generator=make_generator(sum(name.encode())))
            parameter.data = numbers / math.sqrt(parameter.shape[-1])
        return {
            "forward": layer(x, memory=memory, mask=mask),
            "weights": layer.weights(x, memory=memory, mask=mask),  # pyright: ignore[reportCallIssue]
            _SIZES: {name: tuple(one.shape) for name, one in layer.named_parameters()},
        }
    finally:
        torch.set_default_dtype(usual)


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """What a layer does at five places; each twin does one of them wrongly."""

    cut: Callable[[Tensor, int], Tensor] = split_heads
    merge: Callable[[Tensor], Tensor] = merge_heads
    width: Callable[[int, int], int] = lambda d_head, n_heads: d_head
    sides: Callable[[Tensor, Tensor], tuple[Tensor, ...]] = lambda x, memory: (x, memory, memory)
    hidden: Callable[[Tensor], Tensor] = torch.logical_not


class _Layer(nn.Module):
    def __init__(self, pieces: _Pieces, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.pieces, self.n_heads = pieces, n_heads
        self.root = math.sqrt(pieces.width(d_model // n_heads, n_heads))
        self.query, self.key = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.value, self.output = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)

    def look(self, x: Tensor, memory: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        sides = self.pieces.sides(x, x if memory is None else memory)
        layers = (self.query, self.key, self.value)
        query, key, value = (
            self.pieces.cut(layer(side), self.n_heads)
            for layer, side in zip(layers, sides, strict=True)
        )
        scores = query @ key.mT / self.root
        if mask is not None:
            scores = scores.masked_fill(self.pieces.hidden(mask), -math.inf)
        weights = scores.softmax(dim=-1).nan_to_num()
        return self.pieces.merge(weights @ value), weights

    def forward(self, x: Tensor, memory: Tensor | None, mask: Tensor | None) -> Tensor:
        return self.output(self.look(x, memory, mask)[0])

    def weights(self, x: Tensor, memory: Tensor | None, mask: Tensor | None) -> Tensor:
        return self.look(x, memory, mask)[1]


class _OutputUnused(_Layer):
    def forward(self, x: Tensor, memory: Tensor | None, mask: Tensor | None) -> Tensor:
        return self.look(x, memory, mask)[0]


def _twin(pieces: _Pieces) -> Callable[[int, int], nn.Module]:
    return partial(_Layer, pieces)


def _cut_by_reshape(x: Tensor, n_heads: int) -> Tensor:
    return x.reshape(x.shape[0], n_heads, x.shape[1], -1)


def _merge_by_reshape(mixed: Tensor) -> Tensor:
    return mixed.reshape(mixed.shape[0], mixed.shape[2], -1)


def _sizes(one: Observation) -> dict[str, tuple[int, ...]]:
    return one.value[_SIZES]


def _finished(seen: tuple[Observation, ...]) -> list[Observation]:
    return [one for one in seen if one.error is None and one.case.raises is None]


def _shared_by_all_heads(seen: tuple[Observation, ...]) -> bool:
    """Recognise projections of one piece of a word, whatever else is right or wrong."""
    for one in _finished(seen):
        d_model, n_heads = one.case.args()[:2]
        d_head = d_model // n_heads
        if any(_sizes(one).get(f"{name}.weight") == (d_head, d_head) for name in _NAMES[:3]):
            return True
    return False


def _one_layer_for_each_head(seen: tuple[Observation, ...]) -> bool:
    return any(
        part.isdigit()
        for one in _finished(seen)
        for name in _sizes(one)
        for part in name.split(".")
    )


def _named_otherwise(seen: tuple[Observation, ...]) -> bool:
    """Recognise parameters of other names, and layers that torch does not see."""
    known = {f"{name}.{kind}" for name in _NAMES for kind in ("weight", "bias")}
    needed = {f"{name}.weight" for name in _NAMES[:3]}
    return any(not needed <= set(_sizes(one)) <= known for one in _finished(seen))


def _without_output(seen: tuple[Observation, ...]) -> bool:
    """Recognise a layer that has no last matrix, or has one and leaves it aside."""
    finished = _finished(seen)
    if not finished:
        return False
    if all("output.weight" not in _sizes(one) for one in finished):
        return True
    return all(
        agree(one.value, use_layer(partial(_OutputUnused, _Pieces()), *one.case.args()), _TOLERANCE)
        for one in finished
    )


def _without_offsets(seen: tuple[Observation, ...]) -> bool:
    return any(
        f"{name}.weight" in _sizes(one) and f"{name}.bias" not in _sizes(one)
        for one in _finished(seen)
        for name in _NAMES
    )


def _averaged_weights(seen: tuple[Observation, ...]) -> bool:
    """Recognise right outputs beside weights that are averages over the heads."""
    finished = _finished(seen)
    return bool(finished) and all(
        agree(one.value["forward"], one.expected["forward"], _TOLERANCE)
        and agree(one.value["weights"].squeeze(1), one.expected["weights"].mean(dim=1), _TOLERANCE)
        for one in finished
    )


def _mask_inverted(seen: tuple[Observation, ...]) -> bool:
    """Recognise it even where words that may look at nothing have no number at all."""
    finished = _finished(seen)
    pairs = [
        (one.value, use_layer(_twin(_Pieces(hidden=torch.clone)), *one.case.args()))
        for one in finished
    ]
    return bool(pairs) and all(
        agree(torch.where(value[key].isnan(), due[key], value[key]), due[key], _TOLERANCE)
        for value, due in pairs
        for key in ("forward", "weights")
    )


def _never_cut(seen: tuple[Observation, ...]) -> bool:
    finished = _finished(seen)
    return bool(finished) and all(
        one.value["weights"].ndim == 3 or one.value["weights"].shape[1] == 1 for one in finished
    )


def _case(seed: int, d_model: int, n_heads: int, n_words: tuple[int, int, int]) -> _Arguments:
    """Draw B texts of T words, and of S words to look at if S is above 0."""
    n_texts, n_queries, n_keys = n_words
    x, memory = normal_tensors(seed, (n_texts, n_queries, d_model), (n_texts, n_keys, d_model))
    return d_model, n_heads, x, memory if n_keys else None, None


def _causal() -> _Arguments:
    d_model, n_heads, x, _, _ = _case(4, 12, 3, (2, 5, 0))
    return d_model, n_heads, x, None, torch.ones(5, 5, dtype=torch.bool).tril()


def _padded() -> _Arguments:
    d_model, n_heads, x, memory, _ = _case(5, 6, 2, (2, 5, 3))
    is_word = torch.tensor([[True, True, True], [True, True, False]])
    return d_model, n_heads, x, memory, is_word[:, None, None]


MULTI_HEAD_ATTENTION = Exercise(
    key="03:MultiHeadAttention",
    target="course_lib.nn.multi_head:MultiHeadAttention",
    level="core",
    trial=use_layer,
    cases=(
        Case(why="self-attention, 3 heads of width 2", args=lambda: _case(1, 6, 3, (2, 5, 0))),
        Case(why="4 words that look at 7 others", args=lambda: _case(2, 8, 2, (3, 4, 7))),
        Case(why="3 words that look at 3 others", args=lambda: _case(3, 10, 2, (2, 3, 3))),
        Case(why="a causal mask", args=_causal),
        Case(why="a mask of padding, 5 words look at 3", args=_padded),
        Case(why="width 7 and 2 heads", args=lambda: _case(6, 7, 2, (2, 5, 0)), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="one-small-layer-shared-by-all-heads",
            seen=_shared_by_all_heads,
            hint="You cut the word into pieces first and send every piece through one small layer, "
            "d_head × d_head, the same for all heads. So a head sees nothing of the word but its "
            "own piece, and all heads ask alike. It costs speed in training, most of the weights, "
            "and every checkpoint that others have trained: theirs do not fit. How wide must a "
            "layer be that sees the whole word and makes the queries of all heads at once?",
        ),
        Mistake(
            name="a-layer-for-each-head",
            seen=_one_layer_for_each_head,
            hint="A list with a layer for each head is the paper's formula, and true to it. But "
            "many small products are slower than a large one, and nobody's weights fit. Stack the "
            "matrices of the heads on top of each other: how large is the one that you get?",
        ),
        Mistake(
            name="layers-named-otherwise",
            seen=_named_otherwise,
            hint="The rest of the lesson, and whoever loads weights, looks for four linear layers "
            "with the names query, key, value and output. Yours has others, or further ones, or "
            "keeps them in a plain list, where torch does not see them and no optimiser would "
            "train them.",
        ),
        Mistake(
            name="output-missing",
            seen=_without_output,
            hint="You hand over the heads side by side. Then what head 2 found stays in its block "
            "of the vector, and no head's find is ever mixed with another's. Which of the four "
            "layers is still unused?",
        ),
        Mistake(
            name="offsets-left-out",
            seen=_without_offsets,
            hint="A layer of yours has no offset (bias=False). Some models do without, but here, "
            "in GPT-2 and in BERT all four have one, and their weights would not fit.",
        ),
        Mistake(
            name="scaled-by-the-full-width",
            twin=_twin(_Pieces(width=lambda d_head, n_heads: d_head * n_heads)),
            hint="You divide by the root of the width of all heads together, √d_model. The scores "
            "of a head are sums of d_head products, so they come out √n_heads times too small, and "
            "the softmax too flat. It learns, but later, and weights trained with the other root "
            "give wrong results without an error.",
        ),
        Mistake(
            name="not-scaled",
            twin=_twin(_Pieces(width=lambda d_head, n_heads: 1)),
            hint="Your scores are not divided by anything. They spread like √d_head, and wide "
            "heads begin with a saturated softmax.",
        ),
        Mistake(
            name="heads-not-moved-back",
            twin=_twin(_Pieces(merge=_merge_by_reshape)),
            hint="The shape at the end is right and the numbers are not: with the axes (B, H, T, "
            "K), `reshape` to (B, T, D) reads on through the *words* of one head. So a word gets "
            "what other words found, later ones too: the causal mask leaks. Which two axes must be "
            "swapped first?",
        ),
        Mistake(
            name="cut-without-moving",
            twin=_twin(_Pieces(cut=_cut_by_reshape)),
            hint="`reshape` to (B, H, T, K) at the beginning gives a head whole words instead of "
            "a piece of each. Cut the last axis in two, then swap axes; `split_heads` does it.",
        ),
        Mistake(
            name="heads-never-moved",
            twin=_twin(_Pieces(cut=_cut_by_reshape, merge=_merge_by_reshape)),
            hint="Going in and coming out you `reshape` without swapping axes. All shapes fit, and "
            "each head gets some of the words instead of a piece of every word: most words can "
            "never see each other, and the mask hides the wrong ones.",
        ),
        Mistake(
            name="heads-look-at-each-other",
            twin=_twin(
                _Pieces(
                    cut=lambda x, n_heads: x.unflatten(-1, (n_heads, -1)),
                    merge=lambda mixed: mixed.flatten(2),
                )
            ),
            hint="Your axes are (B, T, H, K), so the last two are heads and width: inside each "
            "word the heads look at each other, and no word sees another one. Which axes does "
            "attention work on?",
        ),
        Mistake(
            name="memory-ignored",
            twin=_twin(_Pieces(sides=lambda x, memory: (x, x, x))),
            hint="Your words look at themselves even if `memory` is given. A translator's decoder "
            "would never see the source. Whose are the keys and the values?",
        ),
        Mistake(
            name="values-from-x",
            twin=_twin(_Pieces(sides=lambda x, memory: (x, memory, x))),
            hint="The keys come from `memory`, the values from `x`. So weights are worked out for "
            "one text and spent on another; where the lengths differ it stops with an error. The "
            "value belongs to its key.",
        ),
        Mistake(
            name="the-memory-asks",
            twin=_twin(_Pieces(sides=lambda x, memory: (memory, x, x))),
            hint="The roles are swapped: `memory` makes the queries and `x` the keys. There must "
            "be one result for each word of `x`, the words that look.",
        ),
        Mistake(
            name="mask-ignored",
            twin=_twin(_Pieces(hidden=torch.zeros_like)),
            hint="`mask` changes nothing. A decoder would read the answer from its own input: a "
            "wonderful loss in training, and nonsense in writing.",
        ),
        Mistake(
            name="mask-inverted",
            seen=_mask_inverted,
            hint="You hide what may be seen. Here True means: may attend. (In "
            "torch.nn.MultiheadAttention it means hidden.)",
        ),
        Mistake(
            name="weights-averaged-over-the-heads",
            seen=_averaged_weights,
            hint="`forward` is right. Your `weights` are averages over the heads (torch's layer "
            "gives those, too, unless told otherwise), and an average hides what single heads do.",
        ),
        Mistake(
            name="never-cut-into-heads",
            seen=_never_cut,
            hint="There is a single softmax for each word: `n_heads` changes nothing. Cut queries, "
            "keys and values into heads after they are made.",
        ),
    ),
    nudge="First make all queries, keys and values from whole words; only then cut them. At the "
    "end put the heads side by side, and let one more matrix mix them.",
    shapes="`__init__` begins with `super().__init__()` and keeps `n_heads` and four layers "
    "`nn.Linear(D, D)`: query, key, value, output. forward: x (B, T, D), memory (B, S, D), out "
    "(B, T, D). weights: out (B, H, T, S). Your attention returns the mixed values and the "
    "weights; `merge_heads` is the way back of `split_heads`.",
    pseudocode="whom we look at: memory, or x itself if there is none\n"
    "queries from x, keys and values from those we look at, each through its layer, (…, D)\n"
    "cut all three into heads, (B, H, …, K)\n"
    "attention with the mask, (B, H, T, K)\n"
    "heads side by side, (B, T, D), through the output layer\n"
    "`weights`: the same up to the attention; hand over its weights, detached",
)
