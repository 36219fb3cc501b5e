import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.data.batches import InOrder, PackedBatches, PaddedBatches, TokenBatch
from course_lib.errors import TrainingDivergedError
from course_lib.models import BERT, GPT, BERTConfig, GPTConfig
from course_lib.seeding import make_generator
from course_lib.training.checkpoint_files import list_checkpoints
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.config import TrainingConfig
from course_lib.training.ema import ExponentialAverage
from course_lib.training.evaluating import evaluate
from course_lib.training.language_model import train_language_model
from course_lib.training.loop import train_on_batches
from course_lib.training.masked import MaskedLM
from course_lib.training.muon import MuonConfig, make_optimizer
from course_lib.training.objectives import CausalLM
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.schedules import WarmupCosine, WarmupLinear
from course_lib.training.state import make_state
from course_lib.training.step import take_step
from course_lib.training.trainer import train

IDS = torch.randint(13, (400,), generator=make_generator(0))
FAST = AdamWConfig(learning_rate=0.03)


def make_data(ids: torch.Tensor = IDS) -> PackedBatches:
    return PackedBatches(ids, n_rows=5, n_tokens=7)


def make_gpt(dropout: float = 0.0) -> GPT:
    sizes = {"vocab_size": 13, "max_len": 7, "d_model": 12, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(**sizes, dropout=dropout), make_generator(1))


def make_config(n_steps: int, **settings: Any) -> TrainingConfig:
    return TrainingConfig(**{"n_steps": n_steps, "optimizer": FAST} | settings)


@pytest.mark.parametrize(
    "optimizer",
    [FAST, MuonConfig(learning_rate=0.03, adamw=FAST)],
)
def test_a_text_is_learnt_by_heart(optimizer: AdamWConfig | MuonConfig) -> None:
    model = make_gpt()
    history = train(model, make_data(IDS[:36]), make_config(90, optimizer=optimizer))
    assert history.losses[0] == pytest.approx(math.log(13), abs=0.1)
    assert history.losses[-1] < 0.5
    assert history.stopped_by == "n_steps"
    assert model.training
    for values in (history.grad_norms, history.learning_rates, history.n_tokens, history.seconds):
        assert len(values) == 90


