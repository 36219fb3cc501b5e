"""What BERT does to a text before it looks at any vocabulary: clean it, fold it, split it.

A character's class is asked of Python's Unicode tables, minus the characters that were assigned
after the tables of Hugging Face's tokenizers (Unicode 8 and 9) were made: what is new to them is
neither accent, control character nor punctuation. That gives the same words for any text, but for a
few capitals: lower case follows Python, and Python 3.11 does not know those of Unicode 15 to 17.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import groupby

from course_lib.tokenizers.pretokens import check_text

# Ranges of code points (hexadecimal) whose marks, format characters or punctuation are too new.
_RECENT_ACCENTS = (
    "5C8-5C9 7FD 897-8E1 9FE AFA-AFF B53-B55 C04-C3C D00 D3B-D3C D81 EBA ECE 180F-1886 1ABF-1AF0 "
    "1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10F85 11070-11074 110C2 111C9 111CF 1123E-11241 1133B "
    "113BB-1145E 1182F-1612F 16F4F 16FE4 1CF00-1D128 1D25B-1D25C 1E000-1E6F5 1E944-1E94A"
)
_RECENT_FORMATS = "890-8E2 110CD-1343F"
_RECENT_PUNCTUATION = (
    "61D 9FD-A76 C77-C84 1B4E-1B4F 1B7D-1B7F 2E43-2E63 10D6E-10F89 113D4-1145D 11660-116B9 "
    "1183B-11FFF 12FF1-12FF2 16D6D-16FE2 1E5FF-1E95F"
)
# Marks that their decomposition leaves where they stand, and one letter that it leaves whole.
_UNORDERED = (
    "5C8-5C9 7FD 897-8D3 9FE B53-B54 C3C CF3-D3C EBA ECE 1715 1ABF-1AF0 1DF6-1DFA A82C 10D24-10F85 "
    "11070 11241 1133B 113B8-113E2 1145E 11839-11B67 11D42-1612F 16FF0-16FF1 1D127-1D128 "
    "1D250-1D281 1E08F-1E6F5"
)
_CJK = "3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B81F 2B920-2CEAF 2F800-2FA1F"
_SPACES = "9-A D 20 A0 1680 2000-200A 2028-2029 202F 205F 3000"
_ASCII_PUNCTUATION = "21-2F 3A-40 5B-60 7B-7E"


def _one_of(ranges: str) -> re.Pattern[str]:
    bounds = (entry.split("-") for entry in ranges.split())
    inside = "".join(rf"\U{int(b[0], 16):08x}-\U{int(b[-1], 16):08x}" for b in bounds)
    return re.compile(f"([{inside}])")


_is_space = _one_of(_SPACES).match
_is_cjk = _one_of(_CJK).match
_is_recent_accent = _one_of(_RECENT_ACCENTS).match
_is_recent_format = _one_of(_RECENT_FORMATS).match
_is_recent_punctuation = _one_of(_RECENT_PUNCTUATION).match
_is_ascii_punctuation = _one_of(_ASCII_PUNCTUATION).match
_unordered = _one_of(_UNORDERED)
_EARLIER_ACCENTS = "\u1734\U0001171e"  # today's tables class these otherwise
_EARLIER_PUNCTUATION = "\u166d\U000111c9"


class _Table(dict[int, str]):
    """A table for `str.translate` that fills itself by a rule, one character at a time."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> str:
        self[code] = translated = self._rule(chr(code))
        return translated


def is_cjk(character: str) -> bool:
    """Tell whether BERT treats a character as a word of its own, as it does with Chinese.

    These are the Chinese characters, also in Japanese and Korean; kana and hangul are not.

    Example:
        >>> is_cjk("前"), is_cjk("の"), is_cjk("a")
        (True, False, False)
    """
    return _is_cjk(character) is not None


def is_punctuation(character: str) -> bool:
    """Tell whether BERT splits at a character: every punctuation mark, and ASCII's symbols.

    Example:
        >>> is_punctuation("。"), is_punctuation("$"), is_punctuation("€")
        (True, True, False)
    """
    if _is_ascii_punctuation(character) or character in _EARLIER_PUNCTUATION:
        return True
    is_mark = unicodedata.category(character).startswith("P")
    return is_mark and not _is_recent_punctuation(character)


def _clean(character: str) -> str:
    if _is_space(character):
        return " "
    if _is_cjk(character):
        return f" {character} "
    category = unicodedata.category(character)
    is_control = category in {"Cc", "Cf", "Co"} and not _is_recent_format(character)
    return "" if is_control or character == "\ufffd" else character


