"""The exercise of lesson 06 on the cache of keys and values, a class.

Letters: B = sequences, G = heads of keys and values, T = new tokens, S = tokens so far, K = d_head.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_lib.lesson.cache_twins import TWINS
from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_error
from course_lib.seeding import make_generator

_DEVICE, _ONE_ROOM = "kept on the device meta", "room set aside once"


class Sizes(NamedTuple):
    """What a cache is made with, in the order of its parameters."""

    n_layers: int = 2
    n_sequences: int = 1
    n_kv_heads: int = 1
    max_len: int = 7
    d_head: int = 3


class Step(NamedTuple):
    """What is done with a cache: "read" or one of its methods, and with how much."""

    what: str
    much: Any


def use_cache(cache_class: Callable[..., Any], sizes: Sizes, steps: Sequence[Step]) -> Any:
    """Make a cache, go through some steps, and look at all that it gives.

    Args:
        cache_class: The library's `KVCache` or an answer.
        sizes: How large it is.
        steps: What is done with it. Reading appends in every layer, then counts.

    Returns:
        Name → what was seen: of each reading what each layer was given back, and at the end how
        many tokens and bytes there are, whether a gradient flows, where the room is, and whether
        it is set aside once.
    """
    cache = cache_class(*sizes, dtype=torch.float64)
    seen: dict[str, Any] = {}
    one_room = True
    given: list[Tensor] = []
    for number, step in enumerate(steps):
        if step.what in ("read", "append"):
            given.append(_append(cache, sizes, number, step.much, seen))
        if step.what == "read":
            cache.advance(step.much)
        if step.what == "keep":
            given.clear()
            cache.keep(torch.tensor(step.much))
            sizes = sizes._replace(n_sequences=len(step.much))
        if step.what in ("advance", "forget", "require_room"):
            getattr(cache, step.what)(step.much)
        rooms = {keys.untyped_storage().data_ptr() for keys in given}
        one_room = one_room and len(rooms) <= 1
        seen[f"n_tokens after step {number}"] = int(cache.n_tokens)
    return seen | {
        _ONE_ROOM: one_room,
        "n_bytes": cache.n_bytes,
        "n_bytes in float16": cache_class(*sizes, dtype=torch.float16).n_bytes,
        "max_len": cache.max_len,
        _DEVICE: _device_of(cache_class),
    }


def _append(cache: Any, sizes: Sizes, number: int, n_tokens: int, seen: dict[str, Any]) -> Tensor:
    """Append in every layer; return the keys that the first one was given back."""
    generator, first = make_generator(number), torch.empty(0)
    shape = (sizes.n_sequences, sizes.n_kv_heads, n_tokens, sizes.d_head)
    for layer in range(sizes.n_layers):
        new = [
            torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
            for _ in range(2)
        ]
        keys, values = cache.append(layer, *new)
        place = f"of layer {layer} in step {number}"
        seen[f"keys {place}"] = keys.detach().clone()
        seen[f"values {place}"] = values.detach().clone()
        seen[f"gradient {place}"] = bool(keys.requires_grad or values.requires_grad)
        first = first if layer else keys
    return first


def _device_of(cache_class: Callable[..., Any]) -> str:
    """Make a small cache on a device that holds no numbers, and say where it keeps them."""
    sizes = Sizes()
    new = torch.empty(sizes.n_sequences, sizes.n_kv_heads, 2, sizes.d_head, device="meta")
    try:
        keys, _ = cache_class(*sizes, device="meta").append(0, new, new)
    except Exception as error:  # an answer that keeps them elsewhere cannot copy from there
        return type(error).__name__
    return keys.device.type


def _right_but_for(start: str, right: Any) -> Callable[[tuple[Observation, ...]], bool]:
    """Make a recogniser of one thing that is wrong, and perhaps the place in memory, too."""

    def seen(observations: tuple[Observation, ...]) -> bool:
        plain = [one for one in observations if one.case.raises is None]
        wrong = [
            {
                name: right
                for name in one.value
                if name.startswith(start) and one.value[name] != right
            }
            for one in plain
        ]
        return any(wrong) and all(
            agree({**one.value, _ONE_ROOM: True, **mended}, one.expected, 1e-5)
            for one, mended in zip(plain, wrong, strict=True)
        )

    return seen


def _keys_are_values(observations: tuple[Observation, ...]) -> bool:
    seen = observations[0].value
    names = [name.removeprefix("keys") for name in seen if name.startswith("keys")]
    return all(agree(seen[f"keys{name}"], seen[f"values{name}"], 0) for name in names)


_READ_TWO_THEN_ONE = (Step("read", 2), Step("read", 1), Step("read", 1))

KV_CACHE = Exercise(
    key="06:KVCache",
    target="course_lib.nn.cache:KVCache",
    level="stretch",
    trial=use_cache,
    cases=(
        Case(
            why="two tokens, then one, then one",
            args=lambda: (Sizes(n_sequences=2, n_kv_heads=3, d_head=5), _READ_TWO_THEN_ONE),
        ),
        Case(why="one layer", args=lambda: (Sizes(n_layers=1), _READ_TWO_THEN_ONE)),
        Case(
            why="three layers, filled to the last place",
            args=lambda: (Sizes(n_layers=3, max_len=5), (Step("read", 4), Step("read", 1))),
        ),
        Case(
            why="sequences in another order",
            args=lambda: (
                Sizes(n_sequences=3),
                (Step("read", 2), Step("keep", [2, 0, 2]), Step("read", 1)),
            ),
        ),
        Case(
            why="fewer sequences",
            args=lambda: (
                Sizes(n_sequences=4),
                (Step("read", 3), Step("keep", [3, 1]), Step("read", 2)),
            ),
        ),
        Case(
            why="two tokens taken back",
            args=lambda: (Sizes(), (Step("read", 5), Step("forget", 2), Step("read", 1))),
        ),
        Case(
            why="no token taken back",
            args=lambda: (Sizes(), (Step("read", 3), Step("forget", 0), Step("read", 1))),
        ),
        Case(
            why="all taken back",
            args=lambda: (Sizes(), (Step("read", 3), Step("forget", 3), Step("read", 2))),
        ),
        Case(
            why="appended twice, counted once",
            args=lambda: (
                Sizes(),
                (Step("read", 2), Step("append", 1), Step("append", 2), Step("advance", 2)),
            ),
        ),
        Case(
            why="asking for the last place",
            args=lambda: (Sizes(max_len=3), (Step("read", 2), Step("require_room", 3))),
        ),
        Case(
            why="asking for too much room",
            args=lambda: (Sizes(max_len=3), (Step("read", 2), Step("require_room", 4))),
            raises=ValueError,
        ),
        Case(why="nothing read", args=lambda: (Sizes(n_sequences=2, max_len=4), ())),
        Case(
            why="one token too many",
            args=lambda: (Sizes(max_len=3), (Step("read", 3), Step("read", 1))),
            raises=ValueError,
        ),
        Case(
            why="appending one token too many",
            args=lambda: (Sizes(max_len=3), (Step("read", 3), Step("append", 1))),
            raises=ValueError,
        ),
        Case(
            why="counting more than there is room for",
            args=lambda: (Sizes(max_len=3), (Step("read", 2), Step("advance", 2))),
            raises=ValueError,
        ),
        Case(
            why="taking back more than there are",
            args=lambda: (Sizes(), (Step("read", 2), Step("forget", 3))),
            raises=ValueError,
        ),
        Case(
            why="taking back fewer than none",
            args=lambda: (Sizes(), (Step("read", 2), Step("forget", -1))),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="counted-in-append",
            twin=TWINS["counted-in-append"],
            hint="You count the tokens in `append`. But every layer appends the same tokens: the "
            "second layer would write them behind those of the first. Count in `advance`.",
        ),
        Mistake(
            name="counted-by-the-last-layer",
            twin=TWINS["counted-by-the-last-layer"],
            hint="The last layer counts, in `append`, and `advance` does nothing. It is `advance` "
            "that says: these tokens are read.",
        ),
        Mistake(
            name="counted-twice",
            twin=TWINS["counted-twice"],
            hint="You count the tokens both in `append` and in `advance`. Only `advance` counts: "
            "in `append` the layers still need to know where the new tokens begin.",
        ),
        Mistake(
            name="always-from-the-start",
            twin=TWINS["always-from-the-start"],
            hint="You write the new tokens over the first ones. They go behind the `n_tokens` that "
            "are there.",
        ),
        Mistake(
            name="whole-room-returned",
            twin=TWINS["whole-room-returned"],
            hint="You return the whole room, with zeros where nothing is yet. A zero key is still "
            "looked at by the softmax. Return what is filled.",
        ),
        Mistake(
            name="only-the-new",
            twin=TWINS["only-the-new"],
            hint="You return the new keys and values only. Attention wants those of *all* tokens "
            "so far.",
        ),
        Mistake(
            name="only-the-old",
            twin=TWINS["only-the-old"],
            hint="What you return ends before the new tokens. A token looks at itself, too.",
        ),
        Mistake(
            name="keys-and-values-swapped",
            twin=TWINS["keys-and-values-swapped"],
            hint="You return values first. First the keys, then the values.",
        ),
        Mistake(
            name="gradients-kept",
            seen=_right_but_for("gradient", False),
            hint="What you return still carries a gradient, and with it every step since the "
            "beginning. `detach()` what you keep.",
        ),
        Mistake(
            name="one-room-for-all-layers",
            twin=TWINS["one-room-for-all-layers"],
            hint="All layers write into the same room. Do you use layer 0 every time, or did "
            "`[…] * n` repeat one object? Make a room for each.",
        ),
        Mistake(
            name="one-room-for-both",
            seen=_keys_are_values,
            hint="Keys and values lie in the same room. They are two tensors.",
        ),
        Mistake(
            name="format-ignored",
            twin=TWINS["format-ignored"],
            hint="Your room has torch's default format whatever `dtype` says.",
        ),
        Mistake(
            name="nothing-counted",
            twin=TWINS["nothing-counted"],
            hint="`advance` must remember that there are more tokens now.",
        ),
        Mistake(
            name="one-counted",
            twin=TWINS["one-counted"],
            hint="`advance` counts one token. A prompt has many: it is told how many.",
        ),
        Mistake(
            name="no-rows-chosen",
            twin=TWINS["no-rows-chosen"],
            hint="`keep` does nothing. Which sequences go on, and in which order?",
        ),
        Mistake(
            name="first-rows-kept",
            twin=TWINS["first-rows-kept"],
            hint="`keep` takes the first sequences, as many as there are rows. The rows say "
            "*which*.",
        ),
        Mistake(
            name="rows-of-one-layer",
            twin=TWINS["rows-of-one-layer"],
            hint="`keep` chooses rows in the first layer only.",
        ),
        Mistake(
            name="rows-of-the-keys",
            twin=TWINS["rows-of-the-keys"],
            hint="`keep` chooses rows of the keys, and leaves the values in the old order.",
        ),
        Mistake(
            name="forgets-down-to",
            twin=TWINS["forgets-down-to"],
            hint="`forget(2)` takes back 2 tokens. You keep 2.",
        ),
        Mistake(
            name="forgets-nothing",
            twin=TWINS["forgets-nothing"],
            hint="`forget` takes back nothing. How does the cache know how many tokens it has?",
        ),
        Mistake(
            name="forgets-all",
            twin=TWINS["forgets-all"],
            hint="`forget` empties the cache. It takes back the newest `n_tokens` only.",
        ),
        Mistake(
            name="full-is-too-full",
            twin=TWINS["full-is-too-full"],
            hint="You refuse the token for which there is just room: `max_len` tokens fit.",
        ),
        Mistake(
            name="bytes-of-the-tokens-so-far",
            twin=TWINS["bytes-of-the-tokens-so-far"],
            hint="`n_bytes` is the memory that is *set aside*, full or not.",
        ),
        Mistake(
            name="bytes-of-the-keys",
            twin=TWINS["bytes-of-the-keys"],
            hint="You count the bytes of one of the two: keys *and* values.",
        ),
        Mistake(
            name="bytes-of-one-layer",
            twin=TWINS["bytes-of-one-layer"],
            hint="You count the bytes of one layer. All of them.",
        ),
        Mistake(
            name="four-bytes-each",
            twin=TWINS["four-bytes-each"],
            hint="You take 4 bytes for each number. How many are there in float64, and in float16? "
            "(`element_size`)",
        ),
        Mistake(
            name="numbers-not-bytes",
            twin=TWINS["numbers-not-bytes"],
            hint="You count numbers. How many bytes has each? (`element_size`)",
        ),
        Mistake(
            name="device-ignored",
            seen=_right_but_for(_DEVICE, "meta"),
            hint="Your room is on torch's default device whatever `device` says. On a GPU, keys "
            "and values would not fit together.",
        ),
        Mistake(
            name="room-made-anew",
            seen=_right_but_for(_ONE_ROOM, True),
            hint="What you return is right, but it lies in another place each time: you copy all "
            "of it for every token. Set the room aside once, and return views into it.",
        ),
        Mistake(
            name="room-not-watched",
            seen=right_but_for_the_error,
            hint="What it keeps is right. Raise a ValueError where there is no room for so many "
            "tokens, or where more are to be taken back than there are (or fewer than none).",
        ),
    ),
    nudge="Set the room aside once, and remember how far it is filled. Who counts: a layer, or all "
    "layers together?",
    shapes="Each layer has keys and values of shape (B, G, max_len, K). `append` gets (B, G, T, K) "
    "and gives (B, G, S, K), S = tokens so far.",
    pseudocode="__init__: for each layer two rooms of zeros; no tokens yet\n"
    "append: write the new ones behind the n_tokens that are there, without gradient; return all "
    "up to the end of the new ones\n"
    "advance: is there room? then count them\n"
    "keep: choose rows of every room; forget: count back; each refuses what cannot be",
)
