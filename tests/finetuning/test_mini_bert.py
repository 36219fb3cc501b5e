"""The encoder that comes with the course is a BERT to transformers, too, and it has learnt."""

from itertools import islice

import pytest
import torch
from torch.testing import assert_close
from transformers import AutoModel, BertForMaskedLM

from course_lib.data import data_path
from course_lib.data.batches import InOrder, PaddedBatches, pad_texts
from course_lib.data.stories import stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.finetuning import load_encoder
from course_lib.models import load_checkpoint
from course_lib.training import MaskedLM, evaluate

TEXTS = ("The old farmer went home.", "从前有一个木匠。", "One breezy noon, Lucia opened the door.")


@pytest.mark.filterwarnings("ignore:.*pooler.*")  # the checkpoint has none, nothing trained it
def test_logits_and_hidden_states_are_those_of_transformers() -> None:
    folder = data_path("checkpoints") / "mini-bert"
    model, _ = load_checkpoint("mini-bert")
    encoder = load_encoder("mini-bert").double()
    ids, mask = pad_texts(encoder.encode_all(TEXTS), encoder.pad_id)
    with torch.no_grad():
        theirs = BertForMaskedLM.from_pretrained(folder, dtype=torch.float64).eval()
        expected = theirs(input_ids=ids, attention_mask=mask.long()).logits
        assert_close(model.double()(ids, mask=mask)[mask], expected[mask], rtol=0, atol=1e-10)
        body = AutoModel.from_pretrained(folder, dtype=torch.float64, add_pooling_layer=False)
        hidden = body.eval()(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        assert_close(encoder(ids, mask)[mask], hidden[mask], rtol=0, atol=1e-10)


def test_hidden_words_of_unread_stories_surprise_it_little() -> None:
    model, tokenizer = load_checkpoint("mini-bert")
    stories = (story.told["en"].text for story in stream_stories(3, languages=("en", "zh")))
    unread = islice((text for text in stories if split_of_story(text) == "test"), 16)
    marks = [tokenizer.id_of(name) for name in tokenizer.special_tokens]
    first, last = tokenizer.id_of("[CLS]"), tokenizer.id_of("[SEP]")
    windows = [[first, *tokenizer.encode(text)[:200], last] for text in unread]
    objective = MaskedLM(
        mask_id=tokenizer.id_of("[MASK]"),
        vocab_size=tokenizer.vocab_size,
        special_ids=tuple(marks),
        share=0.15,
    )
    found = evaluate(model, InOrder(PaddedBatches(windows, n_rows=8)), objective)
    assert found.n_tokens > 200
    assert found.nats_per_token < 2.5  # all tokens alike: ln 8,192 = 9.0
