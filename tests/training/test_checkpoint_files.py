import hashlib
import json
import os
import pickle
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_lib.errors import CheckpointError
from course_lib.training import checkpoint_files
from course_lib.training.checkpoint_files import (
    FORMAT,
    list_checkpoints,
    newest_good,
    prune,
    read_checkpoint,
    set_aside,
    write_checkpoint,
)

META = {"losses": [0.1, 1 / 3, 5e-324], "note": "Größe ünd 大小", "nothing": None, "deep": [[1]]}


def tensors_of(step: int) -> dict[str, dict[str, Tensor]]:
    return {
        "model": {"weight": torch.arange(15.0).reshape(3, 5) + step, "bias": torch.zeros(3)},
        "rng": {"torch": torch.tensor([step % 251, 7], dtype=torch.uint8)},
    }


def write(folder: Path, *steps: int) -> list[Path]:
    return [write_checkpoint(folder, step, tensors_of(step), META) for step in steps]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    return str(caught.value)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "deep" / "run", 123, tensors_of(123), META)
    assert path == tmp_path / "deep" / "run" / "step-00000123"
    assert names(path) == ["checkpoint.json", "model.safetensors", "rng.safetensors"]
    found = read_checkpoint(path)
    assert found.step == 123
    assert found.meta == META
    assert found.versions == {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "course_lib": version("course-lib"),
    }
    assert found.tensors.keys() == {"model", "rng"}
    for group, tensors in tensors_of(123).items():
        assert found.tensors[group].keys() == tensors.keys()
        for name, tensor in tensors.items():
            torch.testing.assert_close(found.tensors[group][name], tensor, rtol=0, atol=0)


def test_the_files_are_plain_safetensors_and_json(tmp_path: Path) -> None:
    [path] = write(tmp_path, 5)
    loaded = load_file(path / "model.safetensors")
    torch.testing.assert_close(loaded, tensors_of(5)["model"], rtol=0, atol=0)
    manifest = json.loads((path / "checkpoint.json").read_text())
    content = (path / "rng.safetensors").read_bytes()
    assert manifest["files"]["rng"] == {
        "n_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert (manifest["format"], manifest["step"], manifest["meta"]) == (FORMAT, 5, META)
    digest = manifest.pop("sha256")
    assert digest == hashlib.sha256(json.dumps(manifest).encode()).hexdigest()


NUMBERS = [torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.uint32, torch.bool]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 5)])
def test_every_kind_of_tensor_comes_back(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    tensor = torch.full(shape, 1).to(dtype)
    path = write_checkpoint(tmp_path, 0, {"model": {"x": tensor}, "empty": {}}, {})
    found = read_checkpoint(path).tensors
    assert found["empty"] == {}
    assert found["model"]["x"].dtype == dtype
    assert found["model"]["x"].shape == shape
    assert torch.equal(found["model"]["x"], tensor)


def test_tensors_that_share_memory_or_lie_askew_come_back_apart(tmp_path: Path) -> None:
    table = torch.randn(5, 3, requires_grad=True)
    shared = {"table": table, "twin": table, "turned": table.mT, "row": table[2]}
    found = read_checkpoint(write_checkpoint(tmp_path, 1, {"model": shared}, {})).tensors["model"]
    for name, tensor in shared.items():
        assert torch.equal(found[name], tensor)
    found["table"].zero_()
    assert torch.equal(found["twin"], table)


def test_what_was_read_is_no_window_into_the_file(tmp_path: Path) -> None:
    [path] = write(tmp_path, 1)
    read_checkpoint(path).tensors["model"]["weight"].zero_()
    assert torch.equal(read_checkpoint(path).tensors["model"]["weight"][0], torch.arange(5.0) + 1)


def test_a_second_write_of_a_step_takes_the_place_of_the_first(tmp_path: Path) -> None:
    [path] = write(tmp_path, 3)
    write_checkpoint(tmp_path, 3, {"model": {"new": torch.ones(2)}}, {"again": True})
    assert read_checkpoint(path).meta == {"again": True}
    assert names(path) == ["checkpoint.json", "model.safetensors"]
    assert names(tmp_path) == ["step-00000003"]


def test_steps_and_names_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"step must be ≥ 0; got step=-1\."):
        write_checkpoint(tmp_path, -1, {}, {})
    for group in ("", "Model", "../model", "a/b", "1a"):
        with pytest.raises(ValueError, match=r"like 'model' or 'rng'; got '"):
            write_checkpoint(tmp_path, 1, {group: {}}, {})
    with pytest.raises(ValueError, match=r"keep must be ≥ 1; got keep=0\."):
        prune(tmp_path, 0)
    assert names(tmp_path) == []


