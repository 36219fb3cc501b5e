import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from course_lib.data.batches import pad_texts
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.rewriter import Rewriter, RewriterConfig
from course_lib.generation import ForSource, beam_search
from course_lib.models import EncoderDecoder, EncoderDecoderConfig, encoder_decoder_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer
from course_lib.training import AdamWConfig

END, PAD, LOUD = "<|endoftext|>", "<|pad|>", "<|loud|>"
WORDS = ["ba", "di", "ku", "ta", "li", "mo"]
PLAN = TrainingPlan(n_epochs=14, n_rows=32, optimizer=AdamWConfig(learning_rate=2e-2))
SHORT = TrainingPlan(n_epochs=1, n_rows=8)


def draw(n_pairs: int, seed: int) -> tuple[list[str], list[str]]:
    """Two words become the same in the order of the alphabet."""
    chance = random.Random(seed)
    drawn = [chance.sample(WORDS, k=2) for _ in range(n_pairs)]
    return [" ".join(words) for words in drawn], [" ".join(sorted(words)) for words in drawn]


def make_tokenizer() -> BPETokenizer:
    return BPETokenizer.train(
        [" ".join([word, word]) for word in WORDS] * 9,
        vocab_size=290,
        special_tokens=[END, PAD, LOUD],
    )


def make_model(tokenizer: BPETokenizer, max_len: int = 16) -> EncoderDecoder:
    sizes = {"max_len": max_len, "d_model": 24, "n_heads": 2, "d_ff": 48}
    layers = {"n_encoder_layers": 1, "n_decoder_layers": 1}
    start_id = tokenizer.id_of(PAD)
    config = EncoderDecoderConfig(
        vocab_size=tokenizer.vocab_size, start_id=start_id, **sizes, **layers
    )
    return EncoderDecoder(config, make_generator(0)).eval()


def make_rewriter(
    plan: TrainingPlan = SHORT, config: RewriterConfig | None = None, max_len: int = 16
) -> Rewriter:
    tokenizer = make_tokenizer()
    return Rewriter(make_model(tokenizer, max_len), tokenizer, plan=plan, config=config)


def theirs(folder: Path) -> PreTrainedTokenizerFast:
    make_tokenizer().save(folder / "tokenizer.json")
    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), eos_token=END, pad_token=PAD
    )


def test_it_learns_to_put_words_in_order_and_comes_back_from_a_folder(tmp_path: Path) -> None:
    rewriter = make_rewriter(PLAN)
    model = rewriter.model
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    fitted = rewriter.fit(*draw(400, seed=1), dev=draw(40, seed=2))
    sources, targets = draw(60, seed=3)
    predicted = rewriter.predict(sources)
    is_right = [a == b for a, b in zip(predicted, targets, strict=True)]
    assert sum(is_right) >= 0.9 * len(is_right)
    assert fitted.best_step is not None
    assert rewriter.model is not model
    for key, tensor in model.state_dict().items():  # the pretrained one stays as it is
        assert torch.equal(tensor, before[key])
    rewriter.save(tmp_path / "saved")
    assert Rewriter.load(tmp_path / "saved").predict(sources) == predicted


def test_a_tokenizer_of_transformers_makes_no_difference(tmp_path: Path) -> None:
    rewriter = make_rewriter()
    other = Rewriter(make_model(make_tokenizer()), theirs(tmp_path), plan=SHORT)
    pairs = draw(20, seed=1)
    losses = [one.fit(*pairs).history.losses for one in (rewriter, other)]
    assert losses[0] == losses[1]
    assert rewriter.predict(pairs[0]) == other.predict(pairs[0])
    other.save(tmp_path / "saved")
    assert Rewriter.load(tmp_path / "saved").predict(pairs[0]) == other.predict(pairs[0])


def test_it_writes_what_transformers_writes_with_the_same_weights(tmp_path: Path) -> None:
    tokenizer = theirs(tmp_path)
    hf_model = encoder_decoder_to_hf(make_model(make_tokenizer()))
    hf_model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    rewriter = Rewriter(tmp_path, config=RewriterConfig(prefix=LOUD, max_new_tokens=5))
    sources = [*draw(5, seed=1)[0], "mo"]
    batch = tokenizer(
        [f"{LOUD}{source}{END}" for source in sources], padding=True, return_tensors="pt"
    )
    written = hf_model.generate(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        max_new_tokens=5,
        num_beams=1,
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        bad_words_ids=[[tokenizer.pad_token_id]],
    )
    expected = tokenizer.decode(written, skip_special_tokens=True)
    assert rewriter.predict(sources) == expected
    assert len(set(expected)) > 1 or expected[0]


