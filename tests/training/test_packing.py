import json
import math
from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.training.packing import Packed, pack, unpack


def through_json(packed: Packed) -> Packed:
    return Packed(json.loads(json.dumps(packed.tree)), packed.tensors)


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    plain,
    lambda parts: (
        st.lists(parts)
        | st.lists(parts).map(tuple)
        | st.dictionaries(st.integers() | st.text() | st.none(), parts)
    ),
)


@settings(deadline=None, max_examples=60)
@given(trees)
def test_all_that_json_would_change_comes_back(tree: Any) -> None:
    found = unpack(through_json(pack(tree)))
    assert found == tree
    assert repr(found) == repr(tree)  # types too: True is not 1, a tuple is no list


def test_tensors_are_named_by_their_paths_and_copied_back() -> None:
    weight, other = torch.randn(3, 5), torch.tensor(7)
    state = {"state": {0: {"mean": weight}, 1: [other, (weight,)]}, "lr": math.inf}
    packed = pack(state)
    assert list(packed.tensors) == ["state/0/mean", "state/1/0", "state/1/1/0"]
    assert packed.tensors["state/0/mean"] is weight
    found = unpack(through_json(packed))
    assert found["lr"] == math.inf
    assert torch.equal(found["state"][0]["mean"], weight)
    assert torch.equal(found["state"][1][0], other)
    found["state"][0]["mean"].zero_()
    assert torch.equal(found["state"][1][1][0], weight)
    assert weight.all()


def test_a_tensor_alone_has_an_empty_name() -> None:
    assert unpack(pack(torch.tensor(3))) == torch.tensor(3)
    assert list(pack([torch.tensor(3)]).tensors) == ["0"]


def test_subclasses_of_dict_become_dicts() -> None:
    found = unpack(pack(OrderedDict(a=1)))
    assert type(found) is dict
    assert found == {"a": 1}


def test_what_only_a_pickle_could_hold_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be made of tensors, .*; got set at 'state/0'\."):
        pack({"state": [{1, 2}]})
    with pytest.raises(TypeError, match=r"must be made of tensors, .*; got Size at ''\."):
        pack(torch.Size([2]))
    with pytest.raises(TypeError, match=r"a key of a dict must be .*; got \(1, 2\) at 'a'\."):
        pack({"a": {(1, 2): 3}})
