from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.hf_heads import load_head
from tests.pipelines.tiny import make_folder

IDS = torch.tensor([[2, 5, 6, 3, 7, 3], [2, 8, 3, 9, 3, 0]])
MASK = IDS != 0
SEGMENTS = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]])


def test_scores_are_those_of_transformers(tmp_path: Path) -> None:
    make_folder(tmp_path, "BertForSequenceClassification", num_labels=3)
    head = load_head(tmp_path, "AutoModelForSequenceClassification")
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    expected = theirs(input_ids=IDS, attention_mask=MASK.long(), token_type_ids=SEGMENTS).logits
    with torch.inference_mode():
        torch.testing.assert_close(head(IDS, MASK, SEGMENTS), expected)
        alone = theirs(input_ids=IDS[:1]).logits
        torch.testing.assert_close(head(IDS[:1]), alone)
    assert not head.training
    assert head.encoder.d_model == 24


def test_the_ends_of_answers_never_stand_in_padding(tmp_path: Path) -> None:
    make_folder(tmp_path, "BertForQuestionAnswering")
    head = load_head(tmp_path, "AutoModelForQuestionAnswering")
    theirs = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    out = theirs(input_ids=IDS, attention_mask=MASK.long(), token_type_ids=SEGMENTS)
    with torch.inference_mode():
        for ours, expected in zip(
            head(IDS, MASK, SEGMENTS), (out.start_logits, out.end_logits), strict=True
        ):
            torch.testing.assert_close(ours[MASK], expected[MASK])
            assert ours[1, 5] == -torch.inf


def test_a_folder_without_the_head_or_with_bad_weights_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bare", "BertModel")
    with pytest.raises(ValueError, match=r"must have the trained head .*qa_outputs"):
        load_head(folder, "AutoModelForQuestionAnswering")
    folder = make_folder(tmp_path / "nan", "BertForQuestionAnswering")
    tensors = load_file(folder / "model.safetensors")
    tensors["qa_outputs.bias"][0] = torch.nan
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"NaN or infinity in qa_outputs\.bias"):
        load_head(folder, "AutoModelForQuestionAnswering")
    with pytest.raises(WeightsNotFoundError, match="neither a folder nor"):
        load_head("no/such-model", "AutoModelForQuestionAnswering")
