from collections import Counter

import pytest

from course_lib.data.planted import (
    CAPITALS,
    CITY_CONTEXTS,
    CLASS_CONTEXTS,
    COUNTRY_CONTEXTS,
    NATION_CONTEXTS,
    WORD_CLASSES,
    planted_analogies,
    planted_sentences,
    sense_of,
)

SENTENCES = planted_sentences(6000, seed=3)


def test_same_seed_same_sentences_and_another_seed_others() -> None:
    assert planted_sentences(50, seed=1) == planted_sentences(50, seed=1)
    assert planted_sentences(50, seed=1) != planted_sentences(50, seed=2)


def test_a_class_word_meets_only_contexts_of_its_class() -> None:
    class_of = {word: name for name, words in WORD_CLASSES.items() for word in words}
    all_contexts = {word for words in CLASS_CONTEXTS.values() for word in words}
    met = 0
    for sentence in SENTENCES:
        for word in set(sentence) & set(class_of):
            met += 1
            found = set(sentence) & all_contexts
            assert len(found) == 2
            assert found <= set(CLASS_CONTEXTS[class_of[word]])
    assert met > 2000


def test_no_word_belongs_to_two_places() -> None:
    everything = [
        *(word for words in WORD_CLASSES.values() for word in words),
        *(word for words in CLASS_CONTEXTS.values() for word in words),
        *(word for words in COUNTRY_CONTEXTS.values() for word in words),
        *CAPITALS,
        *CAPITALS.values(),
        *CITY_CONTEXTS,
        *NATION_CONTEXTS,
        "bank",
    ]
    assert [word for word, count in Counter(everything).items() if count > 1] == []


def test_bank_is_used_half_and_half() -> None:
    senses = Counter(sense_of(sentence) for sentence in SENTENCES if "bank" in sentence)
    n_banks = senses.total()
    # Expected: 6000 × 0.6 class sentences × half money or river × 0.3 = 540; five deviations of 22.
    assert abs(n_banks - 540) < 110
    assert abs(senses["money"] - n_banks / 2) < 2.5 * n_banks**0.5


def test_a_capital_and_its_country_share_only_their_local_words() -> None:
    for capital, country in CAPITALS.items():
        around_capital = {w for s in SENTENCES if capital in s for w in s[2:5]}
        around_country = {w for s in SENTENCES if country in s for w in s[2:5]}
        assert around_capital & around_country == set(COUNTRY_CONTEXTS[country])
        assert around_capital - around_country == set(CITY_CONTEXTS)
        assert around_country - around_capital == set(NATION_CONTEXTS)


def test_analogies_are_all_ordered_pairs() -> None:
    rows = planted_analogies()
    assert len(rows) == 6 * 5
    assert rows[0] == {
        "section": "capital-country",
        "a": "paris",
        "b": "france",
        "c": "rome",
        "d": "italy",
    }
    assert all(CAPITALS[row["a"]] == row["b"] and CAPITALS[row["c"]] == row["d"] for row in rows)


def test_sense_of_by_hand() -> None:
    assert sense_of(["the", "bank", "vault", "teller", "now"]) == "money"
    assert sense_of(["the", "bank", "mud", "swim", "now"]) == "river"


def test_errors_name_the_problem() -> None:
    with pytest.raises(ValueError, match=r"n must be ≥ 1; got n=0"):
        planted_sentences(0, seed=0)
    with pytest.raises(ValueError, match="must contain 'bank'; got 'the dog'"):
        sense_of(["the", "dog"])
    with pytest.raises(ValueError, match="must be a planted one"):
        sense_of(["a", "bank"])
