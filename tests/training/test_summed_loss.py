import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.seeding import make_generator
from course_lib.training import summed_loss
from course_lib.training.summed_loss import summed_cross_entropy


def make_case(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    logits = 3 * torch.randn(7, 11, generator=make_generator(0), dtype=torch.float64)
    targets = torch.randint(11, (7,), generator=make_generator(1))
    targets[[2, 5]] = -100
    return logits.to(dtype).requires_grad_(), targets


@pytest.mark.parametrize("chunk", [1, 33, 2**20])
def test_value_and_gradient_equal_torch(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summed_loss, "_CPU_CHUNK", chunk)
    (ours, targets), (theirs, _) = make_case(), make_case()
    found = summed_cross_entropy(ours, targets)
    expected = F.cross_entropy(theirs, targets, reduction="sum")
    torch.testing.assert_close(found, expected)
    (0.7 * found).backward()
    (0.7 * expected).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    assert torch.equal(ours, theirs)


def test_pieces_are_small_on_a_cpu_and_large_on_a_gpu() -> None:
    # A million logits at once, or 134 million.
    assert next(summed_loss._chunks(torch.empty(50, 50257))) == slice(0, 20)
    assert next(summed_loss._chunks(torch.empty(1, 50257, device="meta"))) == slice(0, 2670)


def test_a_vocabulary_of_one_token_never_surprises() -> None:
    assert summed_cross_entropy(torch.ones(2, 1), torch.tensor([0, -100])).item() == 0


def test_rows_come_in_pieces_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summed_loss, "_CPU_CHUNK", 33)
    assert list(summed_loss._chunks(torch.zeros(7, 11))) == [slice(0, 3), slice(3, 6), slice(6, 9)]
    assert len(list(summed_loss._chunks(torch.zeros(7, 34)))) == 7
    monkeypatch.setattr(summed_loss, "_GPU_CHUNK", 66)
    assert len(list(summed_loss._chunks(torch.zeros(7, 11, device="meta")))) == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_summed_in_float32(dtype: torch.dtype) -> None:
    logits, targets = make_case(dtype)
    found = summed_cross_entropy(logits, targets)
    expected = F.cross_entropy(logits.float(), targets, reduction="sum")
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)
    found.backward()
    (slope,) = torch.autograd.grad(expected, logits)
    assert logits.grad is not None
    assert logits.grad.dtype == dtype
    torch.testing.assert_close(logits.grad, slope)


def test_another_id_can_be_left_out() -> None:
    logits, targets = make_case()
    targets = targets.clamp(min=4)
    found = summed_cross_entropy(logits, targets, ignore_id=4)
    torch.testing.assert_close(found, F.cross_entropy(logits, targets, None, None, 4, None, "sum"))


def test_nothing_to_count_is_zero_with_zero_gradient() -> None:
    logits, targets = make_case()
    total = summed_cross_entropy(logits, torch.full_like(targets, -100))
    total.backward()
    assert total.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_row_that_does_not_count_cannot_spoil_the_sum() -> None:
    logits, targets = make_case()
    with torch.no_grad():
        logits[2] = float("nan")
    total = summed_cross_entropy(logits, targets)
    assert total.isfinite()


def test_huge_logits_do_not_overflow() -> None:
    logits = torch.tensor([[1e30, 0.0]], requires_grad=True)
    total = summed_cross_entropy(logits, torch.tensor([0]))
    total.backward()
    assert total.item() == 0
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0, 0]]
