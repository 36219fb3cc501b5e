import json
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from course_lib.errors import WeightsNotFoundError
from course_lib.models import GPT, GPTConfig, gpt_to_hf, load_tensors, loading
from course_lib.models.loading import (
    drop_tied,
    pretrained_folder,
    read_pretrained,
    require_settings,
    weight_files,
)

WEIGHT, BIAS = torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])


def write_model(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "toy"}', encoding="utf-8")
    save_file({"weight": WEIGHT, "bias": BIAS}, folder / "model.safetensors")
    return folder


def write_parts(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "toy"}', encoding="utf-8")
    places = {}
    for number, (name, tensor) in enumerate({"weight": WEIGHT, "bias": BIAS}.items(), start=1):
        places[name] = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensor}, folder / places[name])
    index = json.dumps({"metadata": {}, "weight_map": places})
    (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    return folder


@pytest.mark.parametrize("write", [write_model, write_parts])
def test_reads_a_folder(write, tmp_path: Path) -> None:
    for name in (write(tmp_path), str(tmp_path)):
        settings, tensors = read_pretrained(name)
        assert settings == {"model_type": "toy"}
        assert tensors.keys() == {"weight", "bias"}
        assert torch.equal(tensors["weight"], WEIGHT)
        assert torch.equal(tensors["bias"], BIAS)


def test_reads_what_transformers_cut_into_parts(tmp_path: Path) -> None:
    sizes = GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7)
    model = GPT(sizes).eval()
    gpt_to_hf(model).save_pretrained(tmp_path, max_shard_size="4KB")
    assert len(weight_files(tmp_path)) > 1
    ids = torch.tensor([[4, 9, 2]])
    assert torch.equal(GPT.from_pretrained(tmp_path)(ids), model(ids))


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    write_parts(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ValueError, match=r"missing: \['model-00002-of-00002.safetensors'\]"):
        read_pretrained(tmp_path)


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_a_pickle_is_never_opened(pickle: str, tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / pickle)
    with pytest.raises(ValueError, match=r"got only a pickle.*save_pretrained\(folder\)"):
        read_pretrained(tmp_path)


def test_a_pickle_beside_safetensors_does_not_matter(tmp_path: Path) -> None:
    (write_model(tmp_path) / "pytorch_model.bin").write_bytes(b"anything")
    assert read_pretrained(tmp_path)[1].keys() == {"weight", "bias"}


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (write_model(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"must hold model.safetensors .*got \['config.json'\]"):
        read_pretrained(tmp_path)


def test_a_folder_without_settings_is_refused(tmp_path: Path) -> None:
    (write_model(tmp_path) / "config.json").unlink()
    with pytest.raises(ValueError, match=r"must hold config.json; got \['model.safetensors'\]"):
        read_pretrained(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (write_model(tmp_path) / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ValueError, match=r"model.safetensors must be a safetensors file; got: "):
        read_pretrained(tmp_path)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local cache of the hub; returns the folder of one model in it."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--ada--toy"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    return repository / "snapshots" / "abc"


@pytest.mark.parametrize("write", [write_model, write_parts])
def test_a_name_in_the_cache_needs_no_network(
    write, hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(hub_cache)
    monkeypatch.setattr(loading, "why_hub_unreachable", lambda: pytest.fail("asked"))
    assert pretrained_folder("ada/toy") == hub_cache
    assert read_pretrained("ada/toy")[1].keys() == {"weight", "bias"}


def test_a_name_that_is_nowhere_says_what_to_do(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "why_hub_unreachable", lambda: "the cable is out")
    message = "ada/toy is neither a folder nor in the hub's local cache, .*: the cable is out. Run"
    with pytest.raises(WeightsNotFoundError, match=message):
        pretrained_folder("ada/toy")
    hub_cache.mkdir(parents=True)
    (hub_cache / "config.json").write_text("{}", encoding="utf-8")  # settings alone are not enough
    with pytest.raises(WeightsNotFoundError, match=message):
        pretrained_folder("ada/toy")


@pytest.mark.usefixtures("hub_cache")
def test_a_mistyped_folder_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match="is not a folder, and cannot be a name"):
        pretrained_folder(tmp_path / "no" / "such" / "folder")


@pytest.mark.usefixtures("hub_cache")
def test_the_hub_is_asked_for_safetensors_and_the_tokenizer_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = {}

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked[name] = allow_patterns
        return str(write_model(tmp_path / "new"))

    monkeypatch.setattr(loading, "why_hub_unreachable", lambda: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert pretrained_folder("ada/toy") == tmp_path / "new"
    assert asked == {
        "ada/toy": [
            "config.json",
            "model.safetensors",
            "model.safetensors.index.json",
            "model-*-of-*.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
            "vocab.json",
            "merges.txt",
        ]
    }


@pytest.mark.usefixtures("hub_cache")
def test_a_failed_download_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such repository")

    monkeypatch.setattr(loading, "why_hub_unreachable", lambda: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    message = r"ada/toy could not be downloaded \(no such repository\)"
    with pytest.raises(WeightsNotFoundError, match=message):
        pretrained_folder("ada/toy")


def test_tensors_are_copied_in_the_model_s_own_format() -> None:
    model, weight = nn.Linear(2, 1).double(), WEIGHT.clone()
    load_tensors(model, {"weight": weight, "bias": BIAS})
    weight.zero_()
    assert model.weight.tolist() == [[1.0, 2.0]]
    assert model.bias.tolist() == [3.0]
    assert model.weight.dtype == torch.float64
    assert model.weight.requires_grad


def test_buffers_are_loaded_too() -> None:
    model = nn.BatchNorm1d(2)
    load_tensors(model, {name: torch.full_like(t, 7) for name, t in model.state_dict().items()})
    assert model.running_mean is not None
    assert model.running_mean.tolist() == [7.0, 7.0]


def test_all_misfits_are_listed_and_nothing_is_loaded() -> None:
    model = nn.Linear(2, 1)
    before = model.bias.item()
    message = (
        "tensors must fit Linear; got:\n"
        "  missing: weight\n"
        "  unexpected: wait\n"
        "  unexpected: scale\n"
        r"  bias must have the shape \(1,\); got \(1, 1\)$"
    )
    with pytest.raises(ValueError, match=message):
        load_tensors(model, {"wait": WEIGHT, "scale": BIAS, "bias": BIAS[None]})
    with pytest.raises(ValueError, match=r"missing: weight$"):
        load_tensors(model, {"bias": BIAS})
    assert model.bias.item() == before


def test_settings_we_cannot_compute_are_all_listed() -> None:
    supported = {"kind": ("toy",), "act": ("relu", "gelu"), "bias": (False,)}
    require_settings({"kind": "toy", "act": "gelu", "other": 3}, supported)
    message = (
        r"  kind must be one of \['toy'\]; got 'cat'"
        "\n"
        r"  act must be one of \['relu', 'gelu'\]; got 'silu'$"
    )
    with pytest.raises(ValueError, match=message):
        require_settings({"kind": "cat", "act": "silu"}, supported)


def test_a_second_copy_is_dropped_and_another_table_refused() -> None:
    tensors = {"table": WEIGHT, "twin": WEIGHT.clone(), "other": BIAS}
    drop_tied(tensors, "twin", "table")
    assert tensors.keys() == {"table", "other"}
    drop_tied(tensors, "twin", "table")
    with pytest.raises(ValueError, match=r"other must equal table \(tied weights\)"):
        drop_tied(tensors, "other", "table")
    alone = {"twin": BIAS}  # without the table, load_tensors will say what is missing
    drop_tied(alone, "twin", "table")
    assert alone == {}
