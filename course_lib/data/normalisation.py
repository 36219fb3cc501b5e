"""One spelling for one text: the step before texts are counted, compared or learned from.

Two texts that look the same on the screen can differ byte by byte: "é" as one code point or as
two, "Ａ" or "A", a space that may not break, a mark of zero width. To a tokenizer and to a
duplicate finder they are strangers.
"""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Control characters but tab and line feed; then the characters of no width: soft hyphen, joiners,
# marks of writing direction, byte order mark, invisible operators, and the invisible "tags".
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SURROGATE = re.compile("[\ud800-\udfff]")
_FULL_WIDTH_OFFSET = 0xFEE0
_REPLACEMENTS = str.maketrans(
    {
        **{c + _FULL_WIDTH_OFFSET: c for c in (*range(48, 58), *range(65, 91), *range(97, 123))},
        **dict.fromkeys(map(ord, f"{_SPACES}\u202f\u205f\u3000"), " "),
    }
)


def normalise_text(text: str) -> str:
    r"""Write a text in the one form that all further steps expect.

    Line ends become line feeds; control and zero-width characters go; full-width Latin letters and
    digits become ordinary ones, while full-width punctuation stays (it is the right one in
    Chinese); every kind of space becomes a plain one; Unicode NFC composes letters with their
    accents; a run of blanks becomes one blank (a tab if there is one in it), a run of empty
    lines one empty line; lines and text lose the blanks at both ends.

    Made for prose. It spoils what depends on invisible characters or on indentation: source code,
    joined emoji, Persian and the scripts of India. Doing it twice is the same as doing it once.

    Args:
        text: Any text.

    Returns:
        The normalised text.

    Raises:
        ValueError: If the text holds a lone surrogate, half a character that no file can hold.

    Reference:
        The Unicode Consortium, "Unicode Standard Annex #15: Unicode Normalization Forms",
        https://www.unicode.org/reports/tr15/. Unlike NFKC there, "①", "ﬁ" and "，" stay.

    Example:
        >>> normalise_text(" Ｈｅｌｌｏ，\u00a0world \r\n")
        'Hello， world'
    """
    if lone := _SURROGATE.search(text):
        raise ValueError(
            f"text must be valid Unicode; got the lone surrogate U+{ord(lone[0]):04X} at character "
            f"{lone.start()}. Was it read with errors='surrogateescape', or cut inside an emoji?"
        )
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    # Composing comes after removing: a mark of zero width may stand between letter and accent.
    text = unicodedata.normalize("NFC", text.translate(_REPLACEMENTS))
    text = re.sub("[ \t]*\t[ \t]*", "\t", text)
    text = re.sub(" {2,}", " ", text)
    text = re.sub("[ \t]*\n[ \t]*", "\n", text)
    return re.sub("\n{3,}", "\n\n", text).strip(" \t\n")
