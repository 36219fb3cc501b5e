r"""GPT-2's first cut of a text into pre-tokens, and the printable name of every byte.

The pattern asks for letters (Unicode's `\p{L}`) and numbers (`\p{N}`), which Python's `re` cannot
name. They are written out here as ranges, from Python's own table of characters and the few
characters that are newer than it, so that the cut is the one that Unicode 16 and Hugging Face's
`tokenizers` make, whichever version of Python runs.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

# Unicode's White_Space; unlike Python's \s it does not hold the four separators U+001C to U+001F.
_SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"

# Letters and numbers that came with Unicode 15.0, 15.1 and 16.0, as first and last code points.
_NEW_LETTERS = """
    1C89-1C8A A7CB-A7CD A7DA-A7DC 105C0-105F3 10D4A-10D65 10D6F-10D85 10EC2-10EC4 1123F-11240
    11380-11389 1138B-1138B 1138E-1138E 11390-113B5 113B7-113B7 113D1-113D1 113D3-113D3 11BC0-11BE0
    11F02-11F02 11F04-11F10 11F12-11F33 1342F-1342F 13441-13446 13460-143FA 16100-1611D 16D40-16D6C
    18CFF-18CFF 1B132-1B132 1B155-1B155 1DF25-1DF2A 1E030-1E06D 1E4D0-1E4EB 1E5D0-1E5ED 1E5F0-1E5F0
    2B739-2B739 2EBF0-2EE5D 31350-323AF
"""
_NEW_NUMBERS = """
    10D40-10D49 116D0-116E3 11BF0-11BF9 11F50-11F59 16130-16139 16D70-16D79 1CCF0-1CCF9 1D2C0-1D2D3
    1E4F0-1E4F9 1E5F1-1E5FA
"""

# A word with the blank before it, or white space: where the finer pattern always cuts, too.
_CHUNK = re.compile(rf" ?[^{_SPACE}]+|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]+")


def split_pretokens(text: str) -> list[str]:
    """Cut a text as GPT-2 does before any pair of bytes is merged: no token crosses these cuts.

    A pre-token is a run of letters, of numbers or of other signs, each with at most one blank
    before it, an English ending such as 's, or white space.

    Args:
        text: Any text; joined together, the pre-tokens give it back.

    Reference:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2,
        and the pattern in its published encoder.py.

    Example:
        >>> split_pretokens("It's 3 o'clock,  now!")
        ['It', "'s", ' 3', ' o', "'", 'clock', ',', ' ', ' now', '!']
    """
    return _pretoken_pattern(text.isascii()).findall(text)


def split_chunks(text: str) -> list[str]:
    """Cut a text at white space only: each chunk holds whole pre-tokens, one or several.

    Chunks are what one remembers when speed counts: there are fewer of them than pre-tokens, and
    finding them is quicker.

    Args:
        text: Any text; joined together, the chunks give it back.

    Example:
        >>> split_chunks("It's 3 o'clock,  now!")
        ["It's", ' 3', " o'clock,", ' ', ' now!']
    """
    return _CHUNK.findall(text)


@cache
def _pretoken_pattern(is_ascii: bool) -> re.Pattern[str]:
    """Build GPT-2's pattern with the character classes written out, the short ones for ASCII."""
    if is_ascii:
        letters, numbers = "a-zA-Z", "0-9"
    else:
        letters = _character_ranges("L", _NEW_LETTERS)
        numbers = _character_ranges("N", _NEW_NUMBERS)
    return re.compile(
        rf"'(?:[sdmt]|ll|ve|re)| ?[{letters}]+| ?[{numbers}]+| ?[^{_SPACE}{letters}{numbers}]+"
        rf"|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]+"
    )


def _character_ranges(category: str, newer: str) -> str:
    """List all characters of a general category as ranges, ready for a class of `re`."""
    points = [p for p in range(sys.maxunicode + 1) if unicodedata.category(chr(p))[0] == category]
    for item in newer.split():
        first, last = (int(end, 16) for end in item.split("-"))
        points.extend(range(first, last + 1))
    ranges: list[list[int]] = []
    for point in sorted(set(points)):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def _name_bytes() -> dict[int, str]:
    """Give every byte a character that can be seen: its own, or one from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {byte: chr(byte) for byte in own} | {
        byte: chr(256 + place) for place, byte in enumerate(others)
    }


BYTE_NAMES = _name_bytes()
_BYTE_OF = {name: byte for byte, name in BYTE_NAMES.items()}


def printable(token: bytes) -> str:
    """Write bytes with GPT-2's printable characters: a blank becomes Ġ, a line end Ċ.

    Args:
        token: Any bytes, whole characters or parts of one.

    Example:
        >>> printable(" naïve".encode())
        'ĠnaÃ¯ve'
    """
    return "".join(map(BYTE_NAMES.__getitem__, token))


def bytes_of(name: str) -> bytes:
    """Read back what `printable` wrote.

    Args:
        name: A token in printable form.

    Raises:
        ValueError: If a character stands for no byte.

    Example:
        >>> bytes_of("ĠnaÃ¯ve").decode()
        ' naïve'
    """
    strange = [character for character in name if character not in _BYTE_OF]
    if strange:
        raise ValueError(
            f"a printable token must be made of the 256 characters that stand for bytes; got "
            f"{strange[0]!r} in {name!r}."
        )
    return bytes(_BYTE_OF[character] for character in name)


def check_text(text: str) -> str:
    """Make sure that something is a text that can be encoded.

    Args:
        text: What a tokenizer was given.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it holds a lone surrogate, half of a character, which no bytes stand for.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be one string; got {type(text).__name__}.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text must be valid Unicode; got the lone surrogate {text[error.start]!r} at "
            f'character {error.start}. Try text.encode("utf-8", "replace").decode().'
        ) from None
    return text


def check_texts(texts: Iterable[str]) -> Iterable[str]:
    """Make sure that texts to train on are several, not one string.

    Raises:
        TypeError: If `texts` is a single string, whose letters would be taken for texts.
    """
    if isinstance(texts, str):
        raise TypeError("texts must be several texts, such as [text]; got one plain string.")
    return texts
