import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.generation.greedy import greedy_decode
from course_lib.models import GPT, GPTConfig, gpt_to_hf
from course_lib.seeding import make_generator


def counts_on(ids: Tensor) -> Tensor:
    return F.one_hot((ids + 1) % 5, 5).float()


def test_by_hand_with_an_end() -> None:
    begin = torch.tensor([[1, 2], [0, 4]])
    assert greedy_decode(counts_on, begin, 3).tolist() == [[1, 2, 3, 4, 0], [0, 4, 0, 1, 2]]
    ended = greedy_decode(counts_on, begin, 3, end_id=4)
    assert ended.tolist() == [[1, 2, 3, 4, 4], [0, 4, 4, 4, 4]]


def test_an_end_inside_the_beginning_does_not_end_it() -> None:
    assert greedy_decode(counts_on, torch.tensor([[4, 1]]), 2, end_id=4).tolist() == [[4, 1, 2, 3]]


def test_agrees_with_transformers() -> None:
    config = GPTConfig(vocab_size=13, max_len=17, d_model=6, n_heads=3, n_layers=2)
    model = GPT(config, make_generator(0)).eval()
    with torch.no_grad():
        model.tokens.weight.mul_(30)  # so that the tokens vary
    theirs = gpt_to_hf(model).eval()
    ids = torch.randint(13, (3, 4), generator=make_generator(1))
    options = {"do_sample": False, "max_new_tokens": 11, "min_new_tokens": 11, "pad_token_id": 0}
    expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), **options)
    assert greedy_decode(model, ids, 11).tolist() == expected.tolist()


def test_writes_nothing_if_asked_for_nothing_and_keeps_its_input() -> None:
    ids = torch.tensor([[3, 1]])
    assert greedy_decode(counts_on, ids, 0).tolist() == [[3, 1]]
    greedy_decode(counts_on, ids, 2, end_id=1)
    assert ids.tolist() == [[3, 1]]


def test_gradients_are_not_kept() -> None:
    weight = torch.ones(5, requires_grad=True)
    seen = []

    def model(ids: Tensor) -> Tensor:
        seen.append(counts_on(ids) * weight)
        return seen[-1]

    greedy_decode(model, torch.tensor([[0]]), 1)
    assert not seen[0].requires_grad


def test_refuses_a_negative_number() -> None:
    with pytest.raises(ValueError, match="n_tokens must be ≥ 0; got n_tokens=-1"):
        greedy_decode(counts_on, torch.tensor([[0]]), -1)
