import torch
from torch import nn

from course_lib.models import GPT, GPTConfig
from course_lib.nn.blocks import post_norm_block, pre_norm_block
from course_lib.seeding import make_generator


def test_pre_norm_by_hand() -> None:
    x = torch.tensor([3.0])
    out = pre_norm_block(x, lambda y: 10 * y, lambda y: y * y, lambda y: y + 1, lambda y: y / 2)
    assert out.item() == 43 + (43 / 2) ** 2  # 3 + 10 · (3 + 1) = 43


def test_post_norm_by_hand() -> None:
    x = torch.tensor([3.0])
    out = post_norm_block(x, lambda y: 10 * y, lambda y: y * y, lambda y: y + 1, lambda y: y / 2)
    assert out.item() == (34 + 34**2) / 2  # 3 + 10 · 3 + 1 = 34


def test_pre_norm_is_the_block_of_gpt() -> None:
    config = GPTConfig(vocab_size=7, max_len=5, d_model=6, n_heads=3, n_layers=1)
    block = GPT(config, make_generator(0)).blocks[0]
    x = torch.randn(2, 5, 6, generator=make_generator(1))
    parts = (
        lambda y: block.attention(y, None, None),
        block.feedforward,
        block.attention_norm,
        block.feedforward_norm,
    )
    torch.testing.assert_close(pre_norm_block(x, *parts), block(x, None, None))


def test_post_norm_is_the_encoder_layer_of_torch() -> None:
    layer = nn.TransformerEncoderLayer(6, 2, 11, dropout=0.0, batch_first=True).double()
    x = torch.randn(2, 5, 6, generator=make_generator(2), dtype=torch.float64)
    ours = post_norm_block(
        x,
        lambda y: layer.self_attn(y, y, y, need_weights=False)[0],
        lambda y: layer.linear2(layer.linear1(y).relu()),
        layer.norm1,
        layer.norm2,
    )
    torch.testing.assert_close(ours, layer(x))


def test_parts_that_say_nothing_leave_the_pre_norm_stream_alone() -> None:
    x, same = torch.randn(3, 7, generator=make_generator(3)), nn.Identity()
    silent = torch.zeros_like
    assert torch.equal(pre_norm_block(x, silent, silent, same, same), x)
