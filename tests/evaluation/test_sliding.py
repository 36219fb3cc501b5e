import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation.sliding import Window, sliding_nats, sliding_windows
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator


def test_by_hand() -> None:
    assert sliding_windows(9, 4, 2) == [
        Window(0, 1, 4),
        Window(2, 4, 6),
        Window(4, 6, 8),
        Window(5, 8, 9),
    ]


@given(n_ids=st.integers(2, 60), max_len=st.integers(2, 23), stride=st.integers(1, 22))
def test_each_id_but_the_first_is_asked_for_once(n_ids: int, max_len: int, stride: int) -> None:
    stride = min(stride, max_len - 1)
    windows = sliding_windows(n_ids, max_len, stride)
    asked = [i for window in windows for i in range(window.counted_from, window.end)]
    assert asked == list(range(1, n_ids))
    assert all(0 <= w.start < w.counted_from for w in windows)
    assert all(w.end - w.start == min(max_len, n_ids) for w in windows)


def make_gpt(max_len: int) -> GPT:
    config = GPTConfig(vocab_size=13, max_len=max_len, d_model=10, n_heads=2, n_layers=2)
    return GPT(config, make_generator(0)).double().eval()


def test_a_text_that_fits_is_scored_whole() -> None:
    model, ids = make_gpt(29), torch.randint(13, (23,), generator=make_generator(1))
    nats, n_asked = sliding_nats(model, ids, 29, 5)
    logits = model(ids[None, :-1])[0]
    expected = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum")
    assert nats == pytest.approx(expected.item())
    assert n_asked == 22


def test_stride_one_gives_every_token_the_longest_context() -> None:
    model, ids = make_gpt(5), torch.randint(13, (17,), generator=make_generator(2))
    expected = 0.0
    for i in range(1, 17):
        log_probs = model(ids[None, max(0, i - 4) : i])[0, -1].log_softmax(-1)
        expected -= log_probs[ids[i]].item()
    assert sliding_nats(model, ids, 5, 1)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 4, 2), "n_ids and max_len must be ≥ 2; got n_ids=1 and max_len=4"),
        ((9, 1, 1), "n_ids and max_len must be ≥ 2; got n_ids=9 and max_len=1"),
        ((9, 4, 0), "stride must be from 1 to max_len - 1=3; got 0"),
        ((9, 4, 4), "stride must be from 1 to max_len - 1=3; got 4"),
    ],
)
def test_arguments_out_of_range(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sliding_windows(*arguments)
