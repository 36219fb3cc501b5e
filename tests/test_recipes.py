"""Every recipe runs at a hundredth of its size and writes models that load and can be shipped."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BertForMaskedLM, MarianMTModel

from course_lib.cli.recipe import load_recipe
from course_lib.data.batches import PackedBatches, pad_texts
from course_lib.data.stories import stream_stories
from course_lib.models import BERT, BERTConfig, EncoderDecoder, Llama, LlamaConfig, load_checkpoint
from course_lib.models.shipped import DIGESTS
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import MaskedLM
from recipes._mixture import Mixture
from recipes._starting import start_as_copiers, start_as_neighbours
from recipes.mini_bert import AtChosen
from recipes.story_translator import passages

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
PARTS_OF_THE_MIX = ("wikipedia-excerpt", "stories-en", "stories-zh", "cmrc2018")


@pytest.fixture
def small_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the corpora only those that are quickly read, and Chinese passages made for this."""
    articles = [
        {"title": str(i), "paragraphs": [{"context": f"第{i}篇文章。" * 9, "qas": [question(i)]}]}
        for i in range(200)
    ]
    folder = tmp_path / "mirror" / "cmrc2018"
    folder.mkdir(parents=True)
    (folder / "cmrc2018_trial.json").write_text(json.dumps({"data": articles}), "utf-8")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mirror"))
    monkeypatch.setattr("recipes._mixture.CORPORA", {"wikipedia-excerpt": "en", "songci": "zh"})


def question(number: int) -> dict[str, object]:
    answer = {"text": "文章", "answer_start": 0}
    return {"id": str(number), "question": "什么？", "answers": [answer]}


