from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from course_lib.finetuning.hf_rewriter import HuggingFaceRewriter, is_marian
from course_lib.pipelines import pipeline
from course_lib.tokenizers import WordPieceTokenizer
from tests.pipelines.tiny import PIECES

TEXTS = ["the cat sat on a mat.", "a dog", "who ran in rome? not the dog"]
SIZES = {"d_model": 24, "vocab_size": len(PIECES), "pad_token_id": 0}
LAYERS: dict[str, Any] = {
    f"{side}_{name}": number
    for side in ("encoder", "decoder")
    for name, number in (("layers", 2), ("attention_heads", 2), ("ffn_dim", 40))
}


def make_folder(folder: Path, kind: str) -> Path:
    WordPieceTokenizer(PIECES, lower=True).save(folder / "tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]",
        unk_token="[UNK]",
        bos_token="[CLS]",
        eos_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )
    tokenizer.save_pretrained(folder)
    ends = {"bos_token_id": 2, "eos_token_id": 3, "max_position_embeddings": 40}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any
        if kind == "bart":
            config = BartConfig(
                **SIZES, **LAYERS, **ends, decoder_start_token_id=3, forced_eos_token_id=None
            )
            model = BartForConditionalGeneration(config)
            model.generation_config.forced_bos_token_id = 2
            model.generation_config.num_beams = 3
            model.generation_config.no_repeat_ngram_size = 2
            model.generation_config.length_penalty = 2.0
        elif kind == "t5":
            more = {"d_kv": 12, "d_ff": 40, "num_layers": 2, "num_heads": 2}
            config = T5Config(**SIZES, **more, eos_token_id=3, decoder_start_token_id=0)
            model = T5ForConditionalGeneration(config)
        else:
            config = MarianConfig(**SIZES, **LAYERS, **ends, decoder_start_token_id=0)
            model = MarianMTModel(config)
        for parameter in model.parameters():
            parameter.data.normal_(std=0.3)
    model.generation_config.max_length = 9
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_it_writes_what_transformers_writes(tmp_path: Path, kind: str) -> None:
    rewriter = HuggingFaceRewriter(make_folder(tmp_path, kind), n_rows=2)
    model, tokenizer = rewriter.model, rewriter.tokenizer
    expected = []
    for text in TEXTS:
        batch = tokenizer(text, return_tensors="pt")
        start = model.config.decoder_start_token_id
        n_prompt = 2 if kind == "bart" else 1
        written = model.generate(
            **batch,
            max_length=None,
            max_new_tokens=9 + (n_prompt - 1),
            bad_words_ids=None if start == 3 else [[start]],
        )
        expected.append(tokenizer.decode(written[0], skip_special_tokens=True).strip())
    assert rewriter.predict(TEXTS) == expected
    assert any(expected)
    assert rewriter.predict([]) == []


def test_pipelines_open_what_is_not_marian_too(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "bart")
    assert not is_marian(folder)
    found = pipeline("summarization", folder, batch_size=2)(TEXTS)
    expected = HuggingFaceRewriter(folder).predict(TEXTS)
    assert [row["summary_text"] for row in found] == expected


def test_marian_is_ours(tmp_path: Path) -> None:
    assert is_marian(make_folder(tmp_path, "marian"))


def test_cuts_are_told(tmp_path: Path) -> None:
    rewriter = HuggingFaceRewriter(make_folder(tmp_path, "bart"))
    with pytest.warns(UserWarning, match="1 of 2 sources had more than 40 tokens"):
        assert len(rewriter.predict(["a dog", "cat " * 60])) == 2


def test_a_prefix_stands_before_every_source(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "bart")
    plain, prefixed = HuggingFaceRewriter(folder), HuggingFaceRewriter(folder, prefix="the ")
    assert prefixed.predict(["cat sat"]) == plain.predict(["the cat sat"])
