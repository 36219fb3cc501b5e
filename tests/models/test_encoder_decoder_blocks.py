import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.models.encoder_decoder_blocks import DecoderBlock, DecoderCache, EncoderBlock
from course_lib.nn.cache import KVCache
from course_lib.nn.masks import causal_mask
from course_lib.nn.multi_head import MultiHeadAttention
from course_lib.seeding import make_generator

D, H, F = 15, 3, 7


def enlarge(module: nn.Module) -> None:
    generator = make_generator(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.4, generator=generator)


def make_encoder_block() -> EncoderBlock:
    block = EncoderBlock(D, H, F, activation=torch.relu, dropout=0.0).double()
    enlarge(block)
    return block


def make_decoder_block(layer: int = 0) -> DecoderBlock:
    block = DecoderBlock(layer, D, H, F, activation=torch.relu, dropout=0.0).double()
    enlarge(block)
    return block


def make_cache(n_layers: int = 1) -> DecoderCache:
    return DecoderCache(target=KVCache(n_layers, 2, H, 11, D // H, dtype=torch.float64))


def vectors(n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randn(2, n_tokens, D, generator=make_generator(seed), dtype=torch.float64)


@torch.no_grad()
def copy_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    parts = (ours.query, ours.key, ours.value)
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())


def test_an_encoder_block_is_pytorchs() -> None:
    block = make_encoder_block()
    theirs = nn.TransformerEncoderLayer(D, H, F, dropout=0.0, batch_first=True).double()
    copy_attention(block.attention, theirs.self_attn)
    theirs.norm1.load_state_dict(block.attention_norm.state_dict())
    theirs.linear1.load_state_dict(block.feedforward.inner.state_dict())
    theirs.linear2.load_state_dict(block.feedforward.outer.state_dict())
    theirs.norm2.load_state_dict(block.feedforward_norm.state_dict())
    x, real = vectors(5), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    expected = theirs(x, src_key_padding_mask=~real)
    assert_close(block(x, real[:, None, None, :])[real], expected[real])


def test_a_decoder_block_is_pytorchs() -> None:
    block = make_decoder_block()
    theirs = nn.TransformerDecoderLayer(D, H, F, dropout=0.0, batch_first=True).double()
    copy_attention(block.attention, theirs.self_attn)
    copy_attention(block.cross_attention, theirs.multihead_attn)
    theirs.norm1.load_state_dict(block.attention_norm.state_dict())
    theirs.norm2.load_state_dict(block.cross_attention_norm.state_dict())
    theirs.linear1.load_state_dict(block.feedforward.inner.state_dict())
    theirs.linear2.load_state_dict(block.feedforward.outer.state_dict())
    theirs.norm3.load_state_dict(block.feedforward_norm.state_dict())
    x, memory = vectors(5), vectors(4, seed=2)
    real = torch.tensor([[True] * 4, [True] * 3 + [False]])
    expected = theirs(x, memory, tgt_mask=~causal_mask(5), memory_key_padding_mask=~real)
    assert_close(block(x, memory, None, real[:, None, None, :], None), expected)


@pytest.mark.parametrize("block", [make_encoder_block(), make_decoder_block()])
def test_dropout_acts_on_every_part(block: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where all that a part adds is dropped, only the norms are left.
    monkeypatch.setattr(block.dropout, "forward", torch.zeros_like)
    x = vectors(5)
    expected = block.attention_norm(x)  # pyright: ignore
    if isinstance(block, DecoderBlock):
        mine = block(x, vectors(4), None, None, None)
        expected = block.cross_attention_norm(expected)
    else:
        mine = block(x, None)
    assert_close(mine, block.feedforward_norm(expected))  # pyright: ignore
    assert block.dropout.p == 0.0


def test_dropout_has_the_given_chance() -> None:
    assert EncoderBlock(D, H, F, activation=torch.relu, dropout=0.3).dropout.p == 0.3
    assert DecoderBlock(0, D, H, F, activation=torch.relu, dropout=0.3).dropout.p == 0.3


def test_a_cache_keeps_the_source_of_each_block_apart() -> None:
    memory, blocks, cache = (
        vectors(4, seed=2),
        [make_decoder_block(k) for k in (0, 1)],
        make_cache(2),
    )
    with torch.no_grad():
        for parameter in blocks[1].parameters():
            parameter.neg_()
    x = vectors(5)
    for start, end in ((0, 2), (2, 5)):
        for block in blocks:
            mask = causal_mask(end - start, end)[None, None] if start else None
            cached = block(x[:, start:end], memory, mask, None, cache)
            assert_close(cached, block(x, memory, None, None, None)[:, start:end])
        cache.target.advance(end - start)
    assert len(cache.memory_parts) == 2
    assert not torch.equal(*(keys for keys, _ in cache.memory_parts))


def test_a_cache_reads_the_source_once_and_keeps_no_gradient() -> None:
    block, cache = make_decoder_block(), make_cache()
    memory = vectors(4).requires_grad_()
    block(vectors(1), memory, None, None, cache)
    keys, values = cache.memory_parts[0]
    assert not keys.requires_grad
    assert not values.requires_grad
    assert keys.shape == values.shape == (2, H, 4, D // H)
    again = block(vectors(1), torch.zeros_like(memory), None, None, cache)
    assert_close(again, block(vectors(1), memory, None, None, None))


def test_a_cache_keeps_what_belongs_to_its_sequences() -> None:
    cache, memory, keys = make_cache(), vectors(5), torch.arange(2.0)[:, None, None, None]
    rows = torch.tensor([1, 1, 0])
    cache.keep(rows)
    assert cache.memory is None
    assert cache.target.layers[0][0].shape[0] == 3
    cache = make_cache()
    cache.memory, cache.memory_parts = memory, [(keys, -keys)]
    cache.keep(rows)
    assert_close(cache.memory, memory[rows], rtol=0, atol=0)
    assert_close(cache.memory_parts[0], (keys[rows], -keys[rows]), rtol=0, atol=0)
