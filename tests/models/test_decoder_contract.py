"""What every decoder promises, whatever is inside it."""

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig
from course_lib.nn import cross_entropy
from course_lib.seeding import make_generator

Decoder = GPT | Llama
VOCAB_SIZE, MAX_LEN = 19, 13


def make_gpt(seed: int) -> GPT:
    sizes = GPTConfig(
        vocab_size=VOCAB_SIZE, max_len=MAX_LEN, d_model=15, n_heads=3, n_layers=2, d_ff=7
    )
    return GPT(sizes, make_generator(seed))


def make_llama(seed: int, *, tie_embeddings: bool = False) -> Llama:
    sizes = LlamaConfig(
        vocab_size=VOCAB_SIZE,
        max_len=MAX_LEN,
        d_model=24,
        n_heads=6,
        n_kv_heads=2,
        n_layers=2,
        d_ff=7,
        tie_embeddings=tie_embeddings,
    )
    return Llama(sizes, make_generator(seed))


def make_tied_llama(seed: int) -> Llama:
    return make_llama(seed, tie_embeddings=True)


MAKERS = [make_gpt, make_llama, make_tied_llama]


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[int], Decoder]:
    return request.param


@pytest.fixture
def model(make: Callable[[int], Decoder]) -> Decoder:
    """Weights large enough that every part of the model moves the logits."""
    decoder = make(0).double().eval()
    generator = make_generator(1)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return decoder


