import math

import pytest

from course_lib.evaluation import bits_per_character
from course_lib.training.history import Evaluation, History


def test_an_evaluation_by_hand() -> None:
    evaluation = Evaluation(step=3, nats=12 * math.log(2), n_tokens=4)
    assert evaluation.nats_per_token == pytest.approx(3 * math.log(2))
    assert evaluation.perplexity == pytest.approx(8)
    assert evaluation.bits_per_byte(n_bytes=5) == pytest.approx(12 / 5)


@pytest.mark.parametrize("n_bytes", [0, -1])
def test_a_text_without_bytes_is_refused(n_bytes: int) -> None:
    with pytest.raises(ValueError, match=rf"n_bytes must be ≥ 1; got n_bytes={n_bytes}"):
        Evaluation(step=3, nats=1.0, n_tokens=4).bits_per_byte(n_bytes)


def test_one_byte_is_enough() -> None:
    assert Evaluation(step=0, nats=math.log(2), n_tokens=1).bits_per_byte(1) == pytest.approx(1)
    assert bits_per_character([], 1) == 0


def test_json_keeps_every_bit() -> None:
    history = History(
        losses=[1 / 3, 1e-300],
        grad_norms=[math.inf, 0.1],
        learning_rates=[5e-324, 2.0],
        n_tokens=[2**60, 3],
        seconds=[0.1 + 0.2, 7.0],
        evaluations=[Evaluation(step=1, nats=math.pi, n_tokens=5)],
        stopped_by="interrupt",
    )
    assert History.from_json(history.to_json()) == history
    assert History.from_json(History().to_json()) == History()


def test_two_histories_do_not_share_their_lists() -> None:
    History().losses.append(1.0)
    assert History().losses == []
