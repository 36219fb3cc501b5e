import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.data.batches import InOrder, PackedBatches, TokenBatch
from course_lib.errors import CheckpointError, TrainingDivergedError
from course_lib.models import GPT, GPTConfig
from course_lib.training import (
    AdamWConfig,
    CausalLM,
    History,
    LayerwiseAdamWConfig,
    LossSum,
    MaskedLM,
    MuonConfig,
    Objective,
    TrainingConfig,
    WarmupCosine,
    WarmupLinear,
    make_state,
    train,
)
from course_lib.training.checkpoint_files import list_checkpoints, read_checkpoint
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.precision import LossScaler

N_STEPS, DIES_AFTER, EVERY = 11, 8, 3
DATA = PackedBatches(torch.arange(401) * 7 % 13, n_rows=3, n_tokens=7, seed=5)
HELD_OUT = InOrder(PackedBatches(torch.arange(83) * 5 % 13, n_rows=2, n_tokens=7))


def config_of(**changes: Any) -> TrainingConfig:
    settings = {"n_steps": N_STEPS, "schedule": WarmupCosine(n_warmup=2), **changes}
    return TrainingConfig(**settings)


def make_model(seed: int = 1, dropout: float = 0.1, vocab_size: int = 13) -> GPT:
    torch.manual_seed(seed)
    return GPT(
        GPTConfig(
            vocab_size=vocab_size, max_len=8, d_model=10, n_heads=2, n_layers=2, dropout=dropout
        )
    )


class Died(Exception):
    pass


class DiesAfter:
    """Breaks a run off in the middle, as a bug or a lost machine would."""

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def update(
        self, step: int, n_steps: int, loss: float, tokens_per_second: float, memory_bytes: int
    ) -> None:
        if step == self.n_steps:
            raise Died


def die(
    folder: Path, config: TrainingConfig, objective: Objective[Any] | None = None, **options: Any
) -> None:
    settings = {"every_steps": EVERY, **options}
    with pytest.raises(Died):
        train(
            make_model(),
            DATA,
            config,
            objective=objective,
            held_out=HELD_OUT if config.evaluate_every else None,
            checkpoints=Checkpoints(folder, **settings),
            progress=DiesAfter(DIES_AFTER),
        )


