"""The tables of docs/scaling.md are up to date, and their formulas are those of our models."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from course_lib.data.batches import TokenBatch
from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig, gpt2_small
from course_lib.nn import attention
from course_lib.training import CausalLM, checkpoint_blocks
from course_lib.training.precision import autocast

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import render_scaling  # noqa: E402

N_ROWS, N_TOKENS = 3, 61


def kept_bytes(model: GPT | Llama, n_bits: int) -> float:
    """Count what the forward pass keeps for the backward pass, but weights and copies of them."""
    weights = {tensor.data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and storage.nbytes() not in copies:
            kept[storage.data_ptr()] = tensor
        return tensor

    copies = {2 * p.numel() for p in model.parameters()} if n_bits == 16 else set()
    batch = TokenBatch(
        torch.zeros(N_ROWS, N_TOKENS + 1, dtype=torch.long),
        torch.ones(N_ROWS, N_TOKENS + 1, dtype=torch.bool),
    )
    precision = autocast(torch.device("cpu"), "bfloat16" if n_bits == 16 else "float32")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), precision:
        CausalLM()(model, batch, torch.Generator())
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def make_model(kind: str, n_layers: int) -> GPT | Llama:
    sizes: dict[str, Any] = {"vocab_size": 67, "max_len": N_TOKENS, "d_model": 96, "n_heads": 4}
    if kind == "gpt":
        return GPT(GPTConfig(**sizes, d_ff=208, n_layers=n_layers))
    return Llama(LlamaConfig(**sizes, n_kv_heads=2, d_ff=208, n_layers=n_layers))


@pytest.mark.parametrize("n_bits", [16, 32])
@pytest.mark.parametrize("kind", ["gpt", "llama"])
@pytest.mark.parametrize("recompute", [False, True])
def test_a_block_keeps_what_the_formula_says(
    kind: str, n_bits: int, recompute: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a GPU: on a CPU, short texts in 16 bits are faster without the fused kernel.
    monkeypatch.setattr(attention, "_is_faster_written_out", lambda *_: False)
    models = [make_model(kind, n_layers) for n_layers in (1, 3)]
    formula = [render_scaling.activation_bytes(model.config, n_bits, recompute) for model in models]
    if recompute:
        for model in models:
            checkpoint_blocks(model)
    one, three = (kept_bytes(model, n_bits) / (N_ROWS * N_TOKENS) for model in models)
    assert (three - one) / 2 == pytest.approx((formula[1] - formula[0]) / 2, rel=0.02)


def test_logits_are_counted_by_hand() -> None:
    formula = render_scaling.activation_bytes(gpt2_small(), 16, recompute=False)
    assert formula == 12 * 36 * 768 + 4 * 50257


def test_what_fits_by_hand() -> None:
    assert render_scaling._fits(10e9, 8e9, 0.3e9) == "3"  # 9 GB are usable
    assert render_scaling._fits(10e9, 9.5e9, 0.3e9) == "–"
    assert render_scaling._fits(10e9, 1e9, 1e3) == "> 999"


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert page == render_scaling.render(page), "run: python tools/render_scaling.py"


def test_check_fails_on_an_old_page(monkeypatch, tmp_path, capsys) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "scaling.md").write_text(page.replace("| T4 |", "| T5 |"))
    monkeypatch.setattr(render_scaling, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["render_scaling.py", "--check"])
    assert render_scaling.main() == 1
    assert "out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["render_scaling.py"])
    assert render_scaling.main() == 0
    assert (tmp_path / "docs" / "scaling.md").read_text(encoding="utf-8") == page
