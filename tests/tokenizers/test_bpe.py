import argparse
import json
from collections import Counter
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import (
    BPETokenizer,
    apply_merges,
    count_pairs,
    learn_merges,
    merge_pair,
)

TEXTS = [
    *Path(argparse.__file__).read_text(encoding="utf-8").split("\n\n"),
    "从前有个时候，有一位姑娘住在山上。L'élève a été reçu. 🙂🙃🙂",
]
MARKS = ("<|endoftext|>", "<|end|>")
TRAINED = BPETokenizer.train(TEXTS, vocab_size=1009, special_tokens=MARKS)
BYTES = {bytes([byte]): byte for byte in range(256)}
some_text = st.one_of(
    st.text(),
    st.text(alphabet="aeinrst '\n\té从🙂<|endoftext>"),
    st.lists(st.sampled_from([*MARKS, "self", "    ", " ", "def", "姑娘", "!"])).map("".join),
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tokenizers.Tokenizer:
    path = tmp_path_factory.mktemp("bpe") / "tokenizer.json"
    TRAINED.save(path)
    return tokenizers.Tokenizer.from_file(str(path))


def test_pairs_are_counted_by_hand() -> None:
    words = {("a", "b", "a", "b"): 3, ("b", "a"): 5, ("c",): 7}
    assert count_pairs(words) == {("a", "b"): 6, ("b", "a"): 8}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", ()),
        ("a", ("a",)),
        ("abcab", ("ab", "c", "ab")),
        ("aab", ("a", "ab")),
        ("ba", ("b", "a")),
    ],
)
def test_a_pair_is_merged_by_hand(word: str, expected: tuple[str, ...]) -> None:
    assert merge_pair(tuple(word), ("a", "b")) == expected


def test_merging_goes_from_left_to_right() -> None:
    assert merge_pair("aaaaa", ("a", "a")) == ("aa", "aa", "a")


def test_merges_are_learnt_by_hand() -> None:
    # the example of Sennrich et al. 2016, figure 1
    counts = {"low·": 5, "lower·": 2, "newest·": 6, "widest·": 3}
    words = {tuple(word): count for word, count in counts.items()}
    # es, st and t· have 9 each: taken in alphabetical order
    assert learn_merges(words, 4) == [("e", "s"), ("es", "t"), ("est", "·"), ("l", "o")]
    assert learn_merges(words, 0) == []
    assert learn_merges({("a", "b"): 1}, 5) == [("a", "b")]
    with pytest.raises(ValueError, match=r"n_merges must be ≥ 0; got n_merges=-1"):
        learn_merges(words, -1)


def test_words_that_become_equal_keep_both_counts() -> None:
    words = {("a", "b", "c"): 2, ("ab", "c"): 2, ("b", "d"): 3}
    assert learn_merges(words, 2) == [("b", "d"), ("a", "b")]
    assert learn_merges(words, 3)[-1] == ("ab", "c")


def test_merges_are_applied_in_their_order() -> None:
    merges = [("b", "c"), ("a", "b"), ("a", "bc")]
    assert apply_merges("abcab", merges) == ("abc", "ab")
    assert apply_merges("abcab", []) == tuple("abcab")


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abc", min_size=1), min_size=1), st.integers(0, 9))
def test_plain_merges_lose_nothing(words: list[str], n_merges: int) -> None:
    merges = learn_merges({tuple(w): n for w, n in Counter(words).items()}, n_merges)
    for word in words:
        assert "".join(apply_merges(word, merges)) == word


def test_the_plain_functions_give_the_tokens_of_the_tokenizer() -> None:
    counts = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    plain = learn_merges({tuple(word): count for word, count in counts.items()}, 3)
    texts = [word for word, count in counts.items() for _ in range(count)]
    tokenizer = BPETokenizer.train(texts, vocab_size=259)
    assert tokenizer.merges == [(a.encode(), b.encode()) for a, b in plain]
    assert tokenizer.tokenise("hugpun") == list(apply_merges("hugpun", plain))


@settings(deadline=None, max_examples=300)
@given(some_text)
@example("<|end|><|endoftext|>x<|end")
def test_ids_are_those_of_the_reference(reference: tokenizers.Tokenizer, text: str) -> None:
    assert TRAINED.encode(text, allowed_special=MARKS) == reference.encode(text).ids
    encoding = [i for i in TRAINED.encode(text) if i < len(MARKS)]
    assert encoding == []


@settings(deadline=None)
@given(some_text)
def test_offsets_are_those_of_the_reference(reference: tokenizers.Tokenizer, text: str) -> None:
    reference.encode_special_tokens = True
    found = reference.encode(text)
    reference.encode_special_tokens = False
    assert TRAINED.encode_with_offsets(text) == (found.ids, found.offsets)


@settings(deadline=None)
@given(st.lists(st.integers(0, TRAINED.vocab_size - 1)))
def test_any_ids_are_decoded_as_in_the_reference(
    reference: tokenizers.Tokenizer, ids: list[int]
) -> None:
    assert TRAINED.decode(ids) == reference.decode(ids, skip_special_tokens=False)


def test_tokens_are_named_as_in_the_reference(reference: tokenizers.Tokenizer) -> None:
    assert TRAINED.vocab_size == reference.get_vocab_size() == 1009
    for i in range(TRAINED.vocab_size):
        assert TRAINED.token_of(i) == reference.id_to_token(i)
        assert TRAINED.id_of(TRAINED.token_of(i)) == i
    assert TRAINED.special_tokens == {"<|endoftext|>": 0, "<|end|>": 1}
    assert TRAINED.tokenise("self  \n")[-2:] == ["ĠĠ", "Ċ"]


