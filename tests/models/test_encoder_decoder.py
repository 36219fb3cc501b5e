import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from torch.testing import assert_close
from transformers.models.marian.modeling_marian import shift_tokens_right

from course_lib.models import (
    EncoderDecoder,
    EncoderDecoderConfig,
    shift_right,
    transformer_base,
)
from course_lib.models.encoder_decoder import marian_positions
from course_lib.nn import IGNORE_ID, cross_entropy
from course_lib.nn.positions import sinusoidal_positions
from course_lib.seeding import make_generator

CONFIG = EncoderDecoderConfig(
    vocab_size=19,
    max_len=13,
    d_model=15,
    n_heads=3,
    n_encoder_layers=2,
    n_decoder_layers=3,
    d_ff=7,
    start_id=17,
)


@pytest.fixture
def model() -> EncoderDecoder:
    """Weights large enough that every part of the model moves the logits."""
    model = EncoderDecoder(CONFIG, make_generator(0)).double().eval()
    generator = make_generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return model


def random_ids(n_sequences: int, n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randint(CONFIG.vocab_size, (n_sequences, n_tokens), generator=make_generator(seed))


def bool_mask(*rows: str) -> Tensor:
    return torch.tensor([[mark == "x" for mark in row] for row in rows])


SOURCE, TARGET = random_ids(3, 5), random_ids(3, 7, seed=1)
SOURCE_MASK = bool_mask("xxxxx", "xxx..", "x....")
TARGET_MASK = bool_mask("xxxxxxx", "xxxxx..", "xxx....")


def changed_at(ids: Tensor, place: int) -> Tensor:
    changed = ids.clone()
    changed[:, place] = (changed[:, place] + 1) % CONFIG.vocab_size
    return changed


def test_shapes(model: EncoderDecoder) -> None:
    memory = model.encode(SOURCE)
    assert memory.shape == (3, 5, 15)
    assert model.decode(TARGET, memory).shape == (3, 7, 19)
    assert_close(model(SOURCE, TARGET), model.decode(TARGET, memory))


def test_shift_right_is_marians() -> None:
    ids = torch.tensor([[5, 7, 2], [3, IGNORE_ID, IGNORE_ID]])
    assert shift_right(ids, start_id=9).tolist() == [[9, 5, 7], [9, 3, 9]]
    assert torch.equal(shift_right(ids, start_id=9), shift_tokens_right(ids, 9, 9))
    assert ids.tolist() == [[5, 7, 2], [3, IGNORE_ID, IGNORE_ID]]


def test_marian_positions_are_the_papers_in_another_order() -> None:
    ours, papers = marian_positions(11, 7), sinusoidal_positions(11, 7)
    assert_close(ours[:, :4], papers[:, [0, 2, 4, 6]])
    assert_close(ours[:, 4:], papers[:, [1, 3, 5]])
    by_hand = [math.sin(1), math.sin(0.01), math.cos(1), math.cos(0.01)]
    assert marian_positions(2, 4)[1].tolist() == pytest.approx(by_hand)


def test_embedding_by_hand(model: EncoderDecoder) -> None:
    seen: list[Tensor] = []
    model.encoder[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.encode(SOURCE)
    expected = model.tokens.weight[SOURCE] * math.sqrt(15) + marian_positions(5, 15)
    assert_close(seen[0], expected)


def test_logits_by_hand(model: EncoderDecoder) -> None:
    seen: list[Tensor] = []
    model.logits_bias.copy_(torch.arange(19.0))
    model.decoder[-1].register_forward_hook(lambda *results: seen.append(results[-1]))
    logits = model(SOURCE, TARGET)
    assert_close(logits, seen[0] @ model.tokens.weight.mT + torch.arange(19.0).double())


def test_the_future_of_the_target_cannot_move_its_past(model: EncoderDecoder) -> None:
    before, after = model(SOURCE, TARGET), model(SOURCE, changed_at(TARGET, 4))
    assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(dim=-1).any()


def test_the_encoder_sees_both_sides(model: EncoderDecoder) -> None:
    before, after = model.encode(SOURCE), model.encode(changed_at(SOURCE, 3))
    assert not torch.isclose(before, after).all(dim=-1).any()


@pytest.mark.parametrize("place", range(5))
def test_every_token_of_the_source_moves_every_logit(model: EncoderDecoder, place: int) -> None:
    before, after = model(SOURCE, TARGET), model(changed_at(SOURCE, place), TARGET)
    assert not torch.isclose(before, after).all(dim=-1).any()


def test_order_counts_in_source_and_target(model: EncoderDecoder) -> None:
    logits = model(SOURCE, TARGET)
    assert not torch.isclose(logits, model(SOURCE.flip(1), TARGET)).all(dim=-1).any()
    swapped = model(SOURCE, TARGET[:, [1, 0, 2, 3, 4, 5, 6]])
    assert not torch.isclose(logits[:, 2:], swapped[:, 2:]).all(dim=-1).any()


def test_the_source_mask_is_respected(model: EncoderDecoder) -> None:
    logits = model(SOURCE, TARGET, SOURCE_MASK)
    padded = SOURCE.masked_fill(~SOURCE_MASK, 3)
    assert_close(model(padded, TARGET, SOURCE_MASK), logits)
    assert_close(logits[1:2], model(SOURCE[1:2, :3], TARGET[1:2]))
    assert_close(logits[2:], model(SOURCE[2:, :1], TARGET[2:]))
    assert not torch.isclose(model(SOURCE, TARGET)[1:], logits[1:]).all(dim=-1).any()


def test_padding_of_the_target_changes_nothing(model: EncoderDecoder) -> None:
    logits = model(SOURCE, TARGET, None, TARGET_MASK)
    assert_close(logits[1:2, :5], model(SOURCE[1:2], TARGET[1:2, :5]))
    holes = bool_mask("xxxxxxx", "x.xxxxx", ".xxxxxx")
    with_holes = model(SOURCE, TARGET, None, holes)
    other = model(SOURCE, TARGET.masked_fill(~holes, 3), None, holes)
    assert_close(with_holes[holes], other[holes])
    assert with_holes.isfinite().all()  # where a query sees no key at all
    assert not torch.isclose(with_holes, logits)[1:, 2:].all(dim=-1).any()


def test_sequences_of_a_batch_do_not_meet(model: EncoderDecoder) -> None:
    pairs = zip(SOURCE.split(1), TARGET.split(1), strict=True)
    assert_close(model(SOURCE, TARGET), torch.cat([model(*pair) for pair in pairs]))


@pytest.mark.parametrize("pieces", [[1] * 7, [7], [3, 1, 3], [1, 6]])
def test_cached_in_pieces_equals_all_at_once(model: EncoderDecoder, pieces: list[int]) -> None:
    cache = model.make_cache(3)
    logits = [
        model(SOURCE, piece, SOURCE_MASK, cache=cache) for piece in TARGET.split(pieces, dim=1)
    ]
    assert_close(torch.cat(logits, dim=1), model(SOURCE, TARGET, SOURCE_MASK))
    assert cache.target.n_tokens == 7


@pytest.mark.parametrize("pieces", [[1] * 7, [3, 4]])
def test_cached_decoding_with_padding(model: EncoderDecoder, pieces: list[int]) -> None:
    cache, memory, logits = model.make_cache(3, max_len=7), model.encode(SOURCE), []
    for piece in TARGET.split(pieces, dim=1):
        mask = TARGET_MASK[:, : cache.target.n_tokens + piece.shape[1]]
        logits.append(model.decode(piece, memory, None, mask, cache))
    expected = model.decode(TARGET, memory, None, TARGET_MASK)
    assert_close(torch.cat(logits, dim=1)[TARGET_MASK], expected[TARGET_MASK])


def test_with_a_cache_the_source_is_read_once(model: EncoderDecoder) -> None:
    cache, n_reads = model.make_cache(3), []
    model.encoder[0].register_forward_pre_hook(lambda *_: n_reads.append(1))
    for piece in TARGET.split(1, dim=1):
        model(SOURCE, piece, cache=cache)
    assert len(n_reads) == 1
    assert cache.memory is not None
    assert not cache.memory.requires_grad


def test_a_cache_fits_its_model(model: EncoderDecoder) -> None:
    model = model.bfloat16()
    assert model(SOURCE, TARGET, cache=model.make_cache(3)).dtype == torch.bfloat16
    assert model.make_cache(2).target.max_len == 13
    assert model.make_cache(2, max_len=5).target.max_len == 5


def test_refuses_texts_and_masks_that_do_not_fit(model: EncoderDecoder) -> None:
    assert model(random_ids(1, 13), random_ids(1, 13)).shape == (1, 13, 19)
    with pytest.raises(ValueError, match=r"at most max_len=13 .*; got 14"):
        model(random_ids(1, 14), random_ids(1, 3))
    with pytest.raises(ValueError, match=r"at most max_len=13 .*; got 14"):
        model(random_ids(1, 3), random_ids(1, 14))
    cache = model.make_cache(1, max_len=15)
    model(random_ids(1, 3), random_ids(1, 12), cache=cache)
    with pytest.raises(ValueError, match=r"cached ones included; got 14"):
        model(random_ids(1, 3), random_ids(1, 2), cache=cache)
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(SOURCE, TARGET, SOURCE_MASK.long())
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(SOURCE, TARGET, None, TARGET_MASK.long())
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(SOURCE, TARGET, TARGET_MASK)


def test_transformer_base_has_the_stated_size() -> None:
    with torch.device("meta"):
        model = EncoderDecoder(transformer_base())
    attention = 4 * (512 * 512 + 512)
    feedforward = 512 * 2048 + 2048 + 2048 * 512 + 512
    encoder = 6 * (attention + feedforward + 2 * 1024)
    decoder = 6 * (2 * attention + feedforward + 3 * 1024)
    assert (37_000 * 512, encoder, decoder) == (18_944_000, 18_914_304, 25_224_192)
    assert sum(parameter.numel() for parameter in model.parameters()) == 63_082_496
    config = transformer_base(101)
    assert (config.vocab_size, config.max_len, config.n_heads) == (101, 512, 8)
    assert (config.dropout, config.activation) == (0.1, "relu")


def test_loss_at_the_start_is_that_of_guessing() -> None:
    model = EncoderDecoder(CONFIG, make_generator(0))
    targets = random_ids(11, 13)
    loss = cross_entropy(model(targets, shift_right(targets, 17)), targets).item()
    assert loss == pytest.approx(math.log(19), abs=0.05)


def test_overfits_one_batch() -> None:
    model = EncoderDecoder(replace(CONFIG, d_model=24, d_ff=31), make_generator(0))
    source = torch.tensor([[3, 5, 7, 9], [9, 7, 5, 3], [4, 6, 7, 8], [8, 7, 6, 4]])
    targets = source.flip(1)
    # Norms after the sums want small steps at the start: a rate of 0.01 gets nowhere here.
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(200):
        loss = cross_entropy(model(source, shift_right(targets, 17)), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05


def test_every_parameter_learns() -> None:
    model = EncoderDecoder(CONFIG, make_generator(0))
    cross_entropy(model(SOURCE, TARGET), random_ids(3, 7, seed=2)).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # An offset of all keys moves all scores of a query alike, and softmax takes that away.
    assert [name for name in idle if not name.endswith("attention.key.bias")] == []


def test_the_offset_of_the_logits_is_kept_but_not_trained() -> None:
    model = EncoderDecoder(CONFIG)
    assert not model.logits_bias.any()
    assert "logits_bias" in model.state_dict()
    assert "positions" not in model.state_dict()
    assert {"logits_bias", "positions"}.isdisjoint(dict(model.named_parameters()))


def test_fresh_weights_follow_from_the_generator() -> None:
    first, again, other = (EncoderDecoder(CONFIG, make_generator(seed)) for seed in (0, 0, 1))
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, again.get_parameter(name))
        if parameter.ndim == 2:
            assert not torch.equal(parameter, other.get_parameter(name))
        else:
            assert (parameter == (0.0 if name.endswith("bias") else 1.0)).all(), name


def test_fresh_weights_have_the_stated_spread() -> None:
    config = replace(CONFIG, vocab_size=499, d_model=96, d_ff=101)
    model = EncoderDecoder(config, make_generator(0))
    assert model.tokens.weight.std().item() == pytest.approx(0.02, rel=0.05)
    inner = model.encoder[0].feedforward.inner.weight  # pyright: ignore
    assert inner.std().item() == pytest.approx(math.sqrt(2 / (96 + 101)), rel=0.05)
    assert inner.abs().max().item() == pytest.approx(math.sqrt(6 / (96 + 101)), rel=0.01)


def test_dropout_acts_in_training_only() -> None:
    model = EncoderDecoder(replace(CONFIG, dropout=0.5), make_generator(0))
    drops = [part for part in model.modules() if isinstance(part, nn.Dropout)]
    assert [part.p for part in drops] == [0.5] * 6  # the embedding, and five blocks
    assert not torch.isclose(model.encode(SOURCE), model.encode(SOURCE)).all(dim=-1).any()
    model.eval()
    assert_close(model(SOURCE, TARGET), model(SOURCE, TARGET))


def test_dropout_acts_on_the_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    model = EncoderDecoder(CONFIG)
    monkeypatch.setattr(model.dropout, "forward", torch.zeros_like)
    first, *rest = model.encode(SOURCE)[0]
    assert all(torch.equal(first, token) for token in rest)


def test_activations_differ() -> None:
    relu, swish = (
        EncoderDecoder(replace(CONFIG, activation=name), make_generator(0)).eval()
        for name in ("relu", "swish")
    )
    x = torch.tensor([-2.0, 0.0, 3.0])
    assert relu.encoder[0].feedforward.activation(x).tolist() == [0.0, 0.0, 3.0]  # pyright: ignore
    bend = swish.decoder[0].feedforward.activation  # pyright: ignore
    assert_close(bend(x), x * x.sigmoid())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 0}, "vocab_size must be ≥ 1; got vocab_size=0"),
        ({"max_len": 0}, "max_len must be ≥ 1"),
        ({"d_model": 0}, "d_model must be ≥ 1"),
        ({"n_heads": 0}, "n_heads must be ≥ 1"),
        ({"n_encoder_layers": 0}, "n_encoder_layers must be ≥ 1"),
        ({"n_decoder_layers": 0}, "n_decoder_layers must be ≥ 1"),
        ({"d_ff": 0}, "d_ff must be ≥ 1"),
        ({"n_heads": 4}, "n_heads must be a divisor of d_model=15; got n_heads=4"),
        ({"dropout": 1.0}, "dropout must be ≥ 0 and < 1; got dropout=1.0"),
        ({"dropout": -0.1}, "dropout must be ≥ 0 and < 1"),
        ({"activation": "gelu"}, r"activation must be one of \['relu', 'swish'\]|'activation'"),
        ({"start_id": 19}, "start_id must be an id below vocab_size=19; got start_id=19"),
        ({"start_id": -1}, "start_id must be an id below"),
    ],
)
def test_refuses_settings_that_make_no_model(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeCheckError), match=message):
        replace(CONFIG, **changes)


def test_smallest_settings_and_defaults() -> None:
    sizes = {"vocab_size": 1, "max_len": 1, "d_model": 1, "n_heads": 1, "d_ff": 1}
    config = EncoderDecoderConfig(**sizes, n_encoder_layers=1, n_decoder_layers=1)
    one = torch.tensor([[0]])
    assert EncoderDecoder(config)(one, one).shape == (1, 1, 1)
    assert (config.dropout, config.activation, config.start_id) == (0.0, "relu", 0)
    with pytest.raises(FrozenInstanceError):
        config.d_ff = 5  # pyright: ignore