# --- order on the disk ---


def test_all_is_on_the_disk_before_the_name_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        events.append("sync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def noted_rename(source: Path, target: Path) -> None:
        events.append(f"rename {Path(source).name} {Path(target).name}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    write(tmp_path / "run", 2)
    partial = ".step-00000002.new.partial"
    assert events == [
        "sync model.safetensors",
        "sync rng.safetensors",
        "sync checkpoint.json",
        f"sync {partial}",
        f"rename {partial} step-00000002",
        "sync run",
    ]


def test_on_windows_folders_are_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(checkpoint_files.os, "open", lambda path, flags: opened.append(path))
    path = tmp_path / "folder"
    monkeypatch.setattr(os, "name", "nt")
    checkpoint_files._sync_folder(path)
    monkeypatch.undo()
    assert opened == []


def test_a_killed_write_leaves_a_leftover_that_the_next_one_removes(tmp_path: Path) -> None:
    write(tmp_path, 1)
    for kind in ("new", "old"):
        leftover = tmp_path / f".step-00000002.{kind}.partial"
        leftover.mkdir()
        (leftover / "model.safetensors").write_bytes(b"half")
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000001"]
    write(tmp_path, 2)
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


# --- listing, choosing, pruning ---


def test_checkpoints_are_listed_by_step(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "nowhere") == []
    assert newest_good(tmp_path / "nowhere") == (None, [])
    paths = write(tmp_path, 123456789, 7, 99999999)
    (tmp_path / "step-12").mkdir()
    (tmp_path / "bad-step-00000009").mkdir()
    (tmp_path / "step-00000008.txt").touch()
    assert list_checkpoints(tmp_path) == [paths[1], paths[2], paths[0]]
    assert newest_good(tmp_path) == (paths[0], [])


def test_pruning_keeps_the_newest(tmp_path: Path) -> None:
    paths = write(tmp_path, 2, 3, 5, 7, 11)
    assert prune(tmp_path, 2) == paths[:3]
    assert names(tmp_path) == ["step-00000007", "step-00000011"]
    assert prune(tmp_path, 2) == []
    assert prune(tmp_path, 5) == []
    assert prune(tmp_path, 1) == [paths[3]]
    assert newest_good(tmp_path) == (paths[4], [])


def test_a_checkpoint_that_was_set_aside_is_not_listed(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        [path] = write(tmp_path, 4)
        (path / "note").write_bytes(content)
        aside = set_aside(path)
    assert list_checkpoints(tmp_path) == []
    assert aside == tmp_path / "bad-step-00000004"
    assert (aside / "note").read_bytes() == b"second"
    assert names(tmp_path) == ["bad-step-00000004"]


# --- corrupt checkpoints ---


class Loud:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os._exit, (3,)  # pyright: ignore[reportReturnType]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-2] ^= 16
    file.write_bytes(bytes(content))


def flip_in_header(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[9] ^= 16
    file.write_bytes(bytes(content))


def swap(file: Path) -> None:
    shutil.copy(file.parents[1] / "step-00000002" / file.name, file)


def of_another_run(file: Path) -> None:
    save_file({"weight": torch.ones(3, 5), "bias": torch.ones(3)}, file, {"step": "3"})


def without_a_step(file: Path) -> None:
    save_file({"weight": torch.ones(3, 5), "bias": torch.ones(30)}, file)


def plain_pickle(file: Path) -> None:
    file.write_bytes(pickle.dumps(Loud()))


def torch_pickle(file: Path) -> None:
    torch.save({"weight": torch.ones(3, 5)}, file)


def text(file: Path) -> None:
    file.write_text("<html>not found, but said politely</html>")


DAMAGES = [
    (cut, r"/model.safetensors is truncated: it must have \d+ bytes; got \d+\."),
    (lambda file: file.write_bytes(b""), r"safetensors is truncated: .* bytes; got 0\."),
    (lambda file: file.write_bytes(bytes(8)), r"safetensors is truncated: .* bytes; got 8\."),
    (flip, r"/model.safetensors is altered, or of another run: it must have sha256 [0-9a-f]{64}\."),
    (flip_in_header, r"/model.safetensors is altered, or of another run: it must have sha256"),
    (Path.unlink, r"/model.safetensors is missing\."),
    (
        swap,
        r"/model.safetensors is of another checkpoint: it must be of step 3; got step 2\.",
    ),
    (of_another_run, r"/model.safetensors is altered, or of another run: it must have sha256"),
    (without_a_step, r"safetensors is of another checkpoint: .* of step 3; got step unknown\."),
    (plain_pickle, r"/model.safetensors is a pickle, not safetensors; it was not opened"),
    (torch_pickle, r"/model.safetensors is a pickle, not safetensors; it was not opened"),
    (text, r"/model.safetensors is not a safetensors file\."),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_a_corrupt_file_is_refused_and_the_good_one_named(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    _, good, bad = write(tmp_path, 1, 2, 3)
    damage(bad / "model.safetensors")
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(bad)
    assert str(caught.value).startswith(str(bad / "model.safetensors"))
    advice = f" The newest good checkpoint in {tmp_path} is step-00000002."
    assert str(caught.value).endswith(advice)
    found, problems = newest_good(tmp_path)
    assert found == good
    assert problems == [str(caught.value).removesuffix(advice)]


def test_of_several_corrupt_ones_each_is_named(tmp_path: Path) -> None:
    paths = write(tmp_path, 1, 2, 3)
    for path in paths[1:]:
        cut(path / "rng.safetensors")
    found, problems = newest_good(tmp_path)
    assert found == paths[0]
    assert [problem.split("/rng")[0] for problem in problems] == [str(paths[2]), str(paths[1])]
    flip(paths[0] / "rng.safetensors")
    assert newest_good(tmp_path)[0] is None
    assert refusal(paths[1]).endswith(f" There is no good checkpoint in {tmp_path}.")


def test_a_corrupt_or_foreign_manifest_is_refused(tmp_path: Path) -> None:
    _, path = write(tmp_path, 2, 3)
    file = path / "checkpoint.json"
    written = file.read_text()
    assert '"step": 3' in written
    for content, message in [
        (written[: len(written) // 2], "is truncated or altered: "),
        (written.replace('"step": 3', '"step": 4'), "is altered: it does not have the sha256"),
        (written.replace("0.1", "0.10"), "is altered: it does not have the sha256"),
        (written[:-1], "is altered: it does not have the sha256"),
        ('{"epoch": 3, "global_step": 7}', "is of another program or another version of this"),
        ("[1, 2]", f"it must have the format {FORMAT!r}."),
        (written.replace(FORMAT, FORMAT.replace("1", "2")), "another version of this one"),
    ]:
        file.write_text(content)
        assert refusal(path).startswith(f"{file} ")
        assert message in refusal(path)
        assert refusal(path).endswith(
            f" The newest good checkpoint in {tmp_path} is step-00000002."
        )
    file.unlink()
    assert refusal(path).startswith(f"{file} is missing. ")


def test_a_corrupt_folder_name_is_refused_and_a_free_one_is_not(tmp_path: Path) -> None:
    [path] = write(tmp_path, 3)
    best = path.rename(tmp_path / "best")
    assert read_checkpoint(best).step == 3
    other = best.rename(tmp_path / "step-00000004")
    message = "is of another checkpoint: it must be of step 4; got step 3. There is no good"
    assert message in refusal(other)


def test_a_pickle_with_corrupt_digests_to_match_is_not_opened(tmp_path: Path) -> None:
    [path] = write(tmp_path, 3)
    for damage, message in [(plain_pickle, "is a pickle"), (text, "is not a safetensors file")]:
        damage(path / "model.safetensors")
        manifest = json.loads((path / "checkpoint.json").read_text())
        content = (path / "model.safetensors").read_bytes()
        manifest["files"]["model"]["sha256"] = hashlib.sha256(content).hexdigest()
        del manifest["sha256"]
        rendered = checkpoint_files._manifest_text(manifest)
        (path / "checkpoint.json").write_text(rendered)
        assert message in refusal(path)


def test_a_corrupt_disk_is_reported(tmp_path: Path) -> None:
    [path] = write(tmp_path, 3)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").mkdir()
    assert "model.safetensors cannot be read: " in refusal(path)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_corrupt_byte_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    [path] = write(tmp_path, 3)
    file = path / data.draw(st.sampled_from(names(path)))
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(bytes(content))
    assert refusal(path).startswith(f"{file} ")
