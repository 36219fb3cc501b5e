import json
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.errors import DigestMismatchError, RecordRefusedError
from course_lib.lesson import recorded as module
from course_lib.lesson import work_folder
from course_lib.lesson.recorded import Recorded, load_recorded, record
from course_lib.scale import Scale

CUDA, CPU = torch.device("cuda"), torch.device("cpu")
RESULT = {"loss_nats": [3.5, 2.25], "n_tokens": 1000, "model": "small"}


@pytest.fixture
def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA device, as far as the record can tell; what it writes stays in the test's folder."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Toy GPU")


@pytest.mark.usefixtures("pretend_gpu")
@pytest.mark.parametrize("scale", [Scale.T4, Scale.FULL])
def test_a_record_is_found_again(scale: Scale) -> None:
    done = record("05-pretraining", RESULT, scale=scale, device=CUDA)
    found = load_recorded("05-pretraining")
    assert found == done
    assert found.measured
    assert found.result == RESULT
    assert (found.device, found.scale) == ("Toy GPU", scale.value)
    assert found.versions["torch"] == torch.__version__
    assert str(found).startswith("05-pretraining: recorded on 20")
    assert f"with Toy GPU, scale {scale}" in str(found)
    assert "not computed here" in str(found)


@pytest.mark.usefixtures("pretend_gpu")
def test_a_record_that_was_altered_is_refused() -> None:
    record("05-pretraining", RESULT, scale=Scale.FULL, device=CUDA)
    path = work_folder() / "recorded" / "05-pretraining.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    for change in ({"result": {"loss_nats": 1.0}}, {"device": "Better GPU"}, {"digest": "00"}):
        path.write_text(json.dumps({**stored, **change}), encoding="utf-8")
        with pytest.raises(DigestMismatchError, match=r"05-pretraining\.json was altered"):
            load_recorded("05-pretraining")


@pytest.mark.usefixtures("pretend_gpu")
def test_the_courses_record_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record("05-pretraining", {"loss": 1.0}, scale=Scale.FULL, device=CUDA)
    own = work_folder() / "recorded" / "05-pretraining.json"
    theirs = own.rename(tmp_path / "theirs.json")
    record("05-pretraining", {"loss": 2.0}, scale=Scale.FULL, device=CUDA)
    assert load_recorded("05-pretraining").result == {"loss": 2.0}
    monkeypatch.setattr(module, "data_path", lambda relative: theirs)
    assert load_recorded("05-pretraining").result == {"loss": 1.0}


@pytest.mark.parametrize(
    ("scale", "device", "message"),
    [
        (Scale.FULL, CPU, "on a CUDA GPU; this ran on cpu"),
        (Scale.DRY, CPU, "on a CUDA GPU"),
        (Scale.SMALL, CUDA, "at scale t4 or full; got small"),
        (Scale.DRY, CUDA, "at scale t4 or full; got dry"),
    ],
)
@pytest.mark.usefixtures("pretend_gpu")
def test_only_gpu_runs_at_full_size_are_recorded(
    scale: Scale, device: torch.device, message: str
) -> None:
    with pytest.raises(RecordRefusedError, match=f"x must be measured {message}"):
        record("x", RESULT, scale=scale, device=device)
    assert not work_folder().exists()


def test_the_word_cuda_is_not_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecordRefusedError, match="on a CUDA GPU"):
        record("x", RESULT, scale=Scale.FULL, device=CUDA)


@pytest.mark.parametrize(
    ("name", "result", "message"),
    [
        ("Upper", RESULT, "name must be small letters, digits and hyphens; got name='Upper'"),
        ("../x", RESULT, "name must be"),
        ("x", {}, "with something in it; got {}"),
        ("x", [1], "must be a dictionary"),
        ("x", {"loss": float("nan")}, "plain numbers"),
        ("x", {"loss": torch.ones(1)}, "plain numbers"),
    ],
)
@pytest.mark.usefixtures("pretend_gpu")
def test_malformed_records_are_refused(name: str, result: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(name, result, scale=Scale.FULL, device=CUDA)


def test_what_is_not_measured_is_said_to_be_so() -> None:
    found = load_recorded("05-nothing")
    assert found == Recorded(name="05-nothing")
    assert not found.measured
    assert found.result == {}
    assert str(found) == "05-nothing: not yet measured on a GPU."


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "recorded").glob("*.json")))
def test_the_courses_records_are_what_was_measured(path: Path) -> None:
    found = load_recorded(path.stem)
    assert found.measured
    assert found.name == path.stem
    assert found.scale in (Scale.T4, Scale.FULL)
    assert found.device
