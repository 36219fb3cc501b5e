from pathlib import Path

import pytest
from transformers import pipeline as their_pipeline

from course_lib.pipelines import FillMaskPipeline, pipeline
from tests.pipelines.tiny import make_folder

TEXTS = ["the cat [MASK] on a mat.", "a [MASK] ran in rome.", "[MASK] is not good"]


@pytest.fixture(scope="module", params=["bert", "distilbert"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    if request.param == "bert":
        return make_folder(path, "BertForMaskedLM")
    import torch
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    from tests.pipelines.tiny import PIECES, make_tokenizer

    make_tokenizer(path)
    config = DistilBertConfig(vocab_size=len(PIECES), dim=24, n_layers=1, n_heads=2, hidden_dim=40)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        DistilBertForMaskedLM(config).save_pretrained(path)
    return path


def test_it_fills_what_transformers_fills(folder: Path) -> None:
    fill: FillMaskPipeline = pipeline("fill-mask", folder)
    theirs = their_pipeline("fill-mask", model=str(folder))
    found = fill(TEXTS, top_k=3)
    for ours, expected in zip(found, theirs(TEXTS, top_k=3), strict=True):
        assert [row["token"] for row in ours] == [row["token"] for row in expected]
        assert [row["token_str"] for row in ours] == [row["token_str"] for row in expected]
        scores = [row["score"] for row in expected]
        assert [row["score"] for row in ours] == pytest.approx(scores, abs=1e-5)
        assert [row["sequence"].replace(" ", "") for row in ours] == [
            row["sequence"].replace(" ", "") for row in expected
        ]
    assert fill(TEXTS[0], top_k=3) == found[0]


def test_a_text_needs_one_gap(folder: Path) -> None:
    fill: FillMaskPipeline = pipeline("fill-mask", folder)
    with pytest.raises(ValueError, match="got it 0 times"):
        fill("a cat")
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        found = fill(["a [MASK] [MASK]", TEXTS[0]])
    assert "got it 2 times" in found[0]["error"]
    assert len(found[1]) == 5
    with pytest.raises(ValueError, match="n_best must be from 1"):
        fill(TEXTS[0], top_k=0)
    with pytest.raises(ValueError, match="more than white space"):
        fill(" ")


def test_only_masked_language_models() -> None:
    with pytest.raises(ValueError, match="must fill gaps, as 'mini-bert' does; got 'story-gpt'"):
        pipeline("fill-mask", "story-gpt")
