import pytest
import torch

from course_lib.generation import Sampling
from course_lib.generation.one_text import check_drawing, check_one_row
from course_lib.seeding import make_generator


@pytest.mark.parametrize("shape", [(2, 3), (1, 0), (0, 3)])
def test_a_prompt_is_one_row_of_at_least_one_token(shape: tuple[int, int]) -> None:
    check_one_row(torch.zeros(1, 1, dtype=torch.long))
    with pytest.raises(ValueError, match=r"one row of at least one token; got the shape \("):
        check_one_row(torch.zeros(shape, dtype=torch.long))


def test_drawing_needs_a_generator_and_gives_one_text() -> None:
    check_drawing(None, None)
    check_drawing(None, make_generator(0))
    check_drawing(Sampling(), make_generator(0))
    with pytest.raises(ValueError, match="generator must be given where tokens are drawn"):
        check_drawing(Sampling(), None)
    with pytest.raises(ValueError, match=r"n_sequences must be 1, .*; got n_sequences=2"):
        check_drawing(Sampling(n_sequences=2), make_generator(0))
