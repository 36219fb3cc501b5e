"""Nested state taken apart into tensors, for safetensors, and the rest, for JSON; nothing is lost.

A tensor becomes `{"tensor": name}`, a tuple `{"tuple": […]}`, and a dict, whose keys need not be
strings, `{"dict": [[key, value], …]}`. Numbers, strings, None and lists stay what they are.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

_PLAIN = (type(None), bool, int, float, str)


class Packed(NamedTuple):
    """State in two parts.

    Attributes:
        tree: What JSON can hold, with the names of tensors in their places.
        tensors: By name; the name is the path to it, as in `state/0/exp_avg`.
    """

    tree: Any
    tensors: dict[str, Tensor]


def pack(state: Any) -> Packed:
    """Take state apart; `unpack` puts it together again.

    Args:
        state: Tensors, numbers, strings and None, in dicts, lists and tuples of any depth.

    Returns:
        The parts. Tensors are not copied.

    Raises:
        TypeError: If there is anything else in it, which only a pickle could hold.

    Example:
        >>> pack({"step": 3, "betas": (0.9, 0.95)}).tree
        {'dict': [['step', 3], ['betas', {'tuple': [0.9, 0.95]}]]}
    """
    tensors: dict[str, Tensor] = {}
    return Packed(_packed(state, "", tensors), tensors)


def unpack(packed: Packed) -> Any:
    """Put together what `pack` took apart.

    Args:
        packed: The parts; the tree may have been through JSON.

    Returns:
        Equal to what was packed, and of the same types; tensors are copies.
    """
    tree, tensors = packed
    if isinstance(tree, list):
        return [unpack(Packed(value, tensors)) for value in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content].clone()
    if kind == "tuple":
        return tuple(unpack(Packed(value, tensors)) for value in content)
    return {key: unpack(Packed(value, tensors)) for key, value in content}


def _packed(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(state, torch.Tensor):
        tensors[path] = state
        return {"tensor": path}
    if type(state) in _PLAIN:
        return state
    if isinstance(state, dict):
        values = [
            [_key(key, path), _packed(state[key], _join(path, key), tensors)] for key in state
        ]
        return {"dict": values}
    if type(state) in (list, tuple):
        parts = [_packed(part, _join(path, i), tensors) for i, part in enumerate(state)]
        return parts if isinstance(state, list) else {"tuple": parts}
    raise TypeError(
        "state must be made of tensors, numbers, strings, None, dicts, lists and tuples; got "
        f"{type(state).__name__} at {path!r}."
    )


def _key(key: Any, path: str) -> Any:
    if type(key) not in _PLAIN:
        raise TypeError(
            f"a key of a dict must be a number, a string or None; got {key!r} at {path!r}."
        )
    return key


def _join(path: str, key: object) -> str:
    return f"{path}/{key}".removeprefix("/")
