import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import learn_merges, printable, split_pretokens
from course_lib.tokenizers.bpe_training import BYTE_ORDER, count_pretokens, train_merges

CODE = Path(argparse.__file__).read_text(encoding="utf-8").split("\n\n")
CHINESE = ["从前有个时候，有一位姑娘住在山上。", "山上的姑娘想要一只红色的鸟，鸟在山下。🙂🙃🙂"]
FRENCH = ["L'élève a été reçu à l'école; où était-il allé? Là-bas, près de l'église.", "été, été!"]
RUNS = ["a" * n + " " * (17 - n) + "b" * (n // 2) for n in range(17)]


def ours(texts: list[str], n_tokens: int) -> list[list[str]]:
    _, merges = train_merges(count_pretokens(texts), n_tokens)
    return [[printable(first), printable(second)] for first, second in merges]


def written(reference: tokenizers.Tokenizer) -> dict:
    return json.loads(reference.to_str())["model"]


@pytest.mark.parametrize("n_tokens", [257, 311, 701, 1901])
@pytest.mark.parametrize("texts", [CODE, CHINESE, FRENCH, RUNS], ids=["code", "zh", "fr", "runs"])
def test_tokens_and_merges_are_those_of_the_reference(
    texts: list[str], n_tokens: int, train_reference
) -> None:
    model = written(train_reference(texts, n_tokens))
    tokens, merges = train_merges(count_pretokens(texts), n_tokens)
    assert len(set(tokens)) == len(tokens) == len(merges) + 256
    assert [printable(token) for token in tokens] == sorted(model["vocab"], key=model["vocab"].get)
    assert [[printable(first), printable(second)] for first, second in merges] == model["merges"]


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.text(alphabet="ab ", max_size=40), max_size=5), n_tokens=st.integers(257, 290)
)
def test_ties_and_overlaps_are_settled_as_in_the_reference(texts: list[str], n_tokens: int) -> None:
    byte_level = tokenizers.pre_tokenizers.ByteLevel
    reference = tokenizers.Tokenizer(tokenizers.models.BPE())
    reference.pre_tokenizer = byte_level(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=n_tokens, initial_alphabet=byte_level.alphabet(), show_progress=False
    )
    reference.train_from_iterator(texts, trainer)
    assert ours(texts, n_tokens) == written(reference)["merges"]


def test_merges_by_hand() -> None:
    # pairs: lo 7, ow 5, ot 2; then (lo, w) 5; then (lo, t) 2; then none
    tokens, merges = train_merges({"low": 5, "lot": 2}, 260)
    assert merges == [(b"l", b"o"), (b"lo", b"w"), (b"lo", b"t")]
    assert tokens[256:] == [b"lo", b"low", b"lot"]
    assert train_merges({"low": 5, "lot": 2}, 258)[1] == merges[:2]


def test_overlapping_pairs_are_merged_from_the_left() -> None:
    _, merges = train_merges({"aaaaa": 1}, 300)
    assert merges == [(b"a", b"a"), (b"aa", b"a"), (b"aa", b"aaa")]


def test_the_bytes_come_first_in_the_order_of_their_names() -> None:
    tokens, merges = train_merges({}, 999)
    assert (merges, tokens) == ([], [bytes([byte]) for byte in BYTE_ORDER])
    assert [printable(bytes([byte])) for byte in BYTE_ORDER[93:96]] == ["~", "¡", "¢"]
    assert BYTE_ORDER[-1] == 0xAD  # the soft hyphen cannot be seen, so it has a late name


@settings(deadline=None)
@given(st.dictionaries(st.text(alphabet="abcd", min_size=1, max_size=5), st.integers(1, 5)))
def test_fast_and_plain_training_begin_alike(counts: dict[str, int]) -> None:
    """Later they differ where pairs are tied: by number here, by spelling there."""
    plain = learn_merges({tuple(word): count for word, count in counts.items()}, 1)
    _, fast = train_merges(counts, 257)
    assert fast == [(first.encode(), second.encode()) for first, second in plain]


@settings(deadline=None)
@given(st.lists(st.text()))
def test_pretokens_are_counted(texts: list[str]) -> None:
    assert count_pretokens(texts) == Counter(p for text in texts for p in split_pretokens(text))


def test_texts_are_read_once_and_one_by_one() -> None:
    def generate() -> Iterator[str]:
        yield "a b"
        yield " b"

    assert count_pretokens(generate()) == {"a": 1, " b": 2}
    with pytest.raises(TypeError, match="several texts"):
        count_pretokens("a b")
    with pytest.raises(TypeError, match="one string; got int"):
        count_pretokens([1])  # pyright: ignore  # wrong on purpose
    with pytest.raises(ValueError, match="lone surrogate"):
        count_pretokens(["a", "b\udc00"])
