"""How well short answers match the right ones: SQuAD's scores, and CMRC 2018's for Chinese.

Each function scores one question, so that a test set gives a list of numbers to average, to draw
again (`bootstrap_interval`) and to compare (`paired_bootstrap`).
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from course_lib.evaluation.counts import MatchCounts

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
NO_ENGLISH_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The marks that CMRC's script leaves out. ASCII's , . ! ? are not among them, nor is "…".
NO_CMRC_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
# One Chinese character (the script's range), a number such as 3.5, a word, or any other mark.
CHINESE_UNITS = re.compile(r"[\u4e00-\u9fa5]|\d+(?:[.,]\d+)+|[^\W\u4e00-\u9fa5]+|[^\w\s]")


def normalize_answer(text: str) -> str:
    """Bring an English answer into the form in which SQuAD compares answers.

    Lower case; then no ASCII punctuation (so "U.S." is "us"), then no articles (a, an, the), and
    one blank between words.

    Args:
        text: An answer.

    Reference:
        Rajpurkar et al. 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD", the
        official script evaluate-v2.0.py, https://rajpurkar.github.io/SQuAD-explorer/: the steps
        and their order are taken from it, the code is not.

    Example:
        >>> normalize_answer("The  Statue of Liberty, a gift.")
        'statue of liberty gift'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(NO_ENGLISH_PUNCTUATION)).split())


def normalize_answer_zh(text: str) -> str:
    """Bring a Chinese answer into the form in which CMRC 2018 compares answers.

    Lower case, no white space at the ends, and without the marks in the script's list. White
    space inside stays, and so do the marks that are not in the list (ASCII's comma, for one).

    Args:
        text: An answer.

    Reference:
        Cui et al. 2019, "A Span-Extraction Dataset for Chinese Machine Reading Comprehension",
        the official script cmrc2018_evaluate.py, https://github.com/ymcui/cmrc2018: the list of
        marks is taken from it, the code is not.

    Example:
        >>> normalize_answer_zh("《红楼梦》。")
        '红楼梦'
    """
    return text.lower().strip().translate(NO_CMRC_PUNCTUATION)


def exact_match(predicted: str, gold_answers: Sequence[str]) -> float:
    """Tell whether an English answer is one of the right ones, but for case and punctuation.

    Args:
        predicted: The system's answer; "" says that the text has none.
        gold_answers: The right answers, of which one is enough. If the text has no answer, the
            list is empty (or holds only texts such as "" or "the.", of which nothing is left).

    Returns:
        1.0 or 0.0.

    Raises:
        ValueError: If `gold_answers` is one text instead of a list of texts.

    Reference:
        `compute_exact` of SQuAD's script; see `normalize_answer`.

    Example:
        >>> exact_match("The Nile.", ["Nile", "the river Nile"]), exact_match("", [])
        (1.0, 1.0)
    """
    return _best(_is_same, predicted, gold_answers, normalize_answer)


def answer_f1(predicted: str, gold_answers: Sequence[str]) -> float:
    """Compute how many words an English answer shares with the right one that it is closest to.

    Precision and recall are shares of words, counted with repetitions, in any order.

    Args:
        predicted: The system's answer; "" says that the text has none.
        gold_answers: The right answers, of which the best match counts; empty if there is none.

    Returns:
        From 0 to 1. Without a right answer, 1 for an empty answer and 0 for any other.

    Raises:
        ValueError: If `gold_answers` is one text instead of a list of texts.

    Reference:
        `compute_f1` of SQuAD's script; see `normalize_answer`.

    Example:
        Two of three words are right, and both that were asked for are there:

        >>> answer_f1("the big river Nile", ["river Nile"])
        0.8
    """
    return _best(_shared_words_f1, predicted, gold_answers, normalize_answer)


def exact_match_zh(predicted: str, gold_answers: Sequence[str]) -> float:
    """Tell whether a Chinese answer is one of the right ones, but for case and punctuation.

    Args:
        predicted: The system's answer; "" says that the text has none.
        gold_answers: The right answers, of which one is enough; empty if the text has none.

    Returns:
        1.0 or 0.0.

    Raises:
        ValueError: If `gold_answers` is one text instead of a list of texts.

    Reference:
        `calc_em_score` of CMRC 2018's script; see `normalize_answer_zh`. CMRC 2018 has no
        questions without an answer; they are treated as SQuAD's script does.

    Example:
        >>> exact_match_zh("“北京”", ["北京", "北京市"])
        1.0
    """
    return _best(_is_same, predicted, gold_answers, normalize_answer_zh)


def answer_f1_zh(predicted: str, gold_answers: Sequence[str]) -> float:
    """Compute how long a piece a Chinese answer shares with the right one it is closest to.

    The unit is the Chinese character, and the word or number elsewhere. Unlike SQuAD's F1, only
    the longest common piece without a gap counts: the same characters in another order do not.

    Args:
        predicted: The system's answer; "" says that the text has none.
        gold_answers: The right answers, of which the best match counts; empty if there is none.

    Returns:
        From 0 to 1. Without a right answer, 1 for an empty answer and 0 for any other.

    Raises:
        ValueError: If `gold_answers` is one text instead of a list of texts.

    Reference:
        `calc_f1_score` of CMRC 2018's script; see `normalize_answer_zh`. Unlike the script, which
        cuts what is not Chinese into words with NLTK, a pattern does it here (so English
        contractions differ: "don't" is three units here and two there), and questions without an
        answer are treated as SQuAD's script does.

    Example:
        >>> answer_f1_zh("在北京市", ["北京"])  # 2 of 4 characters, and 2 of 2
        0.6666666666666666
    """
    return _best(_common_piece_f1, predicted, gold_answers, normalize_answer_zh)


def _best(
    score: Callable[[str, str], float],
    predicted: str,
    gold_answers: Sequence[str],
    normalize: Callable[[str], str],
) -> float:
    if isinstance(gold_answers, str):
        raise ValueError(f"gold_answers must be a list of texts; got the text {gold_answers!r}.")
    normalized = [normalize(gold) for gold in gold_answers]
    # What is empty after normalisation was no answer; and no answer at all is the empty one.
    candidates = [gold for gold in normalized if gold] or [""]
    return max(score(normalize(predicted), gold) for gold in candidates)


def _is_same(predicted: str, gold: str) -> float:
    return float(predicted == gold)


def _f1_of_units(n_shared: int, n_predicted: int, n_gold: int) -> float:
    both_empty = n_predicted == n_gold == 0
    return 1.0 if both_empty else MatchCounts(n_shared, n_predicted, n_gold).f1


def _shared_words_f1(predicted: str, gold: str) -> float:
    guess, truth = Counter(predicted.split()), Counter(gold.split())
    return _f1_of_units((guess & truth).total(), guess.total(), truth.total())


def _common_piece_f1(predicted: str, gold: str) -> float:
    guess, truth = CHINESE_UNITS.findall(predicted), CHINESE_UNITS.findall(gold)
    match = SequenceMatcher(None, guess, truth, autojunk=False).find_longest_match()
    return _f1_of_units(match.size, len(guess), len(truth))