def test_beams_are_those_of_beam_search_and_the_start_is_never_written() -> None:
    rewriter = make_rewriter(config=RewriterConfig(n_beams=3, length_penalty=0.5, max_new_tokens=4))
    tokenizer = rewriter.framing.tokenizer
    start_id = rewriter.model.config.start_id
    ids, _ = pad_texts([[*tokenizer.encode("ba di"), tokenizer.id_of(END)]])
    with torch.no_grad():
        rewriter.model.logits_bias[start_id] = 99.0  # as likely as in a model of Marian's
    written = rewriter.predict(["ba di"])[0]
    with torch.no_grad():
        rewriter.model.logits_bias[start_id] = -99.0
    task = ForSource(rewriter.model, ids)
    found = beam_search(task, task.prompts, 4, n_beams=3, length_penalty=0.5)
    assert written == tokenizer.decode(found[0][0].ids)


def test_fitting_repeats_itself_and_begins_with_the_pretrained_weights() -> None:
    rewriter = make_rewriter()
    first = rewriter.fit(*draw(20, seed=1))
    again = rewriter.fit(*draw(20, seed=1))
    assert again.history.losses == first.history.losses
    sources, targets = draw(20, seed=1)
    ends = sum(1 + len(make_tokenizer().encode(text)) for text in targets)
    assert sum(first.history.n_tokens) == ends  # every token of every target, and its end
    assert rewriter.predict([]) == []
    alone = [rewriter.predict([source])[0] for source in sources]
    assert rewriter.predict(sources) == alone


def test_the_translator_that_comes_with_the_course_translates_at_once() -> None:
    rewriter = Rewriter("story-translator", config=RewriterConfig(prefix="<|to-en|>"))
    config = replace(rewriter.config, prefix="<|to-zh|>")
    into_chinese = Rewriter(rewriter.model, rewriter.framing.tokenizer, config=config)
    english = "Mina had a cat."
    chinese = into_chinese.predict([english])[0]
    assert not chinese.isascii()
    assert rewriter.predict([chinese])[0].isascii()


def test_long_texts_are_cut_and_told() -> None:
    rewriter = make_rewriter(max_len=5)
    with pytest.warns(UserWarning, match="1 of 2 sources had more than 5 tokens and lost"):
        rewriter.predict(["ba", "ba di " * 9])
    with pytest.warns(UserWarning, match="1 of 2 targets had more than 5 tokens and lost"):
        rewriter.fit(["ba", "di"], ["ba di " * 9, "di"])


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (["ba"], ["ba", "di"], "targets must be as many as the texts; got 1 texts and 2"),
        (["ba", " "], ["ba", "di"], "sources must not be empty; got ' ' in row 1"),
        (["ba", "di"], ["", "di"], "targets must not be empty; got '' in row 0"),
    ],
)
def test_bad_pairs_are_named(sources: list[str], targets: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_rewriter().fit(sources, targets)


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    with pytest.raises(ValueError, match=r"must be given with a model.*got NoneType with"):
        Rewriter(make_model(tokenizer))
    with pytest.raises(ValueError, match="and not with a name; got BPETokenizer with str"):
        Rewriter("story-translator", tokenizer)
    with pytest.raises(ValueError, match="encoder-decoder; got 'story-gpt', a Llama"):
        Rewriter("story-gpt")
    with pytest.raises(ValueError, match="tokenizer must have a token that ends a text"):
        Rewriter(make_model(tokenizer), BPETokenizer.train(["aa"], vocab_size=257))
    words = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])
    with pytest.raises(ValueError, match="any text; got a WordPieceTokenizer, which loses blanks"):
        Rewriter(make_model(tokenizer), words)
    with pytest.raises(ValueError, match=r"must hold rewriter\.json; got none"):
        Rewriter.load(tmp_path)
    model = make_model(tokenizer)
    with torch.no_grad():
        model.tokens.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in tokens\.weight"):
        Rewriter(model, tokenizer)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_beams": 0}, "n_beams must be ≥ 1; got n_beams=0"),
        ({"max_new_tokens": 0}, "max_new_tokens must be ≥ 1; got max_new_tokens=0"),
        ({"label_smoothing": 1.0}, r"label_smoothing must be in \[0, 1\); got label_smoothing=1.0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RewriterConfig(**settings)  # pyright: ignore