class Table(nn.Module):
    """A bigram model: one matrix, which both loops decay."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(13, 13, dtype=torch.float64))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.scores[ids]


def test_the_losses_are_those_of_the_loop_written_out_in_lesson_04() -> None:
    adamw = AdamWConfig(learning_rate=0.1, beta1=0.9, beta2=0.95, weight_decay=0.1)
    schedule = WarmupLinear(n_warmup=3)
    config = make_config(11, optimizer=adamw, schedule=schedule, max_grad_norm=math.inf)
    texts = [torch.arange(length) * 5 % 13 for length in (9, 4, 6, 2, 7)]
    data = PaddedBatches([text.tolist() for text in texts], n_rows=2)
    ours, written_out = Table(), Table()
    history = train(ours, data, config)
    rates = [0.1 * schedule(step, 11) for step in range(11)]
    losses = train_language_model(written_out, (data[step] for step in range(11)), rates)
    assert history.losses == pytest.approx(losses, rel=1e-12)
    torch.testing.assert_close(ours.scores, written_out.scores)


def test_the_losses_are_those_of_the_plain_loop() -> None:
    config = make_config(5, schedule=WarmupCosine(n_warmup=0, final=1.0), max_grad_norm=math.inf)
    ours, plain = make_gpt().double(), make_gpt().double()
    history, data = train(ours, make_data(), config), make_data()
    losses = train_on_batches(
        plain,
        [data[step] for step in range(5)],
        lambda model, batch: F.cross_entropy(model(batch.ids[:, :-1]).mT, batch.ids[:, 1:]),
        make_optimizer(plain, FAST),
    )
    assert history.losses == pytest.approx(losses, rel=1e-9)


def test_the_steps_are_those_of_take_step() -> None:
    config = make_config(4, n_micro_batches=2)
    model = make_gpt()
    history = train(model.eval(), make_data(), config)
    state = make_state(make_gpt(), config)
    data = make_data()
    for _ in range(4):
        take_step(state, data, CausalLM())
    assert history.losses == state.history.losses
    torch.testing.assert_close(model.state_dict(), state.model.state_dict(), rtol=0, atol=0)


def test_another_objective_can_be_learnt() -> None:
    sizes = {"max_len": 8, "d_model": 12, "n_heads": 3, "n_layers": 1, "d_ff": 16}
    model = BERT(BERTConfig(vocab_size=13, **sizes), make_generator(1))
    objective = MaskedLM(mask_id=0, vocab_size=13, share=0.3)
    data = make_data(5 + IDS % 2)  # once it is known that there are two tokens: ln 2
    history = train(model, data, make_config(40), objective=objective)
    assert history.losses[0] > 2
    assert sum(history.losses[-10:]) / 10 == pytest.approx(math.log(2), abs=0.1)


def test_evaluations_come_when_they_are_due_and_at_the_end() -> None:
    held_out, model = InOrder(make_data(IDS[:99])), make_gpt()
    history = train(model, make_data(), make_config(7, evaluate_every=3), held_out=held_out)
    assert [evaluation.step for evaluation in history.evaluations] == [3, 6, 7]
    assert history.evaluations[-1] == evaluate(model, held_out, step=7)
    once = train(make_gpt(), make_data(), make_config(7), held_out=held_out)
    assert once.evaluations == history.evaluations[-1:]
    assert train(make_gpt(), make_data(), make_config(7)).evaluations == []


def test_evaluations_use_the_precision_of_the_training() -> None:
    held_out = InOrder(make_data(IDS[:99]))
    model, config = make_gpt(), make_config(2, precision="bfloat16")
    history = train(model, make_data(), config, held_out=held_out)
    assert history.evaluations == [evaluate(model, held_out, precision="bfloat16", step=2)]


def test_an_evaluation_without_data_is_refused() -> None:
    with pytest.raises(ValueError, match="held_out must be given when evaluate_every is above 0"):
        train(make_gpt(), make_data(), make_config(7, evaluate_every=3))


def test_patience_counts_from_the_best_evaluation() -> None:
    held_out = InOrder(make_data(torch.arange(99) % 13))  # another text: it will get worse
    config = make_config(60, evaluate_every=2, patience=3)
    history = train(make_gpt(), make_data(IDS[:36]), config, held_out=held_out)
    losses = [evaluation.nats_per_token for evaluation in history.evaluations]
    assert history.stopped_by == "patience"
    assert len(losses) - 1 - losses.index(min(losses)) == 3
    assert len(history.losses) == 2 * len(losses) < 60


def test_without_patience_nothing_stops_early() -> None:
    held_out = InOrder(make_data(torch.arange(99) % 13))
    config = make_config(30, evaluate_every=2)
    history = train(make_gpt(), make_data(IDS[:36]), config, held_out=held_out)
    assert history.stopped_by == "n_steps"


def test_the_model_ends_with_the_average_and_is_evaluated_with_it() -> None:
    held_out = InOrder(make_data(IDS[:99]))
    averaged, plain = make_gpt(), make_gpt()
    config = make_config(6, ema_decay=0.8, evaluate_every=3)
    history = train(averaged, make_data(), config, held_out=held_out)
    average = ExponentialAverage(plain, 0.8)
    state = make_state(plain, make_config(6))
    for step in range(1, 7):
        take_step(state, make_data(), CausalLM())
        average.update(plain, step)
    assert history.losses == state.history.losses
    average.copy_to(plain)
    torch.testing.assert_close(averaged.state_dict(), plain.state_dict(), rtol=0, atol=0)
    assert history.evaluations[-1] == evaluate(averaged, held_out, step=6)


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[int, int, float, float, int]] = []

    def update(
        self, step: int, n_steps: int, loss: float, tokens_per_second: float, memory_bytes: int
    ) -> None:
        self.seen.append((step, n_steps, loss, tokens_per_second, memory_bytes))


def test_progress_is_told_of_every_step() -> None:
    progress = Recorder()
    history = train(make_gpt(), make_data(), make_config(3), progress=progress)
    assert [seen[:2] for seen in progress.seen] == [(1, 3), (2, 3), (3, 3)]
    assert [seen[2] for seen in progress.seen] == history.losses
    speeds = [n / t for n, t in zip(history.n_tokens, history.seconds, strict=True)]
    assert [seen[3] for seen in progress.seen] == speeds
    assert all(seen[4] > 2**20 for seen in progress.seen)


class Interrupting(PackedBatches):
    """Ctrl-C comes while a batch is made."""

    at = 5

    def __getitem__(self, index: int) -> TokenBatch:
        if index == self.at:
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


@pytest.mark.parametrize("every_steps", [0, 4])
def test_an_interrupt_ends_the_step_saves_and_can_be_resumed(
    tmp_path: Path, every_steps: int
) -> None:
    whole, halved, resumed = (make_gpt(dropout=0.1) for _ in range(3))
    torch.manual_seed(0)
    expected = train(whole, make_data(), make_config(9, ema_decay=0.5))
    torch.manual_seed(0)
    broken_off = train(
        halved,
        Interrupting(IDS, n_rows=5, n_tokens=7),
        make_config(9, ema_decay=0.5),
        checkpoints=Checkpoints(tmp_path, every_steps=every_steps),
    )
    assert (broken_off.stopped_by, len(broken_off.losses)) == ("interrupt", 6)
    assert list_checkpoints(tmp_path)[-1].name == "step-00000006"
    checkpoints = Checkpoints(tmp_path, every_steps=every_steps, resume=True)
    config = make_config(9, ema_decay=0.5)
    history = train(resumed, make_data(), config, checkpoints=checkpoints)
    assert history.losses == expected.losses
    assert history.stopped_by == "n_steps"
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_checkpoints_are_written_when_they_are_due_and_at_the_end(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, every_steps=3, keep=7)
    train(make_gpt(), make_data(), make_config(7), checkpoints=checkpoints)
    names = [path.name for path in list_checkpoints(tmp_path)]
    assert names == ["step-00000003", "step-00000006", "step-00000007"]


def test_a_run_that_is_over_takes_no_step(tmp_path: Path) -> None:
    first = train(
        make_gpt(), make_data(), make_config(3), checkpoints=Checkpoints(tmp_path, every_steps=0)
    )
    again = train(
        make_gpt(),
        make_data(),
        make_config(3),
        checkpoints=Checkpoints(tmp_path, every_steps=0, resume=True),
    )
    assert again == first


class Poisoned(PackedBatches):
    model: GPT

    def __getitem__(self, index: int) -> TokenBatch:
        if index == 5:
            with torch.no_grad():
                self.model.final_norm.weight.fill_(math.inf)
        return super().__getitem__(index)


def test_a_run_that_diverges_leaves_its_last_checkpoint(tmp_path: Path) -> None:
    data, model = Poisoned(IDS, n_rows=5, n_tokens=7), make_gpt()
    data.model = model
    with pytest.raises(TrainingDivergedError, match="at step 5, batch 5"):
        train(model, data, make_config(9), checkpoints=Checkpoints(tmp_path, every_steps=2))
    assert list_checkpoints(tmp_path)[-1].name == "step-00000004"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
