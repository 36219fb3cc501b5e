from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.generation import ForHuggingFaceSource, ForSource
from course_lib.models import EncoderDecoder, EncoderDecoderConfig, encoder_decoder_to_hf
from course_lib.seeding import make_generator

SOURCES = torch.tensor([[3, 1, 4, 1], [9, 2, 0, 0]])
MASK = torch.tensor([[True] * 4, [True, True, False, False]])
TARGETS = torch.tensor([[5, 3, 5, 8, 9], [5, 7, 9, 3, 2]])


@pytest.fixture
def model() -> EncoderDecoder:
    layers = {"n_encoder_layers": 2, "n_decoder_layers": 1}
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "d_ff": 5}
    config = EncoderDecoderConfig(vocab_size=11, start_id=5, **layers, **sizes)
    return EncoderDecoder(config, make_generator(0)).double().eval()


def tasks(model: EncoderDecoder, sources: Tensor, mask: Tensor | None) -> list[Any]:
    theirs = encoder_decoder_to_hf(model).double().eval()
    return [ForSource(model, sources, mask), ForHuggingFaceSource(theirs, sources, mask)]


def test_reading_in_pieces_is_reading_at_once(model: EncoderDecoder) -> None:
    with torch.no_grad():
        expected = model(SOURCES, TARGETS, MASK)
    for task in tasks(model, SOURCES, MASK):
        assert task.prompts.tolist() == [[5], [5]]
        assert task.max_len == 7
        reading = task.begin(2, 7)
        assert_close(reading.read(TARGETS[:, :1]), expected[:, 0])
        assert_close(reading.read_each(TARGETS[:, 1:4]), expected[:, 1:4])
        assert_close(reading.read(TARGETS[:, 4:]), expected[:, 4])


def test_rows_kept_go_on_with_their_own_sources(model: EncoderDecoder) -> None:
    rows = torch.tensor([1, 0, 1])
    with torch.no_grad():
        expected = model(SOURCES[rows], TARGETS[rows], MASK[rows])
    for task in tasks(model, SOURCES, MASK):
        reading = task.begin(2, 7)
        reading.read(TARGETS[:, :2])
        reading.keep(rows)
        assert_close(reading.read(TARGETS[rows, 2:3]), expected[:, 2])


def test_rows_kept_before_the_first_token_read_their_own_sources(model: EncoderDecoder) -> None:
    rows = torch.tensor([1, 1, 0])
    with torch.no_grad():
        expected = model(SOURCES[rows], TARGETS[rows], MASK[rows])
    for task in tasks(model, SOURCES, MASK):
        reading = task.begin(2, 7)
        reading.keep(rows)
        assert_close(reading.read_each(TARGETS[rows]), expected)


def test_what_is_forgotten_was_never_read(model: EncoderDecoder) -> None:
    other = torch.tensor([[5, 3, 1], [5, 7, 1]])
    with torch.no_grad():
        expected = model(SOURCES, other, None)[:, -1]
    for task in tasks(model, SOURCES, None):
        reading = task.begin(2, 7)
        reading.read(TARGETS)
        reading.forget(3)
        assert_close(reading.read(other[:, 2:]), expected)


def test_what_does_not_fit_is_refused(model: EncoderDecoder) -> None:
    for task in tasks(model, SOURCES, MASK):
        with pytest.raises(ValueError, match="max_len=7"):
            task.begin(2, 8)
        with pytest.raises(ValueError, match="got 3 prompts and 2 sources"):
            task.begin(3, 7)
        with pytest.raises(ValueError, match="must be of one length; got padding"):
            task.begin(2, 7).read(SOURCES.flip(1), MASK.flip(1))
