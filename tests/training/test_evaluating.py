from typing import Any

import pytest
import torch
from torch import nn

from course_lib.data.batches import InOrder, PaddedBatches, TokenBatch
from course_lib.models import GPT, GPTConfig
from course_lib.nn import next_token_loss
from course_lib.seeding import make_generator
from course_lib.training.evaluating import evaluate
from course_lib.training.objectives import CausalLM, LossSum

TEXTS = [[4, 1, 5, 9, 2], [6, 5], [3, 5, 8, 9], [7, 9, 3], [2, 3, 8, 4, 6, 2, 6]]


def make_gpt(dropout: float = 0.0) -> GPT:
    sizes = {"vocab_size": 11, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1}
    return GPT(GPTConfig(**sizes, dropout=dropout), make_generator(1)).double()


@pytest.mark.parametrize("n_rows", [1, 2, 7])
def test_every_text_counts_once_however_they_are_batched(n_rows: int) -> None:
    model = make_gpt()
    ids = [torch.tensor([text]) for text in TEXTS]
    nats = sum(next_token_loss(model(x), x).item() * (x.numel() - 1) for x in ids)
    evaluation = evaluate(model, InOrder(PaddedBatches(TEXTS, n_rows=n_rows)), step=3)
    assert (evaluation.step, evaluation.n_tokens) == (3, 4 + 1 + 3 + 2 + 6)
    assert evaluation.nats == pytest.approx(nats, rel=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_mode_is_given_back(training: bool) -> None:
    batches = InOrder(PaddedBatches(TEXTS, n_rows=2))
    model = make_gpt(dropout=0.5).train(training)
    first, second = evaluate(model, batches), evaluate(model, batches)
    assert first == second == evaluate(make_gpt(), batches)
    assert first.step == 0
    assert model.training == training


def test_chance_is_another_in_each_batch_and_the_same_in_each_evaluation() -> None:
    draws: list[float] = []

    def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        draws.append(torch.rand((), generator=generator).item())
        assert not torch.is_grad_enabled()
        return CausalLM()(model, batch, generator)

    batches = InOrder(PaddedBatches(TEXTS, n_rows=2))
    for _ in range(2):
        evaluate(make_gpt(), batches, objective)
    assert draws[:3] == draws[3:]
    assert len(set(draws)) == 3


def test_the_products_can_be_rounded() -> None:
    model, batches = make_gpt().float(), InOrder(PaddedBatches(TEXTS, n_rows=2))
    exact, rounded = evaluate(model, batches), evaluate(model, batches, precision="bfloat16")
    assert rounded.nats != exact.nats
    assert rounded.nats == pytest.approx(exact.nats, rel=1e-3)


def test_the_mode_is_given_back_after_an_error() -> None:
    def objective(model: nn.Module, batch: Any, generator: torch.Generator) -> LossSum:
        raise KeyError

    model = make_gpt()
    with pytest.raises(KeyError):
        evaluate(model, InOrder(PaddedBatches(TEXTS, n_rows=2)), objective)
    assert model.training


def test_nothing_to_count_is_refused() -> None:
    def objective(model: nn.Module, batch: Any, generator: torch.Generator) -> LossSum:
        return LossSum(torch.zeros(()), 0)

    with pytest.raises(ValueError, match="batches must hold a token that counts; got none"):
        evaluate(make_gpt(), InOrder(PaddedBatches(TEXTS, n_rows=2)), objective)
