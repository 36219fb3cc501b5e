import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.models import ModernGPT, ModernGPTConfig
from course_lib.models.modern_gpt import ModernAttention, normalise, previous_tokens
from course_lib.nn import cross_entropy, rotary_angles, scaled_dot_product_attention
from course_lib.nn.masks import causal_mask
from course_lib.seeding import make_generator
from course_lib.training.groups import hidden_matrices

VOCAB_SIZE, N_HEADS, D_HEAD = 19, 3, 4
CONFIG = ModernGPTConfig(vocab_size=VOCAB_SIZE, d_model=12, n_heads=N_HEADS, n_layers=2, d_ff=7)


def make_fresh(seed: int = 0) -> ModernGPT:
    return ModernGPT(CONFIG, make_generator(seed)).double()


@pytest.fixture
def model() -> ModernGPT:
    """Weights large enough that every part of the model moves the logits."""
    decoder, generator = make_fresh(), make_generator(1)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return decoder


def random_ids(n_sequences: int, n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randint(VOCAB_SIZE, (n_sequences, n_tokens), generator=make_generator(seed))


def random_attention() -> ModernAttention:
    attention, generator = ModernAttention(CONFIG).double(), make_generator(2)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.normal_(generator=generator)
    return attention


def randn(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=make_generator(seed))


def test_the_loss_of_a_fresh_model_is_that_of_guessing_exactly() -> None:
    logits = make_fresh()(random_ids(5, 11))
    assert logits.shape == (5, 11, VOCAB_SIZE)
    assert not logits.any()
    loss = cross_entropy(logits, random_ids(5, 11, seed=1)).item()
    assert loss == pytest.approx(math.log(VOCAB_SIZE), abs=1e-14)


def test_a_fresh_model_hands_the_token_on_to_its_head() -> None:
    model, ids = make_fresh(), random_ids(3, 7)
    with torch.no_grad():
        model.head.weight.normal_(generator=make_generator(1))
    tokens = model.tokens(ids)
    expected = tokens / tokens.square().mean(dim=-1, keepdim=True).sqrt() @ model.head.weight.T
    torch.testing.assert_close(model(ids), expected)


def test_the_model_is_its_formula(model: ModernGPT) -> None:
    """Built from nothing but torch's functions and the attention of the lesson."""
    ids, angles = random_ids(3, 7), rotary_angles(7, D_HEAD, base=1000.0)
    turn = torch.polar(torch.ones_like(angles), angles).to(torch.complex128)

    def norm(x: Tensor) -> Tensor:
        return x / (x.square().mean(dim=-1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt()

    def rotated(x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        turned = torch.complex(first, second) * turn
        return torch.cat((turned.real, turned.imag), dim=-1)

    x, first_value = norm(F.embedding(ids, model.tokens.weight)), None
    for block in model.blocks:
        own, feedforward = block.attention, block.feedforward
        h = norm(x)
        h = h + own.shift * torch.cat((torch.zeros_like(h[:, :1]), h[:, :-1]), dim=1)
        parts = (h @ own.qkv.weight.T).chunk(3, dim=-1)
        query, key, value = (p.view(3, 7, N_HEADS, D_HEAD).transpose(1, 2) for p in parts)
        first_value = value if first_value is None else first_value
        value = own.value_mix[0] * value + own.value_mix[1] * first_value
        query, key = rotated(norm(query)), rotated(norm(key))
        mixed, _ = scaled_dot_product_attention(query, key, value, causal_mask(7))
        x = x + mixed.transpose(1, 2).reshape(3, 7, 12) @ own.output.weight.T
        wide = norm(x) @ feedforward.inner.weight.T
        x = x + torch.where(wide > 0, wide**2, 0) @ feedforward.outer.weight.T
    torch.testing.assert_close(model(ids), norm(x) @ model.head.weight.T)


def test_the_future_cannot_move_the_past(model: ModernGPT) -> None:
    ids = random_ids(3, 7)
    changed = ids.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % VOCAB_SIZE
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(dim=-1).any()


def test_the_past_moves_everything_after_it(model: ModernGPT) -> None:
    ids = random_ids(3, 7)
    changed = ids.clone()
    changed[:, 0] = (changed[:, 0] + 1) % VOCAB_SIZE
    assert not torch.isclose(model(ids), model(changed)).all(dim=-1).any()


def test_sequences_of_a_batch_do_not_meet(model: ModernGPT) -> None:
    ids = random_ids(3, 5)
    torch.testing.assert_close(model(ids), torch.cat([model(row[None]) for row in ids]))


def test_distances_count_and_places_do_not(model: ModernGPT) -> None:
    """From the second place on, the same token again and again cannot be counted."""
    logits = model(torch.full((1, 6), 4))
    before = model(torch.tensor([[7, 4, 4, 4, 4, 4]]))
    torch.testing.assert_close(logits[:, 0], model(torch.tensor([[4]]))[:, 0])
    with torch.no_grad():
        for block in model.blocks:
            block.attention.shift.zero_()  # the first place has no token before
    logits = model(torch.full((1, 6), 4))
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))
    assert not torch.isclose(before[:, 1], before[:, 2]).all()


def test_the_base_of_the_positions_matters() -> None:
    ids = torch.tensor([[4, 9, 2, 5]])
    logits = []
    for base in (1000.0, 50.0):
        sizes = ModernGPTConfig(
            vocab_size=VOCAB_SIZE, d_model=12, n_heads=3, n_layers=2, rope_base=base
        )
        model = ModernGPT(sizes)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.4, generator=make_generator(parameter.numel()))
        logits.append(model(ids))
    torch.testing.assert_close(logits[0][:, 0], logits[1][:, 0])
    assert not torch.isclose(logits[0][:, 3], logits[1][:, 3]).all()


def test_normalise_by_hand() -> None:
    x = torch.tensor([[1.0, 7.0], [3.0, 3.0]])  # √((1 + 49) / 2) is 5
    torch.testing.assert_close(normalise(x), torch.tensor([[0.2, 1.4], [1.0, 1.0]]))
    torch.testing.assert_close(normalise(1000 * x), normalise(x))
    assert not normalise(torch.zeros(3)).any()


def test_previous_tokens_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0], [9.0, 0.0], [2.0, 1.0]]])
    expected = [[[0, 0], [1, 2], [3, 4]], [[0, 0], [7, 8], [9, 0]]]
    assert previous_tokens(x).tolist() == expected