def without_seconds(history: History) -> dict[str, Any]:
    return {**json.loads(history.to_json()), "seconds": len(history.seconds)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_point_here(caught: pytest.WarningsRecorder) -> None:
    if not hasattr(train, "__wrapped__"):  # checking shapes at run time adds frames
        assert all(warning.filename == __file__ for warning in caught)


def assert_same_model(one: nn.Module, other: nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


RUNS: dict[str, tuple[TrainingConfig, Objective[Any] | None]] = {
    "adamw": (config_of(), None),
    "layerwise": (config_of(optimizer=LayerwiseAdamWConfig(decay=0.5)), None),
    "muon": (config_of(optimizer=MuonConfig()), None),
    "dynamic masking": (config_of(), MaskedLM(mask_id=0, vocab_size=13, share=0.5)),
    "average": (config_of(ema_decay=0.9, evaluate_every=2), None),
    "micro-batches": (config_of(n_micro_batches=3, schedule=WarmupLinear(n_warmup=3)), None),
    "bfloat16": (config_of(precision="bfloat16"), None),
    "float16": (config_of(precision="float16"), None),
    "all": (
        config_of(
            optimizer=MuonConfig(), ema_decay=0.9, evaluate_every=2, n_micro_batches=2, patience=50
        ),
        MaskedLM(mask_id=0, vocab_size=13, share=0.5),
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_resume_equals_a_run_that_was_never_stopped(name: str, tmp_path: Path) -> None:
    config, objective = RUNS[name]
    held_out = HELD_OUT if config.evaluate_every else None
    whole = make_model()
    expected = train(whole, DATA, config, objective=objective, held_out=held_out)
    expected_draw = torch.rand(3)

    die(tmp_path, config, objective)
    assert names(tmp_path) == ["step-00000003", "step-00000006"]
    resumed = make_model(seed=2)
    history = train(
        resumed,
        DATA,
        config,
        objective=objective,
        held_out=held_out,
        checkpoints=Checkpoints(tmp_path, every_steps=EVERY, resume=True),
    )
    assert torch.equal(torch.rand(3), expected_draw)
    assert without_seconds(history) == without_seconds(expected)
    assert_same_model(resumed, whole)
    assert names(tmp_path) == ["step-00000009", "step-00000011"]


def test_resume_restores_the_whole_state(tmp_path: Path) -> None:
    config = config_of(optimizer=MuonConfig(), ema_decay=0.9, precision="float16", evaluate_every=2)
    state = make_state(make_model(), config)
    state.scaler = LossScaler(scale=4.0, n_good_steps=7)
    state.step, state.history.losses = 5, [0.1, float("inf")]
    Checkpoints(tmp_path, every_steps=1).save(state)
    found = make_state(make_model(seed=2), config)
    Checkpoints(tmp_path, every_steps=1, resume=True).load_into(found)
    assert found.step == 5
    assert found.scaler == state.scaler
    assert found.history == state.history
    assert_same_model(found.model, state.model)
    assert found.average is not None
    assert state.average is not None
    for name, weight in state.average.weights.items():
        assert torch.equal(found.average.weights[name], weight)
        assert weight.data_ptr() != found.average.weights[name].data_ptr()


def test_early_stopping_goes_on_after_resume(tmp_path: Path) -> None:
    config = config_of(
        n_steps=40, evaluate_every=1, patience=3, optimizer=AdamWConfig(learning_rate=1.0)
    )
    whole = make_model()
    expected = train(whole, DATA, config, held_out=HELD_OUT)
    assert expected.stopped_by == "patience"
    n_steps = len(expected.losses)
    with pytest.raises(Died):
        train(
            make_model(),
            DATA,
            config,
            held_out=HELD_OUT,
            checkpoints=Checkpoints(tmp_path, every_steps=1),
            progress=DiesAfter(n_steps - 1),
        )
    for _ in range(2):  # the second has nothing left to do
        resumed = make_model(seed=2)
        checkpoints = Checkpoints(tmp_path, every_steps=1, resume=True)
        history = train(resumed, DATA, config, held_out=HELD_OUT, checkpoints=checkpoints)
        assert without_seconds(history) == without_seconds(expected)
        assert_same_model(resumed, whole)


def test_an_interrupt_saves_and_a_resume_goes_on(tmp_path: Path) -> None:
    class Interrupts(DiesAfter):
        def update(self, step: int, n_steps: int, *_: float) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            if step == self.n_steps:
                os.kill(os.getpid(), 2)

    config, whole = config_of(), make_model()
    expected = train(whole, DATA, config)
    checkpoints = Checkpoints(tmp_path, every_steps=0)
    history = train(make_model(), DATA, config, checkpoints=checkpoints, progress=Interrupts(4))
    assert history.stopped_by == "interrupt"
    assert names(tmp_path) == ["step-00000004"]
    resumed = make_model(seed=2)
    checkpoints = Checkpoints(tmp_path, every_steps=0, resume=True)
    history = train(resumed, DATA, config, checkpoints=checkpoints)
    assert without_seconds(history) == without_seconds(expected)
    assert_same_model(resumed, whole)
    assert names(tmp_path) == ["step-00000004", "step-00000011"]


def test_a_run_that_diverges_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Breaks:
        def __call__(
            self, model: nn.Module, batch: TokenBatch, generator: torch.Generator
        ) -> LossSum:
            loss = CausalLM()(model, batch, generator)
            broken = len(list_checkpoints(tmp_path)) == 2
            return LossSum(loss.total * float("nan"), 1) if broken else loss

    checkpoints = Checkpoints(tmp_path, every_steps=EVERY)
    with pytest.raises(TrainingDivergedError):
        train(make_model(), DATA, config_of(), objective=Breaks(), checkpoints=checkpoints)
    assert names(tmp_path) == ["step-00000003", "step-00000006"]
    assert read_checkpoint(tmp_path / "step-00000006").step == 6


@pytest.mark.parametrize(
    ("keep", "expected"), [(1, [11]), (2, [10, 11]), (3, [8, 10, 11]), (9, [2, 4, 6, 8, 10, 11])]
)
def test_the_newest_are_kept(tmp_path: Path, keep: int, expected: list[int]) -> None:
    train(
        make_model(), DATA, config_of(), checkpoints=Checkpoints(tmp_path, every_steps=2, keep=keep)
    )
    assert [read_checkpoint(path).step for path in list_checkpoints(tmp_path)] == expected


def test_settings_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"every_steps must be ≥ 0; got every_steps=-1\."):
        Checkpoints(tmp_path, every_steps=-1)
    with pytest.raises(ValueError, match=r"keep must be ≥ 1; got keep=0\."):
        Checkpoints(tmp_path, every_steps=0, keep=0)
    checkpoints = Checkpoints(str(tmp_path), every_steps=7)
    assert (checkpoints.folder, checkpoints.keep, checkpoints.resume) == (tmp_path, 2, False)


# --- what is not resumed ---


def test_a_new_run_does_not_mix_with_an_old_one(tmp_path: Path) -> None:
    die(tmp_path, config_of())
    state = make_state(make_model(), config_of())
    with pytest.raises(CheckpointError, match=r"already holds checkpoints, up to step-00000006"):
        Checkpoints(tmp_path, every_steps=3).load_into(state)
    assert names(tmp_path) == ["step-00000003", "step-00000006"]


@pytest.mark.parametrize("resume", [True, False])
def test_where_there_is_nothing_a_run_begins(tmp_path: Path, resume: bool) -> None:
    (tmp_path / ".step-00000003.new.partial").mkdir()  # killed while it wrote its first
    model, state = make_model(), make_state(make_model(), config_of())
    Checkpoints(tmp_path, every_steps=3, resume=resume).load_into(state)
    assert state.step == 0
    assert_same_model(state.model, model)


def refusal(folder: Path, config: TrainingConfig, model: nn.Module) -> str:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = make_state(model, config)
    with pytest.raises(CheckpointError) as caught:
        Checkpoints(folder, every_steps=3, resume=True).load_into(state)
    assert state.step == 0
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
    return str(caught.value)


def test_resume_with_other_settings_is_refused(tmp_path: Path) -> None:
    die(tmp_path, config_of())
    changed = config_of(n_steps=12, schedule=WarmupLinear(n_warmup=2))
    assert refusal(tmp_path, changed, make_model(seed=2)) == (
        f"{tmp_path / 'step-00000006'} must have the same settings as this run; 2 differ:\n"
        "  n_steps: 12 now; 11 there\n"
        "  schedule: WarmupLinear(n_warmup=2) now; WarmupCosine(n_warmup=2, final=0.1) there\n"
        "Resume with the same, or choose another folder for a new run."
    )


def test_resume_with_another_model_is_refused(tmp_path: Path) -> None:
    die(tmp_path, config_of())
    message = refusal(tmp_path, config_of(), make_model(vocab_size=11))
    assert "must have the same parameters as this run; 1 differ:\n" in message
    assert (
        "\n  tokens.weight: torch.float32 (11, 10) now; torch.float32 (13, 10) there\n" in message
    )
    message = refusal(tmp_path, config_of(), nn.Linear(2, 3))
    assert "\n  weight: torch.float32 (3, 2) now; none there\n" in message
    assert message.count("\n") == 1 + 5  # so many are listed of all that differ
    message = refusal(tmp_path, config_of(), make_model().double())
    assert "float64 (13, 10) now; torch.float32 (13, 10) there\n" in message


def test_resume_with_other_parts_frozen_is_refused(tmp_path: Path) -> None:
    die(tmp_path, config_of())
    model = make_model(seed=2)
    model.blocks.requires_grad_(False)
    message = refusal(tmp_path, config_of(), model)
    assert "must have trained the same parameters as this run, frozen ones apart; got: " in message


def test_a_schedule_that_is_a_function_can_be_resumed(tmp_path: Path) -> None:
    def halve(step: int, n_steps: int) -> float:
        return 0.5

    def again() -> Any:
        def halve(step: int, n_steps: int) -> float:
            return 0.5

        return halve

    halve.__qualname__ = again().__qualname__ = "halve"
    other = again()
    other.__qualname__ = "halve"
    assert repr(other) != repr(halve)
    die(tmp_path, config_of(schedule=halve))
    state = make_state(make_model(), config_of(schedule=other))
    Checkpoints(tmp_path, every_steps=3, resume=True).load_into(state)
    assert state.step == 6


# --- corrupt checkpoints, full disks ---


def cut(checkpoint: Path) -> None:
    file = checkpoint / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:-5])


@pytest.mark.parametrize("keep", [1, 2])
def test_resume_passes_over_a_corrupt_checkpoint(tmp_path: Path, keep: int) -> None:
    config, whole = config_of(), make_model()
    expected = train(whole, DATA, config)
    die(tmp_path, config, every_steps=2, keep=4)
    for step in (4, 6):
        cut(tmp_path / f"step-0000000{step}")
    resumed = make_model(seed=2)
    checkpoints = Checkpoints(tmp_path, every_steps=3, keep=keep, resume=True)
    with pytest.warns(UserWarning, match="is truncated") as caught:
        history = train(resumed, DATA, config, checkpoints=checkpoints)
    assert_point_here(caught)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    for step, message in zip((6, 4), messages, strict=True):
        bad = f"step-0000000{step}"
        assert message.startswith(f"{tmp_path / bad / 'optimizer.safetensors'} is truncated: ")
        assert message.endswith(f". It is now bad-{bad}. Resuming from step-00000002.")
    assert without_seconds(history) == without_seconds(expected)
    assert_same_model(resumed, whole)
    assert names(tmp_path)[:2] == ["bad-step-00000004", "bad-step-00000006"]
    assert names(tmp_path)[2:] == ["step-00000009", "step-00000011"][-keep:]


def test_when_all_are_corrupt_each_is_named(tmp_path: Path) -> None:
    die(tmp_path, config_of())
    for path in list_checkpoints(tmp_path):
        cut(path)
    message = refusal(tmp_path, config_of(), make_model())
    assert message.startswith(f"{tmp_path} must hold a good checkpoint to resume from; got:\n")
    lines = message.splitlines()
    assert "step-00000006/optimizer.safetensors is truncated" in lines[1]
    assert "step-00000003/optimizer.safetensors is truncated" in lines[2]
    assert lines[3] == "Choose another folder for a new run."
    assert names(tmp_path) == ["step-00000003", "step-00000006"]


def test_a_corrupt_checkpoint_that_cannot_be_renamed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(tmp_path, config_of())
    cut(tmp_path / "step-00000006")

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "rename", refused)
    state = make_state(make_model(), config_of())
    with pytest.warns(UserWarning, match=r"could not be renamed.* Resuming from step-00000003\."):
        Checkpoints(tmp_path, every_steps=3, resume=True).load_into(state)
    assert state.step == 3


def test_another_torch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "1.13.1")
    die(tmp_path, config_of())
    monkeypatch.undo()
    checkpoints = Checkpoints(tmp_path, every_steps=3, resume=True)
    with pytest.warns(UserWarning, match=r"with torch 1\.13\.1; this is .* may differ") as caught:
        history = train(make_model(), DATA, config_of(), checkpoints=checkpoints)
    assert_point_here(caught)
    assert len(history.losses) == N_STEPS
