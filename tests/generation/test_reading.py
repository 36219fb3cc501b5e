"""One contract for all that can be read: pieces equal the whole, whoever reads them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.data.batches import pad_left
from course_lib.generation import (
    Cached,
    ForHuggingFaceSource,
    ForSource,
    Sliding,
    Uncached,
    adapt,
    greedy,
)
from course_lib.generation.reading import Readable, extend_mask
from course_lib.models import encoder_decoder_from_hf, gpt_to_hf, llama_to_hf
from course_lib.nn import Int8Cache
from course_lib.seeding import make_generator

from .conftest import MAX_LEN, VOCAB_SIZE, make_gpt, make_llama, make_marian

IDS = torch.randint(VOCAB_SIZE, (3, 11), generator=make_generator(7))
SOURCE = torch.randint(VOCAB_SIZE, (3, 7), generator=make_generator(8))
SOURCE_MASK = torch.tensor([[True] * 7, [True] * 4 + [False] * 3, [True] * 6 + [False]])

Make = Callable[[], Readable]
MODELS: dict[str, Make] = {
    "gpt": lambda: Cached(make_gpt()),
    "gpt packed": lambda: Cached(make_gpt(), packed=True),
    "llama": lambda: adapt(make_llama()),
    "uncached": lambda: Uncached(make_gpt(), takes_mask=True),
    "hf gpt": lambda: adapt(gpt_to_hf(make_gpt()).eval()),
    "hf llama": lambda: adapt(llama_to_hf(make_llama()).double().eval()),
    "source": lambda: ForSource(encoder_decoder_from_hf(make_marian()).eval(), SOURCE, SOURCE_MASK),
    "hf source": lambda: ForHuggingFaceSource(make_marian(), SOURCE, SOURCE_MASK),
}
DECODERS = [name for name in MODELS if "source" not in name]
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_decoder = pytest.mark.parametrize("make", [MODELS[n] for n in DECODERS], ids=DECODERS)


@every_model
def test_pieces_equal_the_whole(make: Make) -> None:
    model = make()
    whole = model.begin(3, 11).read_each(IDS)
    assert whole.shape == (3, 11, VOCAB_SIZE)
    for pieces in ([1] * 11, [4, 1, 1, 5], [11]):
        reading, start = model.begin(3, 11), 0
        for length in pieces:
            got = reading.read(IDS[:, start : start + length])
            start += length
            assert_close(got, whole[:, start - 1])


@every_model
def test_rows_are_kept_in_any_order(make: Make) -> None:
    model, rows = make(), torch.tensor([2, 0, 2, 1, 1])
    reading = model.begin(3, 11)
    reading.read(IDS[:, :4])
    reading.keep(rows)
    new = torch.randint(VOCAB_SIZE, (5, 2), generator=make_generator(9))
    reading.read(new[:, :1])
    got = reading.read(new[:, 1:])
    for row, (old, newest) in enumerate(zip(rows.tolist(), new, strict=True)):
        alone = model.begin(3, 11)  # a source needs all its rows
        text = torch.cat((IDS[old, :4], newest)).expand(3, -1)
        assert_close(got[row], alone.read(text)[old])


@every_model
def test_tokens_are_forgotten(make: Make) -> None:
    model = make()
    reading = model.begin(3, 11)
    reading.read(IDS[:, :6])
    reading.read(IDS[:, :1])
    reading.forget(3)
    got = reading.read(IDS[:, 4:7])
    assert_close(got, model.begin(3, 11).read(IDS[:, :7]))


@every_decoder
def test_padding_before_a_text_changes_nothing(make: Make) -> None:
    model, texts = make(), [[3, 1, 4], [1, 5, 9, 2, 6, 5], [8]]
    ids, mask = pad_left(texts, pad_id=VOCAB_SIZE - 1)
    reading = model.begin(3, 11)
    first, second = reading.read(ids, mask), reading.read(IDS[:, :1])
    reading.keep(torch.tensor([1, 2]))
    reading.forget(1)
    third = reading.read(IDS[:2, 1:2])
    for row, text in enumerate(texts):
        alone = model.begin(1, 11)
        assert_close(first[row], alone.read(torch.tensor([text]))[0])
        assert_close(second[row], alone.read(IDS[row : row + 1, :1])[0])
        if row:
            alone.forget(1)
            assert_close(third[row - 1], alone.read(IDS[row - 1 : row, 1:2])[0])


@every_model
def test_a_text_that_is_too_long_is_refused_before_anything_is_read(make: Make) -> None:
    model = make()
    model.begin(3, MAX_LEN)
    told = f"prompt and new tokens must be at most max_len={MAX_LEN} of the model .* got 44"
    with pytest.raises(ValueError, match=told):
        model.begin(3, MAX_LEN + 1)


@pytest.mark.parametrize("name", ["gpt", "llama", "hf gpt", "hf llama"])
def test_hidden_vectors(name: str) -> None:
    model, ids = MODELS[name](), pad_left([[3, 1, 4], [1, 5]]).ids
    mask = torch.tensor([[True, True, True], [False, True, True]])
    hidden, logits = model.begin(2, 5).read_hidden(ids, mask)
    own = make_gpt() if "gpt" in name else make_llama()
    assert_close(logits, model.begin(2, 5).read(ids, mask))
    tolerance = 1e-5 if name == "hf llama" else 1e-9  # its norms are in float32
    with torch.no_grad():
        assert_close(hidden[mask], own.hidden(ids, mask)[mask], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["source", "hf source"])
def test_targets_are_not_padded_and_as_many_as_sources(name: str) -> None:
    task = MODELS[name]()
    ids, mask = pad_left([[3, 1], [4], [5]])
    with pytest.raises(ValueError, match="prompts of targets must be of one length"):
        task.begin(3, 5).read(ids, mask)
    with pytest.raises(ValueError, match="one for each source; got 2 prompts and 3 sources"):
        task.begin(2, 5)
    assert task.prompts.tolist() == [[29]] * 3


def test_both_ways_to_read_a_source_agree() -> None:
    ours, theirs = MODELS["source"](), MODELS["hf source"]()
    assert_close(ours.begin(3, 11).read_each(IDS), theirs.begin(3, 11).read_each(IDS))


def test_a_function_without_a_mask_refuses_padding() -> None:
    ids, mask = pad_left([[3, 1], [4]])
    with pytest.raises(ValueError, match="this model takes no mask"):
        Uncached(make_gpt()).begin(2, 5).read(ids, mask)
    Uncached(make_gpt()).begin(2, 5).read(ids, torch.ones_like(mask))


def test_padding_at_the_end_is_refused() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    with pytest.raises(ValueError, match=r"on the left \(course_lib.data.batches.pad_left\)"):
        adapt(make_gpt()).begin(2, 5).read(IDS[:2, :2], mask)
    reading = adapt(make_gpt()).begin(2, 5)
    reading.read(IDS[:2, :2])
    with pytest.raises(ValueError, match="mask must be True at the last token of every text"):
        reading.read(IDS[:2, :1], mask[:, 1:])


def test_a_mask_stays_none_until_there_is_padding() -> None:
    ids, whole = IDS[:2, :2], torch.ones(2, 2, dtype=torch.bool)
    half = torch.tensor([[True, True], [False, True]])
    assert extend_mask(None, ids, None) is None
    assert extend_mask(None, ids, whole) is None
    assert extend_mask(None, ids, half) is half
    expected = [[True] * 3, [False, True, True]]
    assert extend_mask(half, IDS[:2, :1], None).tolist() == expected


def test_an_int8_cache_hardly_changes_what_is_read() -> None:
    model = make_gpt().float()
    exact, rounded = Cached(model), Cached(model, Int8Cache)
    logits = exact.begin(3, 11).read_each(IDS)
    reading = rounded.begin(3, 11)
    got = torch.stack([reading.read(column[:, None]) for column in IDS.T], dim=1)
    assert (got - logits).abs().max() < 0.1 * logits.std()
    assert not torch.equal(got, logits)
    assert rounded.step is None


def test_a_sliding_model_rereads_the_newest_half() -> None:
    model, ids = make_gpt(), torch.randint(VOCAB_SIZE, (2, 100), generator=make_generator(3))
    reading = Sliding(model).begin(2, 10_000)
    for n_read in range(1, 100):
        got = reading.read(ids[:, n_read - 1 : n_read])
        # At 44 tokens it begins anew with 22, which grow to 43; then again.
        start = 0 if n_read <= MAX_LEN else 22 * ((n_read - MAX_LEN - 1) // 22 + 1)
        expected = Uncached(model).begin(2, 43).read(ids[:, start:n_read])
        assert_close(got, expected)


def test_half_of_an_even_room_is_half() -> None:
    model, ids = make_gpt(), torch.randint(VOCAB_SIZE, (1, 25), generator=make_generator(4))
    reading = Sliding(model).begin(1, 10)
    for n_read in range(1, 25):
        got = reading.read(ids[:, n_read - 1 : n_read])
        # At 11 tokens it begins anew with 5, which grow to 10; then again.
        start = 0 if n_read <= 10 else 6 * ((n_read - 11) // 6 + 1)
        assert_close(got, Uncached(model).begin(1, 43).read(ids[:, start:n_read]))


def test_a_sliding_model_takes_padding_long_prompts_and_new_orders() -> None:
    model, ids = make_llama(), torch.randint(VOCAB_SIZE, (2, 60), generator=make_generator(3))
    mask = torch.arange(60) >= torch.tensor([[0], [55]])
    reading = Sliding(model).begin(2, 100)
    got = reading.read(ids, mask)
    assert_close(got[0], Uncached(model).begin(1, 43).read(ids[:1, -22:])[0])
    assert_close(got[1], Uncached(model).begin(1, 43).read(ids[1:, -5:])[0])
    reading.keep(torch.tensor([1, 1, 0]))
    new = torch.tensor([[5], [6], [7]])
    got = reading.read(new)
    longer = torch.cat((ids[1, -5:], new[1]))[None]
    assert_close(got[1], Uncached(model).begin(1, 43).read(longer)[0])


def test_sliding_changes_nothing_while_there_is_room() -> None:
    model = make_gpt()
    assert greedy(Sliding(model), IDS, 17) == greedy(model, IDS, 17)
    each = Sliding(model).begin(3, 11).read_each(IDS)
    assert_close(each, adapt(model).begin(3, 11).read_each(IDS))
    with pytest.raises(ValueError, match="a sliding model cannot take back tokens"):
        Sliding(model).begin(3, 11).forget(1)
    with pytest.raises(ValueError, match="model must have a max_len"):
        Sliding(lambda ids: torch.zeros(*ids.shape, 5))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a language model or a function; got int"):
        adapt(5)
    for translator in (make_marian(), encoder_decoder_from_hf(make_marian())):
        with pytest.raises(TypeError, match=r"pass ForSource\(model, source_ids, source_mask\)"):
            adapt(translator)


def test_no_gradient_is_kept() -> None:
    def model(ids: Tensor) -> Tensor:
        return torch.zeros(*ids.shape, 5, requires_grad=True) * 2

    for readable in (adapt(model), *(make() for make in MODELS.values())):
        assert not readable.begin(3, 11).read(IDS).requires_grad
