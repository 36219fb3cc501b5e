"""Stop strings: words in plain text at which writing ends, whatever tokens they are made of.

The first stop string of a text is the one that is complete first; of those complete at the same
character, the longest. So it does not matter in which pieces the text arrives.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence


class StopStrings:
    """Ends a text as soon as it holds one of several strings; for `Rules.stop`.

    What is written keeps the string and all of the token that completed it: `cut_at_stop` takes
    them off.

    Args:
        decode: Turns ids into text, such as a tokenizer's `decode`; every token must add at least
            one byte.
        strings: Where to stop. They are looked for in what is new, not in the prompt.

    Attributes:
        strings: As above.

    Raises:
        TypeError: If `strings` is one string.
        ValueError: If there is none, or one is empty.

    Example:
        >>> stop = StopStrings(lambda ids: "".join(map(chr, ids)), ["!?"])
        >>> stop([ord("a"), ord("!")]), stop([ord("a"), ord("!"), ord("?")])
        (False, True)
    """

    def __init__(self, decode: Callable[[list[int]], str], strings: Iterable[str]) -> None:
        self.strings = check_stop_strings(strings)
        self._decode = decode
        longest = max(len(string.encode()) for string in self.strings)
        self._n_tokens = longest + 1  # some tokenizers drop a blank before the first token

    def __call__(self, new_ids: Sequence[int]) -> bool:
        """Say whether a text ends here; asked after each token.

        Whatever the length of the text, no more tokens are decoded than can matter: about as many
        as the longest string has bytes.

        Args:
            new_ids: Those written so far.
        """
        text = self._decode(list(new_ids[-self._n_tokens :]))
        return any(string in text for string in self.strings)


def cut_at_stop(text: str, strings: Iterable[str]) -> str:
    """Give a text up to the first stop string, without it.

    Args:
        text: Any text.
        strings: Where to stop.

    Raises:
        TypeError: If `strings` is one string.
        ValueError: If there is none, or one is empty.

    Example:
        >>> cut_at_stop("Yes. User: And", [" User:", " System:"])
        'Yes.'
    """
    found = [(at + len(s), at) for s in check_stop_strings(strings) if (at := text.find(s)) >= 0]
    return text[: min(found)[1]] if found else text


def stop_at(pieces: Iterable[str], strings: Iterable[str]) -> Iterator[str]:
    """Pass on a text until the first stop string; hold back what may be the beginning of one.

    Args:
        pieces: The text, cut anywhere. It is not read on after a stop string.
        strings: Where to stop.

    Raises:
        TypeError: If `strings` is one string.
        ValueError: If there is none, or one is empty.

    Example:
        >>> list(stop_at(["Yes", ". ", " Us", "er: And"], [" User:"]))
        ['Yes', '.', ' ']
    """
    return _stop_at(pieces, check_stop_strings(strings))


def _stop_at(pieces: Iterable[str], strings: list[str]) -> Iterator[str]:
    held = ""
    for piece in pieces:
        held += piece
        before = cut_at_stop(held, strings)
        if len(before) < len(held):
            if before:
                yield before
            return
        n_safe = len(held) - _n_begun(held, strings)
        if n_safe:
            yield held[:n_safe]
        held = held[n_safe:]
    if held:
        yield held


def check_stop_strings(strings: Iterable[str]) -> list[str]:
    """Make sure that stop strings are several, or one in a list, and none is empty.

    Args:
        strings: Where to stop.

    Raises:
        TypeError: If `strings` is one string.
        ValueError: If there is none, or one is empty.
    """
    if isinstance(strings, str):
        raise TypeError(f"strings must be several, such as [{strings!r}]; got one plain string.")
    checked = list(strings)
    if not all(checked) or not checked:
        raise ValueError(f"strings must be at least one, none of them empty; got {checked}.")
    return checked


def _n_begun(text: str, strings: Iterable[str]) -> int:
    """Count the characters at the end of a text that may be the beginning of a string."""
    begun = (n for string in strings for n in range(1, len(string)) if text.endswith(string[:n]))
    return max(begun, default=0)