def random_ids(n_sequences: int, n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randint(VOCAB_SIZE, (n_sequences, n_tokens), generator=make_generator(seed))


def test_one_score_for_every_token_of_the_vocabulary(model: Decoder) -> None:
    ids = random_ids(3, 5)
    assert model(ids).shape == (3, 5, VOCAB_SIZE)
    assert model.hidden(ids).shape == (3, 5, model.config.d_model)


def test_the_future_cannot_move_the_past(model: Decoder) -> None:
    ids = random_ids(3, 7)
    changed = ids.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % VOCAB_SIZE
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(dim=-1).any()


def test_the_past_moves_everything_after_it(model: Decoder) -> None:
    ids = random_ids(3, 7)
    changed = ids.clone()
    changed[:, 0] = (changed[:, 0] + 1) % VOCAB_SIZE
    assert not torch.isclose(model(ids), model(changed)).all(dim=-1).any()


def test_order_counts(model: Decoder) -> None:
    ids = torch.tensor([[4, 9, 2], [9, 4, 2]])
    first, second = model(ids)[:, -1]
    assert not torch.isclose(first, second).any()


def test_sequences_of_a_batch_do_not_meet(model: Decoder) -> None:
    ids = random_ids(3, 5)
    alone = torch.cat([model(row[None]) for row in ids])
    torch.testing.assert_close(model(ids), alone)


@pytest.mark.parametrize(("n_before", "n_after"), [(0, 3), (4, 0), (2, 3)])
def test_padding_changes_nothing(model: Decoder, n_before: int, n_after: int) -> None:
    padding_id = VOCAB_SIZE - 1
    ids = random_ids(2, 5) % padding_id  # so that padding never equals a token of the text
    padded = torch.nn.functional.pad(ids, (n_before, n_after), value=padding_id)
    mask = torch.nn.functional.pad(torch.ones_like(ids).bool(), (n_before, n_after))
    real = slice(n_before, n_before + 5)
    # Llama turns by angles rounded to float32: the same distance, elsewhere, is a little off.
    tolerance = 1e-5 if isinstance(model, Llama) and n_before else 1e-12
    expected = model(ids)
    torch.testing.assert_close(
        model(padded, mask)[:, real], expected, rtol=tolerance, atol=tolerance
    )
    assert model(padded, mask).isfinite().all()  # padding before the text sees no key at all
    if n_before:  # without the mask, padding does change something
        assert not torch.isclose(model(padded)[:, real], expected, rtol=1e-3).all(dim=-1).any()


def test_a_full_mask_is_no_mask(model: Decoder) -> None:
    ids = random_ids(2, 5)
    torch.testing.assert_close(model(ids, torch.ones(2, 5, dtype=torch.bool)), model(ids))


@pytest.mark.parametrize("pieces", [[1] * 7, [7], [3, 1, 3], [1, 6]])
def test_cached_in_pieces_equals_all_at_once(model: Decoder, pieces: list[int]) -> None:
    ids = random_ids(3, 7)
    cache = model.make_cache(3)
    logits = [model(piece, cache=cache) for piece in ids.split(pieces, dim=1)]
    torch.testing.assert_close(torch.cat(logits, dim=1), model(ids))
    assert cache.n_tokens == 7


@pytest.mark.parametrize("pieces", [[1] * 7, [3, 4]])
def test_cached_with_padding_equals_all_at_once(model: Decoder, pieces: list[int]) -> None:
    ids = random_ids(3, 7)
    mask = torch.arange(7) >= torch.tensor([[0], [2], [4]])
    cache, logits = model.make_cache(3, max_len=7), []
    for piece in ids.split(pieces, dim=1):
        n_tokens = cache.n_tokens + piece.shape[1]
        logits.append(model(piece, mask[:, :n_tokens], cache))
    torch.testing.assert_close(torch.cat(logits, dim=1)[mask], model(ids, mask)[mask])


def test_a_cache_fits_its_model(make: Callable[[int], Decoder]) -> None:
    model = make(0).bfloat16().eval()
    ids = random_ids(2, 3)
    assert model(ids, cache=model.make_cache(2)).dtype == torch.bfloat16
    assert model.make_cache(2).max_len == MAX_LEN
    assert model.make_cache(2, max_len=5).max_len == 5


def test_a_text_may_be_as_long_as_the_model_and_no_longer(model: Decoder) -> None:
    assert model(random_ids(1, MAX_LEN)).shape[1] == MAX_LEN
    message = f"ids must be at most max_len={MAX_LEN} tokens, cached ones included; got 14"
    with pytest.raises(ValueError, match=message):
        model(random_ids(1, MAX_LEN + 1))
    cache = model.make_cache(1, max_len=MAX_LEN + 2)
    model(random_ids(1, MAX_LEN - 1), cache=cache)
    with pytest.raises(ValueError, match=message):
        model(random_ids(1, 2), cache=cache)


def test_a_mask_covers_cached_and_new_tokens(model: Decoder) -> None:
    cache = model.make_cache(2)
    model(random_ids(2, 3), cache=cache)
    message = r"mask must have the shape \(2, 5\).*; got \(2, 2\)"
    with pytest.raises(ValueError, match=message):
        model(random_ids(2, 2), torch.ones(2, 2, dtype=torch.bool), cache)
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(random_ids(2, 3), torch.ones(1, 3, dtype=torch.bool))


def test_a_mask_of_ones_and_zeros_is_refused(model: Decoder) -> None:
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(random_ids(2, 3), torch.ones(2, 3, dtype=torch.int64))  # pyright: ignore


def test_loss_at_the_start_is_that_of_guessing(make: Callable[[int], Decoder]) -> None:
    ids = random_ids(11, MAX_LEN)
    loss = cross_entropy(make(0)(ids[:, :-1]), ids[:, 1:]).item()
    # Fresh logits are about 0.02 · √d_model wide: the loss is off by about half their variance.
    assert loss == pytest.approx(math.log(VOCAB_SIZE), abs=0.05)


def test_overfits_one_batch(make: Callable[[int], Decoder]) -> None:
    model = make(0)
    ids = torch.randperm(VOCAB_SIZE, generator=make_generator(2))[:18].view(3, 6)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.03)
    for _ in range(150):
        loss = cross_entropy(model(ids[:, :-1]), ids[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01  # no token occurs twice, so that nothing is left to guess


def test_every_parameter_learns(make: Callable[[int], Decoder]) -> None:
    model, ids = make(0), random_ids(5, MAX_LEN)
    cross_entropy(model(ids[:, :-1]), ids[:, 1:]).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_fresh_weights_follow_from_the_generator(make: Callable[[int], Decoder]) -> None:
    first, again, other = make(0), make(0), make(1)
    for name, parameter in first.state_dict().items():
        assert torch.equal(parameter, again.state_dict()[name])
        if parameter.ndim == 2:
            assert not torch.equal(parameter, other.state_dict()[name])


def test_fresh_weights_are_small_and_smaller_on_the_residual_stream() -> None:
    gpt = GPT(
        GPTConfig(vocab_size=499, max_len=101, d_model=96, n_heads=3, n_layers=3),
        make_generator(0),
    )
    llama = Llama(
        LlamaConfig(
            vocab_size=499, max_len=101, d_model=96, n_heads=3, n_kv_heads=1, n_layers=3, d_ff=101
        ),
        make_generator(0),
    )
    for model in (gpt, llama):
        for name, parameter in model.named_parameters():
            residual = name.endswith(("attention.output.weight", "feedforward.outer.weight"))
            if parameter.ndim == 2:
                expected = 0.02 / math.sqrt(6) if residual else 0.02
                assert parameter.std().item() == pytest.approx(expected, rel=0.05), name
                assert parameter.mean().item() == pytest.approx(0, abs=0.002), name
            else:
                expected = 0.0 if name.endswith("bias") else 1.0
                assert (parameter == expected).all(), name


def test_settings_cannot_be_changed(model: Decoder) -> None:
    with pytest.raises(FrozenInstanceError):
        model.config.n_layers = 5  # pyright: ignore
