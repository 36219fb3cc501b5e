import math

import pytest
import torch

from course_lib.finetuning.framing import Window, frame_for_encoder
from course_lib.finetuning.spans import Answer, Piece, best_pieces, find_spans
from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PASSAGE = "a  bb c"
FRAMING = frame_for_encoder(WordPieceTokenizer([*MARKS, "a", "b", "##b", "c"]))
WINDOWS = FRAMING.frame_windows("c", PASSAGE, max_len=7, stride_tokens=2)[0]


def test_the_windows_by_hand() -> None:
    assert [window.ids for window in WINDOWS] == [[2, 8, 3, 5, 6, 7, 3], [2, 8, 3, 7, 8, 3]]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a", [(3, 3), None]),
        ("bb", [(4, 5), None]),  # the second window holds only its end
        ("b", [(4, 4), None]),
        ("c", [None, (4, 4)]),
        (" c", [None, (4, 4)]),
        ("bb c", [None, None]),
    ],
)
def test_an_answer_is_in_the_windows_that_hold_all_of_it(
    text: str, spans: list[tuple[int, int] | None]
) -> None:
    start = PASSAGE.index(text)
    assert find_spans(WINDOWS, start, start + len(text)) == spans
    assert find_spans(WINDOWS, 0, 0) == [None, None]
    assert find_spans(WINDOWS, 1, 3) == [None, None]  # nothing but blanks


def test_the_best_piece_by_hand() -> None:
    start = torch.full((2, 7), -9.0)
    end = torch.full((2, 7), -9.0)
    start[0, [1, 4]], end[0, [2, 5]] = 9.0, 9.0  # the question is no answer
    start[1, 0], end[1, 0] = 5.0, 4.0
    start[1, 4], end[1, 3], end[1, 4] = 4.0, 8.0, 2.0  # an end before the start is none
    first, second = best_pieces(start, end, WINDOWS, max_tokens=3)
    assert (first.start, first.end) == (3, 5)
    assert PASSAGE[second.start : second.end] == "c"
    expected = start[1].double().log_softmax(0)[4] + end[1].double().log_softmax(0)[4]
    assert second.log_chance == pytest.approx(expected.item())
    assert second.lead == pytest.approx(4 + 2 - 5 - 4)
    one_token = best_pieces(start, end, WINDOWS, max_tokens=1)[0]
    assert one_token.end - one_token.start == 1


def test_only_a_piece_ahead_of_none_is_an_answer() -> None:
    ahead = Piece(3, 5, math.log(0.5), math.log(0.25)).as_answer(PASSAGE)
    assert ahead[:3] == ("bb", 3, 5)
    assert ahead[3:] == pytest.approx((0.5, 0.25, 3, 5))
    level = Piece(3, 5, -1.0, -1.0).as_answer(PASSAGE)
    assert level == Answer("", 0, 0, math.exp(-1), math.exp(-1), 3, 5)


def test_a_window_without_a_piece_has_no_chance() -> None:
    nothing = Window([2, 8, 3, 5, 3], [0, 0, 0, 1, 1], [None] * 5, first=0)
    piece = best_pieces(torch.zeros(1, 5), torch.zeros(1, 5), [nothing], max_tokens=3)[0]
    assert piece.as_answer("a") == Answer("", 0, 0, 0.0, pytest.approx(1 / 25), 0, 0)