def test_scores_are_bounded_however_large_the_weights() -> None:
    """Normalised queries and keys: their lengths do not matter, only those of the values do."""
    attention, x = random_attention(), randn(2, 5, 12)
    angles = rotary_angles(5, D_HEAD)
    before, value = attention(x, angles, None)
    with torch.no_grad():
        attention.qkv.weight[: 2 * 12] *= 100
    after, same_value = attention(x, angles, None)
    torch.testing.assert_close(after, before)
    torch.testing.assert_close(same_value, value)


def test_the_values_of_the_first_layer_join_all_others() -> None:
    attention, x, angles = random_attention(), randn(2, 5, 12), rotary_angles(5, D_HEAD)
    first_value = randn(2, N_HEADS, 5, D_HEAD, seed=4)
    with torch.no_grad():
        attention.value_mix.copy_(torch.tensor([0.0, 1.0]))
    mixed, handed_on = attention(x, angles, first_value)
    assert handed_on is first_value
    with torch.no_grad():
        attention.qkv.weight[2 * 12 :] = 0  # its own values
    torch.testing.assert_close(attention(x, angles, first_value)[0], mixed)
    torch.testing.assert_close(attention(x, angles, 3 * first_value)[0], 3 * mixed)


def test_token_shift_alone_tells_a_token_what_was_before_it() -> None:
    attention, angles = random_attention(), rotary_angles(2, D_HEAD)
    x = randn(1, 2, 12)
    other = torch.stack((randn(12, seed=5), x[0, 1]))[None]
    values = [attention(texts, angles, None)[1][:, :, 1] for texts in (x, other)]
    assert not torch.isclose(values[0], values[1]).any()
    with torch.no_grad():
        attention.shift.zero_()
    values = [attention(texts, angles, None)[1][:, :, 1] for texts in (x, other)]
    torch.testing.assert_close(values[0], values[1])


