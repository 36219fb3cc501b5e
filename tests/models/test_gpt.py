from collections.abc import Callable

import pytest
import torch

from course_lib.models import GPT, GPTConfig, gpt2_large, gpt2_medium, gpt2_small, gpt2_xl
from course_lib.seeding import make_generator

SIZES = {"vocab_size": 19, "max_len": 13, "d_model": 15, "n_heads": 3, "n_layers": 2}


def test_the_feedforward_width_is_four_times_the_model_unless_given() -> None:
    assert GPTConfig(**SIZES).d_ff == 60
    assert GPTConfig(**SIZES, d_ff=7).d_ff == 7
    assert GPTConfig(**SIZES).d_head == 5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vocab_size", 0, "vocab_size must be ≥ 1; got vocab_size=0"),
        ("max_len", 0, "max_len must be ≥ 1; got max_len=0"),
        ("d_model", 0, "d_model must be ≥ 1; got d_model=0"),
        ("n_heads", 0, "n_heads must be ≥ 1; got n_heads=0"),
        ("n_layers", 0, "n_layers must be ≥ 1; got n_layers=0"),
        ("d_ff", -1, "d_ff must be ≥ 1; got d_ff=-1"),
        ("n_heads", 2, "n_heads must be a divisor of d_model=15; got n_heads=2"),
        ("dropout", 1.0, "dropout must be ≥ 0 and < 1; got dropout=1.0"),
        ("dropout", -0.1, "dropout must be ≥ 0 and < 1; got dropout=-0.1"),
        ("norm_eps", 0.0, "norm_eps must be > 0; got norm_eps=0.0"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GPTConfig(**{**SIZES, name: value})


def test_the_smallest_possible_sizes_are_accepted() -> None:
    smallest = GPTConfig(vocab_size=1, max_len=1, d_model=1, n_heads=1, n_layers=1, d_ff=1)
    assert GPT(smallest)(torch.zeros(1, 1, dtype=torch.int64)).shape == (1, 1, 1)


@pytest.mark.parametrize(
    ("preset", "d_model", "n_layers"),
    [(gpt2_small, 768, 12), (gpt2_medium, 1024, 24), (gpt2_large, 1280, 36), (gpt2_xl, 1600, 48)],
)
def test_presets_are_gpt2(preset: Callable[[], GPTConfig], d_model: int, n_layers: int) -> None:
    config = preset()
    assert (config.vocab_size, config.max_len, config.d_head) == (50257, 1024, 64)
    assert (config.d_model, config.n_layers, config.d_ff) == (d_model, n_layers, 4 * d_model)
    assert (config.dropout, config.norm_eps) == (0.0, 1e-5)


def test_one_table_reads_and_scores_tokens() -> None:
    model = GPT(GPTConfig(**SIZES), make_generator(0)).double()
    tables = [p for p in model.parameters() if p.shape == (19, 15)]
    assert len(tables) == 1
    ids = torch.tensor([[4, 9, 2]])
    before = model(ids)
    with torch.no_grad():
        model.tokens.weight[17] *= -2  # a token that does not occur: only its own score moves
    expected = before.clone()
    expected[:, :, 17] *= -2
    torch.testing.assert_close(model(ids), expected)


def test_dropout_acts_in_training_only() -> None:
    with_dropout = GPT(GPTConfig(**SIZES, dropout=0.5), make_generator(0))
    without = GPT(GPTConfig(**SIZES), make_generator(0))
    ids = torch.tensor([[4, 9, 2]])
    assert torch.equal(with_dropout.eval()(ids), without.eval()(ids))
    assert not torch.equal(with_dropout.train()(ids), without.train()(ids))


def test_dropout_keeps_the_mean_of_the_attention() -> None:
    attention = GPT(GPTConfig(**SIZES, dropout=0.5), make_generator(0)).double().blocks[0].attention
    x = torch.randn(1, 5, 15, generator=make_generator(1), dtype=torch.float64)
    expected = attention.eval()(x, None, None)
    many = x.expand(20000, 5, 15)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mean = attention.train()(many, None, None).mean(dim=0, keepdim=True)
    spread = expected.std().item()  # sampling error: one part in √20000 of the spread, times a few
    torch.testing.assert_close(mean, expected, rtol=0, atol=0.05 * spread)


def test_dropout_does_not_let_the_future_in() -> None:
    model = GPT(GPTConfig(**SIZES, dropout=0.2), make_generator(0)).train()
    outputs = []
    for text in ([4, 9, 2, 5, 1], [4, 9, 2, 5, 3]):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            outputs.append(model(torch.tensor([text]))[:, :4])
    assert torch.equal(*outputs)


def test_dropout_respects_the_mask() -> None:
    model = GPT(GPTConfig(**SIZES, dropout=0.2), make_generator(0)).train()
    ids = torch.tensor([[4, 9, 2, 5]])
    changed = torch.tensor([[4, 9, 2, 7]])
    mask = torch.tensor([[True, True, True, False]])
    outputs = []
    for text, real in ((ids, mask), (changed, mask)):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            outputs.append(model(text, real)[:, :3])
    assert torch.equal(*outputs)


def test_positions_are_counted_from_the_first_real_token() -> None:
    model = GPT(GPTConfig(**SIZES), make_generator(0)).double()
    ids, mask = torch.tensor([[18, 18, 4, 9, 2]]), torch.tensor([[False, False, True, True, True]])
    expected = model(ids[:, 2:])
    torch.testing.assert_close(model(ids, mask)[:, 2:], expected)
    turned = model(ids.flip(1), mask.flip(1))[:, :3]  # padding behind the text
    torch.testing.assert_close(turned, model(ids.flip(1)[:, :3]))
    cache = model.make_cache(1)
    model(ids[:, :3], mask[:, :3], cache)
    torch.testing.assert_close(model(ids[:, 3:], mask, cache), expected[:, 1:])
    assert (cache.n_tokens, cache.max_len) == (5, 13)


def test_cached_positions_go_on_where_they_stopped() -> None:
    model = GPT(GPTConfig(**SIZES), make_generator(0)).double()
    ids = torch.tensor([[4, 9, 2, 5]])
    cache = model.make_cache(1, max_len=4)
    pieces = [model(piece, cache=cache) for piece in ids.split([1, 2, 1], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids))


def test_dropout_behind_a_cache_still_sees_the_past() -> None:
    model = GPT(GPTConfig(**SIZES, dropout=1e-9), make_generator(0)).double().train()
    ids = torch.tensor([[4, 9, 2, 5]])
    cache = model.make_cache(1)
    pieces = [model(piece, cache=cache) for piece in ids.split([1, 1, 2], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model.eval()(ids))


def test_what_is_added_to_the_stream_starts_smaller() -> None:
    sizes = {**SIZES, "d_model": 96, "n_layers": 8}
    block = GPT(GPTConfig(**sizes), make_generator(0)).blocks[0]
    assert block.attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for layer in (block.attention.output, block.feedforward.outer):
        assert layer.weight.std().item() == pytest.approx(0.005, rel=0.05)  # 0.02 / √16