def run_recipe(name: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a recipe at a hundredth, and let the course ship what it wrote."""
    load_recipe(RECIPES / f"{name}.py").run(out, scale=0.01, resume=False)
    monkeypatch.setattr("course_lib.models.shipped.data_path", lambda relative: out)


def check_shipped(folder: Path, n_held_out: int) -> BPETokenizer:
    """Make sure that a folder has all that ships, and is small enough; return its tokenizer."""
    assert (folder / "model.safetensors").stat().st_size <= 20 * 1024**2
    card = (folder / "README.md").read_text("utf-8")
    assert card.startswith(f"# {folder.name}\n")
    assert (folder / DIGESTS).read_text("utf-8").split()[0] in card
    with (folder / "curve.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 3
    assert sum(bool(row["held_out_nats_per_token"]) for row in rows) == n_held_out
    assert int(rows[-1]["n_tokens"]) > int(rows[0]["n_tokens"]) > 0
    tokenizer = BPETokenizer.load(folder / "tokenizer.json")
    text = "从前 once upon a time"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    theirs = AutoTokenizer.from_pretrained(folder)
    assert theirs.encode(text, add_special_tokens=False) == tokenizer.encode(text)
    return tokenizer


@pytest.mark.parametrize("n_kv_heads", [4, 2])
def test_a_copier_writes_what_it_reads(n_kv_heads: int) -> None:
    config = LlamaConfig(
        vocab_size=11,
        max_len=7,
        d_model=16,
        n_heads=4,
        n_kv_heads=n_kv_heads,
        n_layers=2,
        d_ff=5,
        tie_embeddings=True,
    )
    model = Llama(config, make_generator(0))
    start_as_copiers(model, make_generator(1))
    x = torch.randn(1, 1, 16)  # a token that can see itself alone
    for block in model.blocks:
        read = block.attention(x, torch.zeros(1, 2), None, None)
        assert block.feedforward(x).abs().max() == 0
        within = block.attention.value.weight.T @ block.attention.value.weight
        torch.testing.assert_close(read, x @ within)  # all of x, or its part in the shared heads
        if n_kv_heads == 4:
            torch.testing.assert_close(read, x)
        assert torch.linalg.matrix_rank(within) == 4 * n_kv_heads
    logits = model(torch.tensor([[3, 3, 3, 5]]))[0, -1]
    assert logits.argmax() == 3  # what was read most often is what is expected


def test_neighbours_look_at_what_is_near_and_say_nothing_yet() -> None:
    sizes = {"max_len": 48, "d_model": 64, "n_heads": 2, "n_layers": 2, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=11, **sizes), make_generator(0))
    start_as_neighbours(model, make_generator(1))
    ids = torch.full((1, 48), 7)  # the same token everywhere: only the places differ
    read = model.norm(model.tokens(ids) + model.segments(ids * 0) + model.positions(48))
    torch.testing.assert_close(model.hidden(ids), read, rtol=0, atol=1e-4)
    for block in model.blocks:
        query, key = block.attention.query(read), block.attention.key(read)
        weights = (query @ key.mT)[0].softmax(dim=-1)
        near = torch.stack([weights.diagonal(offset)[20:24].mean() for offset in (0, 1, 5, 20)])
        assert near.tolist() == sorted(near.tolist(), reverse=True)
        assert near[1] > 2 * near[3]


def test_scoring_the_chosen_places_alone_gives_the_same_loss() -> None:
    model = BERT(BERTConfig(vocab_size=11, max_len=7, d_model=6, n_heads=3, n_layers=2, d_ff=5))
    batch = pad_texts([[1, 5, 6, 7, 8, 2], [1, 9, 2]])
    masked = MaskedLM(mask_id=3, vocab_size=11, special_ids=(1, 2), share=0.5)
    expected = masked(model, batch, make_generator(0))
    found = AtChosen(masked)(model, batch, make_generator(0))
    assert found.n_counted == expected.n_counted > 0
    torch.testing.assert_close(found.total, expected.total)


def test_passages_are_the_whole_story_in_order() -> None:
    story = next(stream_stories(1, languages=("en", "zh")))
    random = np.random.default_rng(0)
    pairs = list(passages(story, random))
    for language, between in (("en", " "), ("zh", "")):
        texts = [pair.target if pair.into == language else pair.source for pair in pairs]
        assert between.join(texts) == story.told[language].text
    assert {pair.into for _ in range(9) for pair in passages(story, random)} == {"en", "zh"}


def test_each_part_of_the_mix_has_its_rows() -> None:
    parts = [(torch.arange(50), 2), (100 + torch.arange(9), 3)]
    mixture = Mixture([PackedBatches(ids, n_rows=n, n_tokens=2) for ids, n in parts])
    assert mixture.n_batches == 12  # of the longer part
    for index in range(20):
        batch = mixture[index]
        assert batch.ids.shape == batch.mask.shape == (5, 3)
        assert (batch.ids >= 100).sum(dim=0).tolist() == [3, 3, 3]


@pytest.mark.slow
def test_story_gpt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_recipe("story_gpt", tmp_path, monkeypatch)
    printed = capsys.readouterr().out
    for name, n_layers in (("story-gpt", 4), ("story-gpt-draft", 2)):
        tokenizer = check_shipped(tmp_path / name, n_held_out=0)
        model = load_checkpoint(name).model
        assert isinstance(model, Llama)
        assert model.config.n_layers == n_layers
        assert tokenizer.vocab_size <= model.config.vocab_size
        for language in ("en", "zh"):
            assert f"{name}, {language}: " in printed


@pytest.mark.slow
@pytest.mark.usefixtures("small_mix")
def test_mini_gpt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_recipe("mini_gpt", tmp_path, monkeypatch)
    tokenizer = check_shipped(tmp_path / "mini-gpt", n_held_out=6)
    model = load_checkpoint("mini-gpt").model
    assert isinstance(model, Llama)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "mini-gpt", dtype=torch.float32)
    assert theirs.config.eos_token_id == tokenizer.id_of("<|endoftext|>")
    ids = torch.tensor([tokenizer.encode("Once upon a time 从前")])
    torch.testing.assert_close(model(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
    card = (tmp_path / "mini-gpt" / "README.md").read_text("utf-8")
    printed = capsys.readouterr().out
    assert "Without songci: it is not on this machine." in printed
    for name in PARTS_OF_THE_MIX:
        assert f"mini-gpt, {name}: " in printed
        assert card.count(f"- {name}: ") == 2  # what was read, and the score


@pytest.mark.slow
@pytest.mark.usefixtures("small_mix")
def test_mini_bert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_recipe("mini_bert", tmp_path, monkeypatch)
    tokenizer = check_shipped(tmp_path / "mini-bert", n_held_out=6)
    model = load_checkpoint("mini-bert").model
    assert isinstance(model, BERT)
    theirs = BertForMaskedLM.from_pretrained(tmp_path / "mini-bert", dtype=torch.float32)
    assert theirs.config.pad_token_id == tokenizer.id_of("[PAD]")
    ids = torch.tensor(
        [
            tokenizer.encode(
                "[CLS]Once[MASK] a time[SEP]", allowed_special=("[CLS]", "[MASK]", "[SEP]")
            )
        ]
    )
    torch.testing.assert_close(model(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
    printed = capsys.readouterr().out
    for name in PARTS_OF_THE_MIX:
        assert f"mini-bert, {name}: " in printed


@pytest.mark.slow
def test_story_translator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_recipe("story_translator", tmp_path, monkeypatch)
    tokenizer = check_shipped(tmp_path / "story-translator", n_held_out=0)
    model = load_checkpoint("story-translator").model
    assert isinstance(model, EncoderDecoder)
    theirs = MarianMTModel.from_pretrained(tmp_path / "story-translator", dtype=torch.float32)
    start = torch.tensor([[tokenizer.id_of("<|pad|>")]])
    assert theirs.config.decoder_start_token_id == model.config.start_id == start.item()
    ids = torch.tensor([[tokenizer.id_of("<|to-zh|>"), *tokenizer.encode("Once.")]])
    torch.testing.assert_close(
        model(ids, start), theirs(ids, decoder_input_ids=start).logits, rtol=1e-4, atol=1e-4
    )
    printed = capsys.readouterr().out
    assert "en to zh: " in printed
    assert "zh to en: " in printed
