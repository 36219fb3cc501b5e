import weakref
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from course_lib.data.batches import TokenBatch, pad_texts
from course_lib.models import GPT, GPTConfig
from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator
from course_lib.training.accumulation import accumulate_gradients
from course_lib.training.objectives import CausalLM, LossSum


def sum_of(model: nn.Module, batch: TokenBatch) -> LossSum:
    return CausalLM()(model, batch, make_generator(0))


def make_texts(lengths: list[int]) -> list[list[int]]:
    generator = make_generator(1)
    return [torch.randint(13, (n,), generator=generator).tolist() for n in lengths]


def gradients_of(model: nn.Module) -> list[Tensor]:
    return [p.grad for p in model.parameters() if p.grad is not None]


def test_micro_batches_are_one_batch() -> None:
    texts = make_texts([2, 3, 11, 17, 5, 7])
    whole = GPT(GPTConfig(vocab_size=13, max_len=17, d_model=10, n_heads=2, n_layers=2)).double()
    parts = deepcopy(whole)
    ids, mask = pad_texts(texts)
    expected = next_token_loss(whole(ids), ids, mask)
    expected.backward()
    batches = [pad_texts(texts[:2]), pad_texts(texts[2:5]), pad_texts(texts[5:])]
    for _ in range(2):  # what stood in the gradients does not matter
        loss, gradients = accumulate_gradients(parts, batches, sum_of)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for ours, theirs in zip(gradients, gradients_of(whole), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_no_more_is_kept_than_for_the_largest_batch() -> None:
    model = GPT(GPTConfig(vocab_size=13, max_len=17, d_model=10, n_heads=2, n_layers=2))
    texts = make_texts([5] * 6)
    kept: list[weakref.ref[Tensor]] = []
    most = []

    def keep(x: Tensor) -> Tensor:
        copy = x.detach().clone()
        kept.append(weakref.ref(copy))
        return copy

    def compute_sum(model: nn.Module, batch: TokenBatch) -> LossSum:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            loss = sum_of(model, batch)
        alive = [x for x in (one() for one in kept) if x is not None]
        most.append(sum(x.nbytes for x in alive))
        return loss

    accumulate_gradients(model, [pad_texts(texts[:2]), pad_texts(texts[2:4])], compute_sum)
    assert most[1] == most[0]
    assert not any(one() is not None for one in kept)


def test_by_hand() -> None:
    # Three even choices: ln 3 nats for each of the 1 + 2 counted tokens.
    model = nn.Embedding.from_pretrained(torch.zeros(3, 3), freeze=False)
    batches = [pad_texts([[0, 1]]), pad_texts([[0, 1, 1]])]
    loss, (grad,) = accumulate_gradients(model, batches, sum_of)
    assert loss == pytest.approx(1.0986123)
    expected = torch.tensor([[2.0, -4.0, 2.0], [1.0, -2.0, 1.0], [0.0, 0.0, 0.0]]) / 9
    torch.testing.assert_close(grad, expected)


def test_unused_parameters_stay_without_gradient() -> None:
    model = nn.ModuleDict({"used": nn.Embedding(3, 3), "idle": nn.Linear(2, 2)})

    def compute_sum(model: nn.Module, batch: TokenBatch) -> LossSum:
        return sum_of(model.get_submodule("used"), batch)

    _, gradients = accumulate_gradients(model, [pad_texts([[0, 1]])], compute_sum)
    assert len(gradients) == 1


def test_nothing_to_count() -> None:
    with pytest.raises(ValueError, match="must have a token that counts; got none"):
        accumulate_gradients(nn.Embedding(3, 3), [pad_texts([[1]])], sum_of)