def _fold(character: str) -> str:
    is_accent = unicodedata.category(character) == "Mn" and not _is_recent_accent(character)
    return "" if is_accent or character in _EARLIER_ACCENTS else character.lower()


def _isolate(character: str) -> str:
    return f" {character} " if is_punctuation(character) else character


_CLEAN, _FOLD, _ISOLATE = _Table(_clean), _Table(_fold), _Table(_isolate)


def _decompose(text: str) -> str:
    if text.isascii():
        return text
    between = enumerate(_unordered.split(text))  # odd places hold the characters split at
    return "".join(s if place % 2 else unicodedata.normalize("NFD", s) for place, s in between)


def clean_text(text: str) -> str:
    r"""Drop control characters, turn white space into blanks, put blanks around each CJK character.

    Args:
        text: Any text.

    Raises:
        TypeError: If `text` is not a string.
        ValueError: If it holds a lone surrogate, which is half a character.

    Example:
        >>> clean_text("a\tb\u200bc 从前")
        'a bc  从  前 '
    """
    return check_text(text).translate(_CLEAN)


def fold_text(text: str) -> str:
    """Turn text into lower case and strip its accents, as uncased BERT does.

    Accents are marks of their own after canonical decomposition (NFD), and all that take no room
    go: also what makes й of и, and some vowel signs of Hindi, which changes words.

    Args:
        text: Any text.

    Example:
        >>> fold_text("Éclair Übung йод ΣΑΣ")
        'eclair ubung иод σασ'
    """
    return _decompose(text).translate(_FOLD)


def split_bert_words(text: str, *, lower: bool = True) -> list[str]:
    """Split text into the words that WordPiece then cuts into pieces.

    Args:
        text: Any text.
        lower: Whether to fold case and accents (BERT's "uncased" models).

    Raises:
        TypeError: If `text` is not a string.
        ValueError: If it holds a lone surrogate.

    Reference:
        Devlin et al. 2019, "BERT", `BasicTokenizer` in
        https://github.com/google-research/bert/blob/master/tokenization.py
        Unlike that code, but like Hugging Face's tokenizers, private-use characters are dropped,
        and a Σ at the end of a word becomes σ, not ς.

    Example:
        >>> split_bert_words("Don't, Zoë! 从前")
        ['don', "'", 't', ',', 'zoe', '!', '从', '前']
    """
    text = clean_text(text)
    return (fold_text(text) if lower else text).translate(_ISOLATE).split()


def _order(character: str) -> int:
    return 0 if _unordered.match(character) else unicodedata.combining(character)


def _trace(text: str, *, lower: bool) -> list[tuple[str, int]]:
    """Clean and fold text, and keep for each character the place in `text` that it came from."""
    cleaned = [
        (c, place) for place, old in enumerate(check_text(text)) for c in old.translate(_CLEAN)
    ]
    if not lower:
        return cleaned
    parts = [(part, i == 0) for c, _ in cleaned for i, part in enumerate(_decompose(c))]
    # Marks change places. As in Hugging Face's tokenizers, the places they came from do not.
    ordered: list[tuple[str, bool]] = []
    for _, run in groupby(parts, key=lambda part: _order(part[0]) > 0):
        ordered += sorted(run, key=lambda part: _order(part[0]))  # letters have order 0, and stay
    traced, seen = [], -1
    for part, is_first in ordered:
        seen += is_first
        traced.extend((c, cleaned[seen][1]) for c in part.translate(_FOLD))
    return traced


def trace_bert_words(text: str, *, lower: bool = True) -> list[tuple[str, list[int]]]:
    r"""Split text into words, and say for every character of a word where it stood in the text.

    Slower than `split_bert_words`, which gives the same words.

    Args:
        text: Any text.
        lower: Whether to fold case and accents.

    Raises:
        TypeError: If `text` is not a string.
        ValueError: If it holds a lone surrogate.

    Example:
        >>> trace_bert_words("Zoë\u200b's")
        [('zoe', [0, 1, 2]), ("'", [4]), ('s', [5])]
    """
    words: list[tuple[list[str], list[int]]] = []
    is_new = True
    for character, place in _trace(text, lower=lower):
        alone = is_punctuation(character)
        if character == " ":
            is_new = True
            continue
        if is_new or alone:
            words.append(([], []))
        words[-1][0].append(character)
        words[-1][1].append(place)
        is_new = alone
    return [("".join(characters), places) for characters, places in words]
