"""Packing: by hand, against torch, and against the batches that a training loop reads."""

import pytest
import torch
from torch.testing import assert_close

from course_lib.data.batches import InOrder, PackedBatches
from course_lib.data.packing import pack_windows

TEXTS = [[5, 6, 7, 11], [], [13], [17, 19, 23, 29, 31, 37]]
END = 2
JOINED = torch.tensor([5, 6, 7, 11, 2, 2, 13, 2, 17, 19, 23, 29, 31, 37, 2])


def test_windows_by_hand() -> None:
    windows = pack_windows(TEXTS, n_tokens=5, end_id=END)
    assert windows.tolist() == [[5, 6, 7, 11, 2, 2], [2, 13, 2, 17, 19, 23]]


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 7, 13, 14])
def test_every_token_is_asked_for_once(n_tokens: int) -> None:
    windows = pack_windows(TEXTS, n_tokens=n_tokens, end_id=END)
    n_windows = (len(JOINED) - 1) // n_tokens
    assert windows.shape == (n_windows, n_tokens + 1)
    assert_close(windows[:, 1:].flatten(), JOINED[1 : 1 + n_windows * n_tokens])
    assert_close(windows[1:, 0], windows[:-1, -1])


def test_the_windows_are_those_of_packed_batches() -> None:
    batches = PackedBatches(JOINED, n_rows=2, n_tokens=7)
    assert_close(pack_windows(TEXTS, n_tokens=7, end_id=END), InOrder(batches)[0].ids)


def test_windows_share_no_memory() -> None:
    windows = pack_windows(TEXTS, n_tokens=5, end_id=END)
    windows[0, -1] = 41
    assert windows[1, 0] == END


@pytest.mark.parametrize("n_tokens", [15, 16])
def test_too_little_text_gives_no_window(n_tokens: int) -> None:
    windows = pack_windows(TEXTS, n_tokens=n_tokens, end_id=END)
    assert windows.shape == (0, n_tokens + 1)
    assert windows.dtype == torch.long
    assert pack_windows([], n_tokens=n_tokens, end_id=END).shape == (0, n_tokens + 1)


def test_windows_of_no_token_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_tokens must be ≥ 1; got n_tokens=0"):
        pack_windows(TEXTS, n_tokens=0, end_id=END)
    assert pack_windows([[3, 4]], n_tokens=1, end_id=END).tolist() == [[3, 4], [4, 2]]