def test_fresh_weights() -> None:
    sizes = ModernGPTConfig(vocab_size=499, d_model=96, n_heads=3, n_layers=2, d_ff=101)
    model = ModernGPT(sizes, make_generator(0))
    for name, parameter in model.named_parameters():
        if name.endswith(("qkv.weight", "inner.weight", "tokens.weight")):
            std = 1.0 if name == "tokens.weight" else 96**-0.5
            assert parameter.std().item() == pytest.approx(std, rel=0.03), name
            assert parameter.mean().item() == pytest.approx(0, abs=0.03 * std), name
        elif name.endswith("value_mix"):
            assert parameter.tolist() == [0.5, 0.5]
        else:
            assert not parameter.any(), name


def test_fresh_weights_follow_from_the_generator() -> None:
    first, again, other = (make_fresh(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    differing = {name for name, value in first.items() if not torch.equal(value, other[name])}
    assert differing == {
        "tokens.weight",
        *(f"blocks.{i}.{end}" for i in range(2) for end in ("attention.qkv.weight",)),
        *(f"blocks.{i}.feedforward.inner.weight" for i in range(2)),
    }


def test_every_parameter_learns(model: ModernGPT) -> None:
    ids = random_ids(5, 11)
    cross_entropy(model(ids[:, :-1]), ids[:, 1:]).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_overfits_one_batch() -> None:
    model = ModernGPT(CONFIG, make_generator(0))
    ids = torch.randperm(VOCAB_SIZE, generator=make_generator(2))[:18].view(3, 6)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.03)
    for _ in range(60):
        loss = cross_entropy(model(ids[:, :-1]), ids[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01  # no token occurs twice, so that nothing is left to guess


def test_muon_finds_its_matrices(model: ModernGPT) -> None:
    """Four in a layer; neither the token vectors nor the head, which must be of AdamW."""
    matrices = hidden_matrices(model)
    assert [tuple(matrix.shape) for matrix in matrices] == [
        (36, 12),
        (12, 12),
        (7, 12),
        (12, 7),
    ] * 2


def test_autocast_keeps_the_stream_in_float32() -> None:
    model = ModernGPT(CONFIG, make_generator(0))
    streams = []
    model.blocks[1].register_forward_hook(lambda block, given, out: streams.append(out[0]))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(random_ids(2, 5))
    assert (streams[0].dtype, logits.dtype) == (torch.float32, torch.bfloat16)


def test_sizes() -> None:
    config = ModernGPTConfig(vocab_size=65, d_model=128, n_heads=4, n_layers=4)
    assert (config.d_ff, config.d_head, config.rope_base) == (512, 32, 1000.0)
    n_parameters = sum(p.numel() for p in ModernGPT(config).parameters())
    # Token vectors and head; in a layer 12 · 128², the shift and the two shares.
    assert n_parameters == 2 * 65 * 128 + 4 * (12 * 128**2 + 128 + 2)
    assert isinstance(ModernGPT(config).blocks, nn.ModuleList)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vocab_size", 0, "vocab_size must be ≥ 1; got vocab_size=0"),
        ("d_model", 0, "d_model must be ≥ 1; got d_model=0"),
        ("n_heads", 0, "n_heads must be ≥ 1; got n_heads=0"),
        ("n_layers", 0, "n_layers must be ≥ 1; got n_layers=0"),
        ("d_ff", -1, "d_ff must be ≥ 1; got d_ff=-1"),
        ("d_model", 9, "d_model must be a multiple of 2 · n_heads=6, .*; got d_model=9"),
        ("rope_base", 1.0, "rope_base must be > 1; got rope_base=1.0"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: float, message: str) -> None:
    sizes = {"vocab_size": 19, "d_model": 12, "n_heads": 3, "n_layers": 2}
    with pytest.raises(ValueError, match=message):
        ModernGPTConfig(**{**sizes, name: value})


def test_the_smallest_possible_sizes_are_accepted() -> None:
    smallest = ModernGPTConfig(
        vocab_size=1, d_model=2, n_heads=1, n_layers=1, d_ff=1, rope_base=1.5
    )
    assert ModernGPT(smallest)(torch.zeros(1, 1, dtype=torch.int64)).shape == (1, 1, 1)
