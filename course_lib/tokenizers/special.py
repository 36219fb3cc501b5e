"""Special tokens: marks such as <|endoftext|> that plain text must never be able to forge."""

import re
from collections.abc import Callable, Iterable, Mapping

from course_lib.tokenizers.pretokens import check_text, split_pretokens


def check_special_tokens(special_tokens: Iterable[str]) -> list[str]:
    """Make sure that special tokens are several different, non-empty strings.

    Args:
        special_tokens: The tokens, in the order of their ids.

    Raises:
        TypeError: If they are one string instead of several.
        ValueError: If one is empty or stands twice.
    """
    if isinstance(special_tokens, str):
        raise TypeError(
            f"special_tokens must be several strings, such as ['<|end|>']; got {special_tokens!r}."
        )
    tokens = list(special_tokens)
    if "" in tokens:
        raise ValueError("special_tokens must not be empty strings; got ''.")
    twice = {token for token in tokens if tokens.count(token) > 1}
    if twice:
        raise ValueError(f"special_tokens must differ from each other; got {min(twice)!r} twice.")
    return tokens


def check_unforgeable(special_tokens: Iterable[str]) -> None:
    """Refuse special tokens that byte-level merges could make from plain text.

    Args:
        special_tokens: The tokens.

    Raises:
        ValueError: If one is a single pre-token.
    """
    for mark in special_tokens:
        if len(split_pretokens(check_text(mark))) == 1:
            raise ValueError(
                "a special token must mix letters with other signs, so that plain text cannot "
                f"give it; got {mark!r}. Try {f'<|{mark}|>'!r}."
            )


def encode_around_special(
    text: str,
    special_tokens: Mapping[str, int],
    allowed_special: Iterable[str],
    encode_plain: Callable[[str], list[int]],
) -> list[int]:
    """Encode a text in which some special tokens are meant as such.

    Where two of them begin at the same place, the longer one is found.

    Args:
        text: Text that may hold special tokens.
        special_tokens: All special tokens of a tokenizer, with their ids.
        allowed_special: Those to be recognised; any other is plain text.
        encode_plain: Encodes what stands between them.

    Raises:
        TypeError: If `allowed_special` is one string.
        ValueError: If it names a token that is not special.
    """
    allowed = check_special_tokens(allowed_special)
    unknown = [token for token in allowed if token not in special_tokens]
    if unknown:
        raise ValueError(
            f"allowed_special must name special tokens, of which there are "
            f"{sorted(special_tokens)}; got {unknown[0]!r}."
        )
    if not allowed:
        return encode_plain(text)
    longest_first = sorted(allowed, key=len, reverse=True)
    ids: list[int] = []
    for piece in re.split(f"({'|'.join(map(re.escape, longest_first))})", check_text(text)):
        ids.extend([special_tokens[piece]] if piece in allowed else encode_plain(piece))
    return ids


def check_id(token_id: int, vocab_size: int) -> int:
    """Make sure that an id is one of a tokenizer's.

    Raises:
        ValueError: If it is negative, or not below the size of the vocabulary.
    """
    if not 0 <= token_id < vocab_size:
        raise ValueError(f"a token id must be in 0 to {vocab_size - 1}; got {token_id}.")
    return token_id
