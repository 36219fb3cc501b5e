"""Every recipe runs at a hundredth of its size and writes models that load."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from course_lib.models import Llama
from course_lib.tokenizers import BPETokenizer

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


def load_recipe(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"recipe_{name}", RECIPES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_story_gpt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_recipe("story_gpt").run(tmp_path, scale=0.01, resume=False)
    printed = capsys.readouterr().out
    for name, n_layers in (("story-gpt", 4), ("story-gpt-draft", 2)):
        model = Llama.from_pretrained(tmp_path / name)
        assert model.config.n_layers == n_layers
        tokenizer = BPETokenizer.load(tmp_path / name / "tokenizer.json")
        assert tokenizer.vocab_size <= model.config.vocab_size
        assert tokenizer.decode(tokenizer.encode("从前 once")) == "从前 once"
        for language in ("en", "zh"):
            assert f"{name}, {language}: " in printed
