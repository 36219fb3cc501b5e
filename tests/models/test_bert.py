import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.models import BERT, BERTConfig, bert_base
from course_lib.models.bert import BERTBlock
from course_lib.nn import IGNORE_ID, cross_entropy
from course_lib.seeding import make_generator

CONFIG = BERTConfig(
    vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7, n_segments=3
)


def enlarge(module: nn.Module) -> nn.Module:
    """Make weights large enough that every part of a model moves its result."""
    generator = make_generator(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return module


@pytest.fixture
def model() -> BERT:
    bert = BERT(CONFIG, make_generator(0)).double().eval()
    enlarge(bert)
    return bert


def random_ids(n_sequences: int, n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randint(CONFIG.vocab_size, (n_sequences, n_tokens), generator=make_generator(seed))


def bool_mask(*rows: str) -> Tensor:
    return torch.tensor([[mark == "x" for mark in row] for row in rows])


def test_token_segment_and_position_add_up(model: BERT) -> None:
    model.blocks = nn.ModuleList()
    ids, segment_ids = random_ids(2, 7), torch.tensor([[0, 0, 1, 1, 2, 2, 2]] * 2)
    total = model.tokens.weight[ids] + model.segments.weight[segment_ids]
    total = total + model.positions.weight[:7]
    expected = nn.functional.layer_norm(total, (15,), model.norm.weight, model.norm.bias, 1e-12)
    assert_close(model.hidden(ids, segment_ids=segment_ids), expected)


def copy_block(block: BERTBlock) -> nn.TransformerEncoderLayer:
    """Put a block's weights into PyTorch's own layer."""
    theirs = nn.TransformerEncoderLayer(
        15, 3, 7, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
    ).double()
    attention = block.attention
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.self_attn.out_proj.load_state_dict(attention.output.state_dict())
        theirs.norm1.load_state_dict(block.attention_norm.state_dict())
        theirs.linear1.load_state_dict(block.feedforward.inner.state_dict())
        theirs.linear2.load_state_dict(block.feedforward.outer.state_dict())
        theirs.norm2.load_state_dict(block.feedforward_norm.state_dict())
    return theirs


def test_a_block_is_pytorchs_post_norm_layer() -> None:
    block = BERTBlock(CONFIG).double()
    enlarge(block)
    x = torch.randn(2, 5, 15, generator=make_generator(0), dtype=torch.float64)
    token_mask = bool_mask("xxxxx", "xxx..")
    ours = block(x, token_mask[:, None, None, :])
    theirs = copy_block(block)(x, src_key_padding_mask=~token_mask)
    assert_close(ours[token_mask], theirs[token_mask])


def test_shapes(model: BERT) -> None:
    ids = random_ids(2, 5)
    assert model(ids).shape == (2, 5, 19)
    assert model.hidden(ids).shape == (2, 5, 15)
    assert model.pooled(ids).shape == (2, 15)
    assert model.next_sentence_logits(ids).shape == (2, 2)


def test_pooled_by_hand(model: BERT) -> None:
    assert model.pooler is not None
    ids, mask = random_ids(2, 5), bool_mask("xxxxx", "xxx..")
    first = model.hidden(ids, mask)[:, 0]
    expected = (first @ model.pooler.weight.mT + model.pooler.bias).tanh()
    assert_close(model.pooled(ids, mask), expected)


def test_sees_both_sides(model: BERT) -> None:
    ids = random_ids(1, 7)
    changed = ids.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 19
    assert not torch.isclose(model(ids), model(changed)).all(dim=-1).any()


def test_order_and_segments_count(model: BERT) -> None:
    ids = torch.tensor([[4, 9, 2], [9, 4, 2]])
    first, second = model(ids)[:, -1]
    assert not torch.isclose(first, second).any()
    segments = torch.tensor([[0, 0, 1], [0, 0, 2]])
    assert not torch.isclose(model(ids), model(ids, None, segments)).any()
    assert_close(model(ids), model(ids, None, torch.zeros_like(segments)))


@pytest.mark.parametrize("value", [0, 7])
def test_padding_changes_nothing(model: BERT, value: int) -> None:
    ids = random_ids(2, 5)
    padded = nn.functional.pad(ids, (0, 3), value=value)
    mask = bool_mask("xxxxx...", "xxxxx...")
    assert_close(model(padded, mask)[:, :5], model(ids))
    assert_close(model.next_sentence_logits(padded, mask), model.next_sentence_logits(ids))
    assert not torch.isclose(model(padded)[:, :5], model(ids)).all(dim=-1).any()


def test_sequences_of_a_batch_do_not_meet(model: BERT) -> None:
    ids = random_ids(3, 5)
    assert_close(model(ids), torch.cat([model(row[None]) for row in ids]))


def test_a_sequence_of_padding_only_is_finite(model: BERT) -> None:
    assert model(random_ids(2, 3), bool_mask("xx.", "...")).isfinite().all()


def test_refuses_masks_and_lengths_that_do_not_fit(model: BERT) -> None:
    assert model(random_ids(1, 13)).shape[1] == 13
    with pytest.raises(ValueError, match=r"at most max_len=13 .*; got 14"):
        model(random_ids(1, 14))
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(random_ids(2, 3), torch.ones(2, 3, dtype=torch.int64))  # pyright: ignore
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        model(random_ids(2, 3), torch.ones(2, 4, dtype=torch.bool))


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("masked_token_head", "forward"),
        ("pooler", "pooled"),
        ("pooler", "next_sentence_logits"),
        ("next_sentence_head", "next_sentence_logits"),
    ],
)
def test_a_missing_head_is_named(model: BERT, head: str, call: str) -> None:
    setattr(model, head, None)
    with pytest.raises(ValueError, match=f"the model must have a {head}; it was loaded from"):
        getattr(model, call)(random_ids(1, 3))
    assert model.hidden(random_ids(1, 3)).shape == (1, 3, 15)


