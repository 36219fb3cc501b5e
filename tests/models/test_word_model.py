import math

import numpy as np
import pytest

from course_lib.models.word_model import WordModel
from course_lib.tokenizers import Vocabulary

SENTENCES = [["it", "rains"], ["it", "snows", "now"]]


class Guesser(WordModel):
    """Gives every outcome the same chance, so that all can be worked out by hand."""

    def next_log_probs(self, context_ids):
        return np.full(self.vocab_size, -math.log(self.vocab_size))

    def token_log_probs(self, sentences):
        n_tokens = sum(len(sentence) for sentence in sentences)
        return np.full(n_tokens, -math.log(self.vocab_size))


@pytest.fixture
def model() -> WordModel:
    return Guesser(order=2).fit(SENTENCES, Vocabulary.from_sentences(SENTENCES))


def test_outcomes_are_the_words_the_unknown_and_the_end(model: WordModel) -> None:
    assert (model.order, model.unknown_id, model.end_id, model.vocab_size) == (2, 4, 5, 6)
    ids = model.encode(["it", "hails"])
    assert ids == [model.vocabulary.id_of("it"), 4, 5]
    assert model.decode(ids) == ["it", "<unk>", "</s>"]
    assert model.table.order == 2
    assert model.table.vocab_size == 6
    assert model.table.levels[0].entry_counts.sum() == 7  # five words and two ends


def test_a_sentence_begins_after_the_last_end(model: WordModel) -> None:
    assert model.sentence_so_far((1, 5, 2, 5, 3, 0)) == [3, 0]
    assert model.sentence_so_far([3, 0]) == [3, 0]
    assert model.sentence_so_far([3, 5]) == []


def test_a_sentence_is_the_sum_of_its_tokens(model: WordModel) -> None:
    assert model.log_prob(model.encode(["it", "rains"])) == pytest.approx(-3 * math.log(6))


def test_nothing_and_text_that_is_not_split_are_refused() -> None:
    vocabulary = Vocabulary.from_sentences(SENTENCES)
    with pytest.raises(ValueError, match="sentences must hold at least one sentence; got none"):
        Guesser(order=2).fit([], vocabulary)
    with pytest.raises(TypeError):
        Guesser(order=2).fit(["it rains"], vocabulary)
