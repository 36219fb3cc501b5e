"""A disk that is full, a folder that may not be written to: the run and old checkpoints stay."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.data.batches import PackedBatches
from course_lib.errors import CheckpointError
from course_lib.models import GPT, GPTConfig
from course_lib.training import History, TrainingConfig, train
from course_lib.training.checkpoint_files import prune, read_checkpoint, set_aside, write_checkpoint
from course_lib.training.checkpoints import Checkpoints

DATA = PackedBatches(torch.arange(401) * 7 % 13, n_rows=3, n_tokens=7, seed=5)
CONFIG = TrainingConfig(n_steps=11)


def write(folder: Path, step: int) -> Path:
    return write_checkpoint(folder, step, {"model": {"weight": torch.ones(3)}, "rng": {}}, {})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(*_: object) -> None:  # not by chmod, which does not stop an administrator
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


class FillingDisk:
    """Has room for so many more files; -1: for any number."""

    def __init__(self) -> None:
        self.n_left, self.fsync = -1, os.fsync

    def sync(self, descriptor: int) -> None:
        if self.n_left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.n_left -= 1
        self.fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FillingDisk]:
    filling = FillingDisk()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", filling.sync)
        yield filling


@pytest.mark.parametrize("n_left", range(4))
def test_a_full_disk_leaves_the_old_ones_untouched(
    tmp_path: Path, disk: FillingDisk, n_left: int
) -> None:
    old = write(tmp_path, 1)
    disk.n_left = n_left
    with pytest.raises(CheckpointError, match=r"No space left .* Free some space") as caught:
        write(tmp_path, 2)
    assert f"the checkpoint of step 2 could not be written to {tmp_path}: " in str(caught.value)
    assert names(tmp_path) == ["step-00000001"]
    assert read_checkpoint(old).step == 1
    disk.n_left = -1
    write(tmp_path, 2)
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_a_disk_that_fails_after_the_rename_leaves_a_whole_checkpoint(
    tmp_path: Path, disk: FillingDisk
) -> None:
    disk.n_left = 4  # two groups, checkpoint.json and the folder, but not the folder above
    with pytest.raises(CheckpointError, match=r"of step 2 could not be written to"):
        write(tmp_path, 2)
    assert read_checkpoint(tmp_path / "step-00000002").step == 2


def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = write(tmp_path, 1), write(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", refused)
        with pytest.raises(CheckpointError, match=r"Permission denied.* choose another folder"):
            write(tmp_path, 3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refused)
        with pytest.raises(CheckpointError, match=r"old checkpoints could not be removed from"):
            prune(tmp_path, 1)
        with pytest.raises(CheckpointError, match=r"step-00000002 could not be renamed: "):
            set_aside(new)
    assert [read_checkpoint(path).step for path in (old, new)] == [1, 2]
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"of step 2 could not be written to"):
        write(tmp_path / "file", 2)


def test_an_interrupted_write_is_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, 2)
    assert names(tmp_path) == []


# --- in a training run ---


class FreesSpace:
    """Somebody removes files after step 8."""

    def __init__(self, disk: FillingDisk) -> None:
        self.disk = disk

    def update(
        self, step: int, n_steps: int, loss: float, tokens_per_second: float, memory_bytes: int
    ) -> None:
        if step == 8:
            self.disk.n_left = -1


def make_model() -> GPT:
    torch.manual_seed(1)
    settings = GPTConfig(vocab_size=13, max_len=7, d_model=10, n_heads=2, n_layers=1, dropout=0.1)
    return GPT(settings)


def without_seconds(history: History) -> dict[str, Any]:
    return {**json.loads(history.to_json()), "seconds": len(history.seconds)}


def test_a_full_disk_does_not_end_the_run(tmp_path: Path, disk: FillingDisk) -> None:
    whole, model = make_model(), make_model()
    torch.manual_seed(2)
    expected = train(whole, DATA, CONFIG)
    disk.n_left = 3
    torch.manual_seed(2)
    with pytest.warns(UserWarning, match="No space left") as caught:
        history = train(
            model,
            DATA,
            CONFIG,
            checkpoints=Checkpoints(tmp_path / "run", every_steps=3),
            progress=FreesSpace(disk),
        )
    for step, warning in zip((3, 6), caught, strict=True):
        message = str(warning.message)
        if not hasattr(train, "__wrapped__"):  # checking shapes at run time adds frames
            assert warning.filename == __file__
        assert message.startswith(f"the checkpoint of step {step} could not be written to ")
        assert "No space left on device. Free some space" in message
        assert message.endswith("Training goes on; the next save tries again.")
    assert without_seconds(history) == without_seconds(expected)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    assert names(tmp_path / "run") == ["step-00000009", "step-00000011"]


def test_a_folder_that_cannot_be_made_does_not_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    checkpoints = Checkpoints(tmp_path / "file" / "run", every_steps=0)
    with pytest.warns(UserWarning, match=r"could not be written to .* or choose another folder"):
        history = train(make_model(), DATA, CONFIG, checkpoints=checkpoints)
    assert history.stopped_by == "n_steps"