def test_bert_base_has_the_published_size() -> None:
    with torch.device("meta"):
        model = BERT(bert_base())
    heads = ("masked_token_head", "next_sentence_head")
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    encoder = sum(size for name, size in sizes.items() if not name.startswith(heads))
    assert encoder == 109_482_240
    # Dense 768² + 768, norm 2 · 768, one offset a token; two scores from 768 numbers.
    assert sum(sizes.values()) - encoder == 768**2 + 768 + 2 * 768 + 30_522 + 2 * 768 + 2
    assert (bert_base().dropout, bert_base(21_128).vocab_size) == (0.1, 21_128)


def test_loss_at_the_start_is_that_of_guessing() -> None:
    ids = random_ids(11, 13)
    loss = cross_entropy(BERT(CONFIG, make_generator(0))(ids), ids).item()
    assert loss == pytest.approx(math.log(19), abs=0.05)


def test_overfits_one_batch() -> None:
    model = BERT(replace(CONFIG, d_model=24, d_ff=31), make_generator(0))
    ids = torch.tensor([[3, 5, 7, 9], [3, 6, 7, 9], [4, 5, 7, 8], [4, 6, 7, 8]])
    given, targets = ids.clone(), torch.full_like(ids, IGNORE_ID)
    given[:, 0], targets[:, 0] = 0, ids[:, 0]  # hidden, but told by the last token, to its right
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(100):
        loss = cross_entropy(model(given), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01


def test_every_parameter_learns() -> None:
    model, ids = BERT(CONFIG, make_generator(0)), random_ids(5, 13)
    segments = random_ids(5, 13, seed=1) % 3
    loss = cross_entropy(model(ids, None, segments), ids)
    loss = loss + cross_entropy(model.next_sentence_logits(ids), torch.tensor([0, 1, 1, 0, 1]))
    loss.backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # An offset of all keys moves all scores of a query alike, and softmax takes that away.
    assert [name for name in idle if not name.endswith("attention.key.bias")] == []


def test_fresh_weights_are_berts_and_follow_from_the_generator() -> None:
    first, again, other = (BERT(CONFIG, make_generator(seed)) for seed in (0, 0, 1))
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, again.get_parameter(name))
        if parameter.ndim == 2:
            assert not torch.equal(parameter, other.get_parameter(name))
        else:
            assert (parameter == (0.0 if name.endswith("bias") else 1.0)).all(), name
    table = torch.cat([p.flatten() for p in first.parameters() if p.ndim == 2])
    assert table.std().item() == pytest.approx(0.02, rel=0.05)


def test_dropout_acts_in_training_only() -> None:
    model = BERT(replace(CONFIG, dropout=0.5), make_generator(0))
    enlarge(model)
    ids = random_ids(2, 5)
    assert not torch.isclose(model.hidden(ids), model.hidden(ids)).all(dim=-1).any()
    model.eval()
    assert_close(model(ids), model(ids))


def test_dropout_is_applied_to_attention_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    block = BERTBlock(replace(CONFIG, dropout=0.3)).double()
    enlarge(block)
    seen, real = [], nn.functional.scaled_dot_product_attention

    def spy(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout_p: float) -> Tensor:
        seen.append(dropout_p)
        return real(query, key, value, mask)

    x = torch.randn(2, 5, 15, generator=make_generator(0), dtype=torch.float64)
    mask = bool_mask("xxxxx", "xxx..")[:, None, None, :]
    expected = block.eval()(x, mask)
    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", spy)
    monkeypatch.setattr(block.dropout, "forward", lambda numbers: numbers)
    assert_close(block.train()(x, mask), expected)
    assert seen == [0.3]


def test_without_dropout_training_attends_as_evaluation_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block, calls = BERTBlock(CONFIG).train(), []
    monkeypatch.setattr(block.attention, "forward", lambda x, mask: calls.append(mask) or x)
    block(torch.zeros(2, 5, 15), None)
    assert calls == [None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 0}, "vocab_size must be ≥ 1; got vocab_size=0"),
        ({"max_len": 0}, "max_len must be ≥ 1"),
        ({"d_model": 0}, "d_model must be ≥ 1"),
        ({"n_heads": 0}, "n_heads must be ≥ 1"),
        ({"n_layers": 0}, "n_layers must be ≥ 1"),
        ({"d_ff": 0}, "d_ff must be ≥ 1"),
        ({"n_segments": 0}, "n_segments must be ≥ 1"),
        ({"n_heads": 4}, "n_heads must be a divisor of d_model=15; got n_heads=4"),
        ({"dropout": 1.0}, "dropout must be ≥ 0 and < 1; got dropout=1.0"),
        ({"dropout": -0.1}, "dropout must be ≥ 0 and < 1"),
        ({"norm_eps": 0.0}, "norm_eps must be > 0; got norm_eps=0.0"),
    ],
)
def test_refuses_settings_that_make_no_model(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)


def test_smallest_settings_and_defaults() -> None:
    sizes = {"vocab_size": 1, "max_len": 1, "d_model": 1, "n_heads": 1, "n_layers": 1, "d_ff": 1}
    config = BERTConfig(**sizes, n_segments=1)
    assert BERT(config)(torch.tensor([[0]])).shape == (1, 1, 1)
    assert (config.dropout, config.norm_eps) == (0.0, 1e-12)
    assert BERTConfig(**sizes).n_segments == 2
    with pytest.raises(FrozenInstanceError):
        config.n_layers = 5  # pyright: ignore
