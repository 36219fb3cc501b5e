"""Which languages a model has read, and texts that are in none of them."""

import warnings
from collections.abc import Sequence

from course_lib.data.quality import MIN_HAN_SHARE, count_small_words
from course_lib.data.units import is_han

COURSE_LANGUAGES = ("en", "zh")
"""What the models that come with the course have read."""


def is_chinese(text: str) -> bool:
    """Tell whether at least 30 % of the letters of a text are Chinese characters.

    Args:
        text: Any text.

    Example:
        >>> is_chinese("奥马尔 is a dancer"), is_chinese("奥马尔是舞蹈家 (a dancer)")
        (False, True)
    """
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and sum(map(is_han, letters)) >= MIN_HAN_SHARE * len(letters)


def is_foreign(text: str, languages: Sequence[str]) -> bool:
    """Tell whether a text is surely in none of some languages, of which we know two.

    Args:
        text: Any text. Of one without letters nothing is told; of a few words in Latin letters
            seldom anything, for it takes a small word of another language ("der", "les").
        languages: Some of "en" and "zh".

    Example:
        >>> texts = ("Das ist nicht die Katze.", "Hi!", "Да", "猫")
        >>> [is_foreign(text, ["en", "zh"]) for text in texts]
        [True, False, True, False]
        >>> is_foreign("猫", ["en"])
        True
    """
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return False
    if is_chinese(text):
        return "zh" not in languages
    if sum(map(str.isascii, letters)) < len(letters) / 2 or "en" not in languages:
        return True
    small = count_small_words(text)
    return small.n_others > small.n_english


def warn_of_foreign(texts: Sequence[object], languages: Sequence[str], reader: str) -> None:
    """Warn of texts in a language that a model has never read.

    Args:
        texts: The texts; what is no string is left out.
        languages: Those that the model reads, such as ("en", "zh").
        reader: The model, for the message.

    Warns:
        UserWarning: If a text is surely in no language of these; says how many.
    """
    strings = [text for text in texts if isinstance(text, str)]
    foreign = [text for text in strings if is_foreign(text, languages)]
    if foreign:
        warnings.warn(
            f"{len(foreign)} of {len(strings)} texts look like none of the languages that {reader} "
            f"has read ({', '.join(languages)}), so what it says of them means little; the first "
            f"begins {foreign[0][:40]!r}.",
            stacklevel=3,
        )
