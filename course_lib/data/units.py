"""The units in which cleaning counts a text: words, and single Chinese characters.

Chinese is written without spaces, so counting pieces between white space would give one "word" a
sentence. One character a unit is crude, but it needs no dictionary, and it counts English,
Chinese and mixed texts by one rule.
"""

import re

# 〇, then the blocks of CJK ideographs: extension A, the main block, compatibility, the rest.
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = rf"[^\W_{_HAN}]+"
_NUMBER = r"\d+(?:[.,]\d+)+"  # 3.14 and 4,858,979 are one word each
_UNIT = re.compile(rf"[{_HAN}]|{_NUMBER}|{_WORD}(?:['’-]{_WORD})*")
_WORD_OR_MARK = re.compile(rf"[{_HAN}]|{_WORD}|[^\s]")
_CHARACTER = re.compile(f"[{_HAN}]")


def text_units(text: str) -> list[str]:
    """Split a text into words and single Chinese characters; punctuation and symbols go.

    Args:
        text: Any text.

    Returns:
        The units in their order, as they are written.

    Example:
        >>> text_units("It's well-known: 我有 1,000 只猫!")
        ["It's", 'well-known', '我', '有', '1,000', '只', '猫']
    """
    return _UNIT.findall(text)


def is_han(character: str) -> bool:
    """Tell whether a unit is a Chinese character.

    Args:
        character: A unit of `text_units`, or any single character.
    """
    return _CHARACTER.fullmatch(character) is not None


def word_places(text: str) -> list[tuple[int, int]]:
    """Find the words, the single Chinese characters and the single marks of a text.

    Unlike `text_units` it leaves out nothing but white space, and words have no marks inside.

    Args:
        text: Any text.

    Returns:
        Where each begins and ends (not included), in characters.

    Example:
        >>> text = "It's 3 只猫!"
        >>> [text[start:end] for start, end in word_places(text)]
        ['It', "'", 's', '3', '只', '猫', '!']
    """
    return [match.span() for match in _WORD_OR_MARK.finditer(text)]
