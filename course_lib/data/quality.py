"""Quality filters: stated rules that a document keeps or breaks, each with a name.

| problem | a document has it if … | after |
|---|---|---|
| too few words, too many words | its length is outside the limits | Gopher |
| words too short, words too long | the mean word is; not asked of Chinese text | Gopher |
| too few alphabetic words | too small a share of its words has a letter in it | Gopher |
| too many symbols | # * | { … make up too much of what is not blank | Gopher |
| repeated lines | too many lines stood in the document before | Gopher |
| repeated n-grams | too many runs of words stood in the document before | Gopher |
| forbidden phrase | it holds words that no wanted text holds | C4 |
| language | its language is guessed to be another one | C4, Gopher |

A word is a unit of `text_units`: one Chinese character counts as one word. Filters throw away good
text too, and not evenly: poems repeat lines, dialects lack the words that a filter looks for
(Dodge et al. 2021, "Documenting Large Webtext Corpora"). Look at what they remove.

Reference:
    Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
    section A1.1, https://arxiv.org/abs/2112.11446. Raffel et al. 2020, "Exploring the Limits of
    Transfer Learning with a Unified Text-to-Text Transformer" (C4), section 2.2,
    https://arxiv.org/abs/1910.10683. Unlike Gopher, we count n-grams and not their characters,
    every kind of symbol and not only "#" and "…", and allow documents as short as a paragraph.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from course_lib.data.units import is_han, text_units

Language = Literal["en", "zh", "other"]
LANGUAGES = ("en", "zh", "other")
MIN_HAN_SHARE = 0.3
MAX_KANA_AND_HANGUL_SHARE = 0.05
MIN_ASCII_SHARE = 0.9
MIN_FUNCTION_WORD_SHARE = 0.1
# An n-gram is so many units; a Chinese word has about two characters.
NGRAM_WORDS = 5
NGRAM_CHARACTERS = 10

_ENGLISH_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        the and to that it for with his by this had not are but from they which you were all her
        she there would their been has when who if out what up its about than into them can only
        other some could time these two may then my now like our over such your how after first
        any new because where most through between many before must should very being under while
        each against those both during without however until why don't didn't it's i'm said a an
        in is was of on as at be or did he i we him us
        """,
    )
)
# Small words of other languages in Latin letters: German, French, Spanish, Italian, Portuguese,
# Dutch, Scandinavian, Polish, Indonesian, Turkish. None of them is frequent in English.
_OTHER_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        der die das den dem des und ist nicht ein eine mit auf sich sie er es von zu wir le la les
        et du un une est que qui dans pour il elle pas ne je au ce el los las en de con por su se
        lo al di che non per una della nel os da não uma com foi o e y em ha mi het een van dat
        niet hij op zijn te och att det som han og til av på jag var na się nie jest dan yang bir ve
        """,
    )
)
_KANA_AND_HANGUL = re.compile("[\u3040-\u30ff\u31f0-\u31ff\u1100-\u11ff\uac00-\ud7af]")
_SYMBOL = re.compile(r"""[^\w\s.,;:!?'"()%&$€£¥‘’“”«»–—，。！？；：、（）《》〈〉「」『』·-]|_""")


@dataclass(frozen=True, kw_only=True)
class QualityRules:
    """The limits of the quality filters; a document exactly at a limit passes.

    Attributes:
        min_words: Fewest words (≥ 0). Gopher, for whole pages, asks for 50.
        max_words: Most words (≥ `min_words`).
        min_mean_word_chars: Shortest mean word, in characters. Gopher asks for 3.
        max_mean_word_chars: Longest mean word, in characters (≥ `min_mean_word_chars`).
        min_alphabetic_share: Smallest share of words with a letter in them. Gopher asks for 0.8; a
            paragraph with a few dates has less.
        max_symbol_share: Largest share of symbols among the characters that are not blank.
        max_repeated_line_share: Largest share of lines that stood in the document before.
        max_repeated_ngram_share: Largest share of n-grams that stood in the document before.
        forbidden_phrases: None of these may be in the document, in whatever case.
        languages: The languages wanted, of "en", "zh" and "other".

    Raises:
        ValueError: If a limit is out of range, or a language is none of the three.
    """

    min_words: int = 5
    max_words: int = 100_000
    min_mean_word_chars: float = 2.5
    max_mean_word_chars: float = 10.0
    min_alphabetic_share: float = 0.7
    max_symbol_share: float = 0.1
    max_repeated_line_share: float = 0.3
    max_repeated_ngram_share: float = 0.15
    forbidden_phrases: tuple[str, ...] = ("lorem ipsum", "enable javascript")
    languages: tuple[Language, ...] = ("en", "zh")

    def __post_init__(self) -> None:
        for low, high in (
            ("min_words", "max_words"),
            ("min_mean_word_chars", "max_mean_word_chars"),
        ):
            if not 0 <= getattr(self, low) <= getattr(self, high):
                raise ValueError(
                    f"{low} and {high} must be ≥ 0 and in this order; "
                    f"got {low}={getattr(self, low)}, {high}={getattr(self, high)}."
                )
        for name in (name for name in vars(self) if name.endswith("_share")):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1; got {name}={getattr(self, name)}.")
        if isinstance(self.forbidden_phrases, str) or "" in self.forbidden_phrases:
            raise ValueError(
                "forbidden_phrases must be a tuple of non-empty strings; "
                f"got forbidden_phrases={self.forbidden_phrases!r}."
            )
        if not self.languages or not set(self.languages) <= set(LANGUAGES):
            raise ValueError(
                f"languages must be a tuple of some of {LANGUAGES}; "
                f"got languages={self.languages!r}."
            )


DEFAULT_RULES = QualityRules()


def quality_problems(document: str, rules: QualityRules = DEFAULT_RULES) -> tuple[str, ...]:
    """List what is wrong with a document, by the names in the table above.

    Args:
        document: A text, best after `normalise_text`.
        rules: The limits.

    Returns:
        The names of the rules it breaks, in the order in which they are tried; () if it is fine.

    Example:
        >>> quality_problems("The cat sat on the mat and looked at the dog.")
        ()
        >>> quality_problems("Menu | Home | Login")
        ('too few words', 'too many symbols', 'language')
    """
    words = text_units(document)
    lines = [line for line in map(str.strip, document.split("\n")) if line]
    mean_chars = _mean_word_chars(words)
    lowered = document.lower()
    broken = {
        "too few words": len(words) < rules.min_words,
        "too many words": len(words) > rules.max_words,
        "forbidden phrase": any(p.lower() in lowered for p in rules.forbidden_phrases),
        "too many symbols": symbol_share(document) > rules.max_symbol_share,
        "too few alphabetic words": _alphabetic_share(words) < rules.min_alphabetic_share,
        "words too short": mean_chars is not None and mean_chars < rules.min_mean_word_chars,
        "words too long": mean_chars is not None and mean_chars > rules.max_mean_word_chars,
        "repeated lines": repeated_share(lines) > rules.max_repeated_line_share,
        "repeated n-grams": repeated_ngram_share(words) > rules.max_repeated_ngram_share,
        "language": guess_language(document) not in rules.languages,
    }
    return tuple(name for name, is_broken in broken.items() if is_broken)


def guess_language(text: str) -> Language:
    """Guess whether a text is English, Chinese, or neither, from its letters and small words.

    Chinese: at least 30 % of the letters are Chinese characters, and at most 5 % are Japanese kana
    or Korean hangul. English: at least 90 % of the letters are A to Z, at least 10 % of the words
    are small words of English ("the", "of", "with" …), and these are more than the small words of
    other languages ("der", "les", "los" …). Neither: everything else.

    A rule of thumb, at its weakest where there is little text: a heading, a list of titles or a
    line like "Kim ate rice." has no small words and counts as neither; a few sentences of a
    language whose small words look English (Dutch, Afrikaans) may pass. It does not tell
    simplified from traditional Chinese, nor Mandarin from Cantonese or classical Chinese, and it
    takes a Japanese text without kana for Chinese. Real pipelines use a trained classifier.

    Args:
        text: A text of at least a sentence.

    Returns:
        The language guessed.

    Example:
        >>> guess_language("The cat sat on the mat."), guess_language("猫坐在垫子上。")
        ('en', 'zh')
        >>> guess_language("Die Katze sitzt auf der Matte.")
        'other'
    """
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return "other"
    n_han = sum(map(is_han, letters))
    n_kana_and_hangul = len(_KANA_AND_HANGUL.findall("".join(letters)))
    if n_kana_and_hangul > MAX_KANA_AND_HANGUL_SHARE * len(letters):
        return "other"
    if n_han >= MIN_HAN_SHARE * len(letters):
        return "zh"
    if sum(map(str.isascii, letters)) < MIN_ASCII_SHARE * len(letters):
        return "other"
    n_words, n_english, n_others = count_small_words(text)
    is_english = n_english >= MIN_FUNCTION_WORD_SHARE * n_words and n_english > n_others
    return "en" if is_english else "other"


class SmallWords(NamedTuple):
    """How many words a text has, and how many of them are small words of a language."""

    n_words: int
    n_english: int
    n_others: int


def count_small_words(text: str) -> SmallWords:
    """Count the small words of English ("the", "of") and of other languages ("der", "les").

    Args:
        text: Any text.

    Example:
        >>> count_small_words("The cat sat on der Matte.")
        SmallWords(n_words=6, n_english=2, n_others=1)
    """
    words = text_units(text.lower().replace("’", "'"))
    n_english = sum(word in _ENGLISH_WORDS for word in words)
    return SmallWords(len(words), n_english, sum(word in _OTHER_WORDS for word in words))


def symbol_share(text: str) -> float:
    """Share of the characters, blanks left out, that are no letter, digit or punctuation.

    Args:
        text: Any text; 0 if it is blank.

    Example:
        >>> symbol_share("# Menu | Home")
        0.2
    """
    n_characters = len("".join(text.split()))
    return len(_SYMBOL.findall(text)) / n_characters if n_characters else 0.0


def repeated_share(items: Sequence[Hashable]) -> float:
    """Share of the items that are equal to an earlier one; 0 if there are none.

    Args:
        items: Lines, or n-grams.

    Example:
        >>> repeated_share(["a", "b", "a", "a"])
        0.5
    """
    return (len(items) - len(set(items))) / len(items) if items else 0.0


def repeated_ngram_share(words: Sequence[str]) -> float:
    """Share of the n-grams that stood in the text before; case does not count.

    An n-gram is five words, or ten where most units are Chinese characters. A text of fewer words
    has none, and a share of 0.

    Args:
        words: The units of a text.

    Example:
        >>> repeated_ngram_share("buy it now buy it now buy it now buy".split())
        0.5
    """
    n = NGRAM_CHARACTERS if _is_mostly_han(words) else NGRAM_WORDS
    lowered = [word.lower() for word in words]
    return repeated_share(list(zip(*(lowered[start:] for start in range(n)), strict=False)))


def _is_mostly_han(words: Sequence[str]) -> bool:
    return 2 * sum(map(is_han, words)) > len(words)


def _mean_word_chars(words: Sequence[str]) -> float | None:
    if not words or _is_mostly_han(words):
        return None  # each Chinese unit is one character: its length says nothing
    others = [word for word in words if not is_han(word)]
    return sum(map(len, others)) / len(others)


def _alphabetic_share(words: Sequence[str]) -> float:
    if not words:
        return 0.0
    return sum(any(map(str.isalpha, word)) for word in words) / len(words)
