import math

import pytest
import torch
from torch import Tensor, nn

from course_lib.models import GPT, GPTConfig
from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator
from course_lib.training.language_model import train_language_model
from course_lib.training.optimisers import AdamWConfig, adamw_step

RATES = [0.1, 0.2, 0.05]


def make_batches(n: int) -> list[tuple[Tensor, Tensor]]:
    generator = make_generator(0)
    return [
        (
            torch.randint(7, (3, 5), generator=generator),
            torch.arange(5) < torch.randint(2, 6, (3, 1), generator=generator),
        )
        for _ in range(n)
    ]


def make_table() -> nn.Embedding:
    weight = torch.randn(7, 7, generator=make_generator(1), dtype=torch.float64)
    return nn.Embedding.from_pretrained(weight, freeze=False)


def test_agrees_with_adamw_by_hand() -> None:
    weight = make_table().weight.detach()
    mean, square, expected = torch.zeros_like(weight), torch.zeros_like(weight), []
    for step, ((ids, mask), rate) in enumerate(zip(make_batches(3), RATES, strict=True), start=1):
        leaf = weight.clone().requires_grad_()
        loss = next_token_loss(leaf[ids], ids, mask)
        (gradient,) = torch.autograd.grad(loss, leaf)
        config = AdamWConfig(learning_rate=rate, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1)
        weight, mean, square = adamw_step(weight, gradient, mean, square, step, config)
        expected.append(loss.item())
    table = make_table()
    assert train_language_model(table, make_batches(3), RATES) == pytest.approx(expected)
    torch.testing.assert_close(table.weight.detach(), weight)


def test_turns_training_mode_on() -> None:
    table = make_table().eval()
    train_language_model(table, make_batches(1), [0.1])
    assert table.training


def test_starts_at_the_logarithm_of_the_vocabulary_and_learns_one_batch_by_heart() -> None:
    config = GPTConfig(vocab_size=7, max_len=5, d_model=16, n_heads=2, n_layers=1)
    ((ids, _),) = make_batches(1)
    ids[:, 0] = torch.arange(3)  # so that each text can be told from the others
    batch = (ids, torch.ones_like(ids, dtype=torch.bool))
    losses = train_language_model(GPT(config, make_generator(2)), [batch] * 120, [0.02] * 120)
    assert losses[0] == pytest.approx(math.log(7), abs=0.1)
    assert losses[-1] < 0.05


def test_needs_a_rate_for_each_batch() -> None:
    with pytest.raises(ValueError, match="zip"):
        train_language_model(make_table(), make_batches(2), [0.1])
