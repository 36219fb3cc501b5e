import pytest

from course_lib.tokenizers.special import (
    check_id,
    check_special_tokens,
    check_unforgeable,
    encode_around_special,
)

SPECIAL = {"<a>": 7, "<a><b>": 8, "[.*]": 9}


def encode(text: str, *allowed: str) -> list[int]:
    return encode_around_special(text, SPECIAL, allowed, lambda plain: [-len(plain)])


def test_only_allowed_tokens_are_found() -> None:
    assert encode("x<a>yz[.*]") == [-10]
    assert [i for i in encode("x<a>yz[.*]", "<a>") if i] == [-1, 7, -6]
    assert [i for i in encode("x<a>yz[.*]", *SPECIAL) if i] == [-1, 7, -2, 9]


def test_the_longest_token_wins_whatever_the_order() -> None:
    for allowed in (["<a>", "<a><b>"], ["<a><b>", "<a>"]):
        assert [i for i in encode("<a><b><a>", *allowed) if i] == [8, 7]


def test_a_token_is_read_literally_not_as_a_pattern() -> None:
    assert encode(".", "[.*]") == [-1]


def test_unknown_allowed_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\['<a>', '<a><b>', '\[\.\*\]'\]; got '<c>'"):
        encode("x", "<a>", "<c>")
    with pytest.raises(TypeError, match="several strings"):
        encode_around_special("x", SPECIAL, "<a>", lambda plain: [])


def test_special_tokens_must_be_different_and_not_empty() -> None:
    assert check_special_tokens(iter(["<b>", "<a>"])) == ["<b>", "<a>"]
    with pytest.raises(ValueError, match="got '<a>' twice"):
        check_special_tokens(["<a>", "<b>", "<a>"])
    with pytest.raises(ValueError, match="must not be empty"):
        check_special_tokens([""])


@pytest.mark.parametrize("mark", ["EOS", " eos", "é", "<|", "42"])
def test_what_merges_could_make_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match=f"got '{mark}'. Try '<|{mark}|>'".replace("|", r"\|")):
        check_unforgeable(["<s>", mark])


def test_what_merges_cannot_make_is_accepted() -> None:
    check_unforgeable(["<s>", "[MASK]", "<|endoftext|>", "two words"])


@pytest.mark.parametrize("token_id", [-1, 5])
def test_ids_outside_the_vocabulary_are_refused(token_id: int) -> None:
    with pytest.raises(ValueError, match=f"in 0 to 4; got {token_id}"):
        check_id(token_id, 5)
    assert [check_id(i, 5) for i in (0, 4)] == [0, 4]