def test_training_gives_the_file_of_the_reference(train_reference, tmp_path: Path) -> None:
    TRAINED.save(tmp_path / "ours.json")
    written = json.loads((tmp_path / "ours.json").read_text("utf-8"))
    expected = json.loads(train_reference(TEXTS, 1009, MARKS).to_str())
    assert written["model"] == expected["model"]
    assert written["added_tokens"] == expected["added_tokens"]


def test_files_of_the_reference_are_loaded(train_reference, tmp_path: Path) -> None:
    theirs = train_reference(TEXTS, 811, ["<|endoftext|>"])
    theirs.save(str(tmp_path / "tokenizer.json"))
    theirs.model.save(str(tmp_path))
    loaded = BPETokenizer.load(tmp_path / "tokenizer.json")
    pair = BPETokenizer.from_gpt2_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert pair.special_tokens == loaded.special_tokens == {"<|endoftext|>": 0}
    text = "\n".join(TEXTS) + "<|endoftext|> !"
    for tokenizer in (loaded, pair):
        assert tokenizer.encode(text, allowed_special=["<|endoftext|>"]) == theirs.encode(text).ids
        assert tokenizer.merges == BPETokenizer.train(TEXTS, vocab_size=810).merges


def test_the_tokenizer_of_transformers_reads_our_file(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    TRAINED.save(tmp_path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert theirs.encode("def f(x): 从前") == TRAINED.encode("def f(x): 从前")


def test_every_character_costs_what_its_bytes_cost() -> None:
    tokenizer = BPETokenizer.train(["aa"], vocab_size=257)
    ids, offsets = tokenizer.encode_with_offsets("aa从a")
    assert tokenizer.tokenise("aa从a") == ["aa", "ä", "»", "İ", "a"]
    assert (len(ids), offsets) == (5, [(0, 2), (2, 3), (2, 3), (2, 3), (3, 4)])
    assert tokenizer.decode(ids[1:3]) == "�"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocab_size": 256}, r"above 256: 256 bytes, 0 special .* got vocab_size=256"),
        (
            {"vocab_size": 258, "special_tokens": ["<a>", "<b>"]},
            r"above 258: 256 bytes, 2 special .* got vocab_size=258",
        ),
        ({"vocab_size": 300, "special_tokens": ["EOS"]}, "got 'EOS'. Try '<|EOS|>'"),
        ({"vocab_size": 300, "special_tokens": ["<a>", "<a>"]}, "'<a>' twice"),
    ],
)
def test_training_refuses_what_cannot_work(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        BPETokenizer.train(["abab"], **arguments)


@pytest.mark.parametrize("texts", [[], [""], ["a", "b"]])
def test_training_on_nothing_is_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="some pair of bytes to learn from"):
        BPETokenizer.train(texts, vocab_size=300)


def test_the_smallest_vocabulary_and_an_exhausted_text() -> None:
    assert BPETokenizer.train(["abab"], vocab_size=257).vocab_size == 257
    assert BPETokenizer.train(["abab"], vocab_size=999, special_tokens=["<a>"]).vocab_size == 259


@pytest.mark.parametrize(
    ("vocabulary", "merges", "special", "message"),
    [
        ({}, [], {}, r"at least one pair: this tokenizer is untrained"),
        (BYTES, [], {}, r"at least one pair: this tokenizer is untrained"),
        ({b"a": 0, b"b": 1, b"ab": 2}, [(b"a", b"b")], {}, r"all 256 bytes .* lacks 'Ā'"),
        (BYTES, [(b"a", b" ")], {}, "it lacks 'aĠ'"),
        (BYTES | {b"abc": 256}, [(b"ab", b"c")], {}, "it lacks 'ab'"),
        (BYTES | {b"ab": 256}, [(b"a", b"b")], {"ab": 257}, "not be a plain token, too; got 'ab'"),
        (BYTES | {b"a ": 256}, [(b"a", b" ")], {"aĠ": 257}, "plain token, too; got 'aĠ'"),
        (BYTES | {b"ab": 257}, [(b"a", b"b")], {}, "0, 1, 2 and so on"),
        (BYTES | {b"ab": 256}, [(b"a", b"b")], {"<a>": 256}, "0, 1, 2 and so on"),
    ],
)
def test_parts_that_do_not_fit_are_refused(vocabulary, merges, special, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BPETokenizer(vocabulary, merges, special)


def test_files_are_not_taken_for_parts() -> None:
    """Where transformers ignores a file that it does not expect, ours does not start."""
    with pytest.raises(TypeError, match="vocab_file"):
        BPETokenizer(vocab_file="vocab.json", merges_file="merges.txt")  # pyright: ignore  # wrong on purpose


def test_the_later_place_of_a_pair_counts(tmp_path: Path) -> None:
    ids = BYTES | {b"ab": 256, b"bc": 257}
    tokenizer = BPETokenizer(ids, [(b"a", b"b"), (b"b", b"c"), (b"a", b"b")])
    assert tokenizer.merges == [(b"b", b"c"), (b"a", b"b")]
    assert tokenizer.encode("abc") == [97, 257]
    tokenizer.save(tmp_path / "tokenizer.json")
    document = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    document["model"]["merges"].insert(0, ["a", "b"])
    (tmp_path / "twice.json").write_text(json.dumps(document), "utf-8")
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "twice.json")).encode("abc").ids == [
        97,
        257,
    ]
    assert BPETokenizer.load(tmp_path / "twice.json").merges == tokenizer.merges


def test_an_unknown_token_or_id_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one of the 1,009 tokens.*got 'zzzz'"):
        TRAINED.id_of("zzzz")
    for use in (TRAINED.token_of, lambda i: TRAINED.decode([i])):
        with pytest.raises(ValueError, match="in 0 to 1008; got 1009"):
            use(1009)
