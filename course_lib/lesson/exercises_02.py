"""The exercises of lesson 02, tokenization: cases, mistakes known by name, hints.

Letters in shapes: N tokens. Those on byte-pair encoding are in `bpe_exercises` and
`merges_exercises`.
"""

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

from course_lib.lesson.bpe_exercises import COUNT_PAIRS, MERGE_PAIR
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.merges_exercises import APPLY_MERGES, LEARN_MERGES

# "mealless" can be cut; "##ales" could be, were it not for "##l"; "x" is in none.
PIECES = {"sea", "seal", "s", "a", "meal", "##ea", "##l", "##less", "##le", "##s", "##e", "##al"}
UNKNOWN = "[UNK]"
MARK = "##"

Cut = Callable[[str, Collection[str]], list[str] | None]


def _or_unknown(cut: Cut) -> Callable[..., list[str]]:
    """Make a twin of `longest_match` from a function that returns None where it gets stuck."""

    def twin(word: str, vocabulary: Collection[str], unknown: str = UNKNOWN) -> list[str]:
        pieces = cut(word, vocabulary)
        return [unknown] if pieces is None else pieces

    return twin


def _forwards(
    word: str, vocabulary: Collection[str], *, longest: bool = True, mark: str = MARK
) -> list[str] | None:
    pieces, start = [], 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        for end in reversed(ends) if longest else ends:
            piece = (mark if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return None
        pieces.append(piece)
        start = end
    return pieces


def _backwards(word: str, vocabulary: Collection[str]) -> list[str] | None:
    pieces, end = [], len(word)
    while end > 0:
        for start in range(end):
            piece = (MARK if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return None
        pieces.insert(0, piece)
        end = start
    return pieces


def _marks_stripped(word: str, vocabulary: Collection[str]) -> list[str] | None:
    pieces = _forwards(word, vocabulary)
    return None if pieces is None else [piece.removeprefix(MARK) for piece in pieces]


def _starts_anywhere(word: str, vocabulary: Collection[str]) -> list[str] | None:
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            text = word[start:end]
            if text in vocabulary or MARK + text in vocabulary:
                break
        else:
            return None
        pieces.append(MARK + text if start else text)
        start = end
    return pieces


def _keeps_what_it_has(step: int | None) -> Callable[..., list[str]]:
    """Make a twin that does not give the word up: it skips `step` letters, or all the rest."""

    def twin(word: str, vocabulary: Collection[str], unknown: str = UNKNOWN) -> list[str]:
        pieces, start = [], 0
        while start < len(word):
            ends = range(len(word), start, -1)
            mark = MARK if start else ""
            end = next((end for end in ends if mark + word[start:end] in vocabulary), None)
            pieces.append(unknown if end is None else mark + word[start:end])
            start = end or (len(word) if step is None else start + step)
        return pieces

    return twin


def _pieces_so_far(word: str, vocabulary: Collection[str], unknown: str = UNKNOWN) -> list[str]:
    return [p for p in _keeps_what_it_has(None)(word, vocabulary, unknown) if p != unknown]


LONGEST_MATCH = Exercise(
    key="02:longest_match",
    target="course_lib.tokenizers.wordpiece:longest_match",
    level="core",
    cases=(
        Case(why="a word that is a piece", args=lambda: ("seal", set(PIECES))),
        Case(why="“seals”", args=lambda: ("seals", set(PIECES))),
        Case(why="“mealless”", args=lambda: ("mealless", set(PIECES))),
        Case(
            why="“seale”, where the longest first piece is not the end of the story",
            args=lambda: ("seale", {"sea", "seal", "##le", "##e", "##al", "s", "##ea"}),
        ),
        Case(
            why="a word whose longest first piece leads into a dead end",
            args=lambda: ("seale", {"sea", "seal", "##le", "s"}),
        ),
        Case(why="a word with a letter in no piece", args=lambda: ("seaxle", set(PIECES))),
        Case(why="“las”, whose letters only exist inside words", args=lambda: ("las", set(PIECES))),
        Case(why="“ssea”, where “sea” stands inside", args=lambda: ("ssea", set(PIECES))),
        Case(why="the empty word", args=lambda: ("", set(PIECES))),
        Case(
            why="a word that is unknown under another name",
            args=lambda: ("seaxle", set(PIECES)),
            options={"unknown": "<unk>"},
        ),
    ),
    mistakes=(
        Mistake(
            name="mark-not-looked-up",
            twin=_or_unknown(lambda word, known: _forwards(word, known, mark="")),
            hint="Inside a word you look up “s”, not “##s”. The two are different entries of the "
            "vocabulary: one begins a word, the other goes on with it.",
        ),
        Mistake(
            name="mark-not-returned",
            twin=_or_unknown(_marks_stripped),
            hint="The pieces are right, but inside a word they must keep their “##”: it is part "
            "of the name of the token.",
        ),
        Mistake(
            name="shortest-first",
            twin=_or_unknown(lambda word, known: _forwards(word, known, longest=False)),
            hint="You take the *shortest* piece that fits. Which end should you try first?",
        ),
        Mistake(
            name="beginnings-and-insides-mixed",
            twin=_or_unknown(_starts_anywhere),
            hint="You accept a piece with or without “##”, wherever you are. The first piece must "
            "be in the vocabulary without it, all others with it.",
        ),
        Mistake(
            name="from-the-end",
            twin=_or_unknown(_backwards),
            hint="You cut from the end of the word. WordPiece begins at the front.",
        ),
        Mistake(
            name="unknown-written-in",
            twin=lambda word, known, unknown=UNKNOWN: _or_unknown(_forwards)(word, known),
            hint="You return “[UNK]”, whatever the argument `unknown` says. That is only its "
            "default.",
        ),
        Mistake(
            name="empty-word-unknown",
            twin=_or_unknown(lambda word, known: _forwards(word, known) or None),
            hint="You call the empty word unknown. Nothing is left of it that could not be cut: "
            "it has no pieces.",
        ),
        Mistake(
            name="rest-unknown",
            twin=_keeps_what_it_has(None),
            hint="Where you get stuck, you keep the pieces so far and call the rest unknown. In "
            "WordPiece the *whole word* becomes one unknown token.",
        ),
        Mistake(
            name="letter-unknown",
            twin=_keeps_what_it_has(1),
            hint="Where you get stuck, you call one letter unknown and go on. In WordPiece the "
            "*whole word* becomes one unknown token.",
        ),
        Mistake(
            name="rest-dropped",
            twin=_pieces_so_far,
            hint="Where you get stuck, the rest of the word vanishes without a trace. In "
            "WordPiece the *whole word* becomes one unknown token.",
        ),
    ),
    nudge="Two loops: one over where the next piece begins, one over where it ends, the furthest "
    "end first. What if no end fits?",
    shapes="In: a word (a string) and the pieces known (a set). Out: a list of pieces; all but the "
    'first begin with "##". Or [unknown].',
    pseudocode="start ← 0\n"
    "while the word is not used up:\n"
    "    for each end, from the last letter down to start + 1:\n"
    "        piece ← letters from start to end, with ## before them unless start is 0\n"
    "        if the piece is known: keep it, start ← end, stop trying ends\n"
    "    if no end fitted: return only the unknown token\n"
    "return the pieces",
)


Documents = Sequence[np.ndarray]


def _documents(seed: int, *lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.log(rng.uniform(0.05, 0.9, size=length)) for length in lengths]


def _bits(log_probs: Documents) -> float:
    return -float(sum(document.sum() for document in log_probs)) / math.log(2)


def _n_tokens(log_probs: Documents) -> int:
    return sum(len(document) for document in log_probs)


def _mean_of_documents(log_probs: Documents, n_characters: int) -> float:
    return _bits(log_probs) / len(log_probs) / n_characters


def _through_the_probability(log_probs: Documents, n_characters: int) -> float:
    probability = math.exp(-_bits(log_probs) * math.log(2))
    return -math.log2(probability) / n_characters if probability else math.inf


def _nan_from_an_empty_document(seen: tuple[Observation, ...]) -> bool:
    """Recognise an answer that is not a number where a document is empty, and else right."""
    return all(
        math.isnan(one.value)
        if any(not len(document) for document in one.case.args()[0])
        else one.value == one.expected or math.isclose(one.value, one.expected, rel_tol=1e-5)
        for one in seen
    )


BITS_PER_CHARACTER = Exercise(
    key="02:bits_per_character",
    target="course_lib.evaluation.perplexity:bits_per_character",
    level="easy",
    cases=(
        Case(
            why="two tokens with chances 1/2 and 1/4, 6 characters",
            args=lambda: ([np.log([0.5, 0.25])], 6),
        ),
        Case(why="three documents, 29 characters", args=lambda: (_documents(1, 5, 2, 3), 29)),
        Case(why="one long document", args=lambda: (_documents(2, 97), 411)),
        Case(
            why="the same text in fewer tokens",
            args=lambda: ([np.array([part.sum()]) for part in _documents(2, 97)], 411),
        ),
        Case(why="as many characters as tokens", args=lambda: (_documents(3, 4, 7), 11)),
        Case(
            why="an empty document among others",
            args=lambda: ([*_documents(4, 3), np.zeros(0), *_documents(5, 2)], 17),
        ),
        Case(
            why="a token that the model held for impossible",
            args=lambda: ([np.array([-0.5, -math.inf])], 9),
        ),
        Case(why="1,900 tokens", args=lambda: (_documents(6, 1300, 600), 7001)),
    ),
    mistakes=(
        Mistake(
            name="nats-instead-of-bits",
            twin=lambda log_probs, n: _bits(log_probs) * math.log(2) / n,
            hint="These are nats: natural logarithms. One bit is ln 2 nats. Must your number grow "
            "or shrink?",
        ),
        Mistake(
            name="multiplied-by-ln-2",
            twin=lambda log_probs, n: _bits(log_probs) * math.log(2) ** 2 / n,
            hint="You multiply by ln 2. A bit is *smaller* than a nat (0.69 nats), so the same "
            "surprise needs more of them.",
        ),
        Mistake(
            name="sign-flipped",
            twin=lambda log_probs, n: -_bits(log_probs) / n,
            hint="Your result is negative. Log-probabilities are ≤ 0; surprise is ≥ 0.",
        ),
        Mistake(
            name="per-token",
            twin=lambda log_probs, n: _bits(log_probs) / _n_tokens(log_probs),
            hint="You divide by the number of tokens. That number depends on the tokenizer, which "
            "is what we want to get rid of. What does not depend on it?",
        ),
        Mistake(
            name="averaged-first",
            twin=lambda log_probs, n: _bits(log_probs) / _n_tokens(log_probs) / n,
            hint="You average over the tokens and then divide by the characters as well. Sum the "
            "surprise of the whole text, then divide once.",
        ),
        Mistake(
            name="divided-by-the-documents",
            twin=_mean_of_documents,
            hint="You also divide by the number of documents. `n_characters` is the length of "
            "all of them together.",
        ),
        Mistake(
            name="only-the-first-document",
            twin=lambda log_probs, n: _bits(log_probs[:1]) / n,
            hint="You use the first document only. `log_probs` is a list: sum over all of them.",
        ),
        Mistake(
            name="probability-underflows",
            twin=_through_the_probability,
            hint="You compute the probability of the whole text. For 1,900 tokens it is too small "
            "for a float and becomes 0. Sum logarithms; never leave them.",
        ),
        Mistake(
            name="impossible-tokens-left-out",
            twin=lambda log_probs, n: _bits([x[np.isfinite(x)] for x in log_probs]) / n,
            hint="You leave out tokens of probability 0. A model that held for impossible what "
            "happened is surprised without end: the result is infinite.",
        ),
        Mistake(
            name="empty-document-spoils-all",
            seen=_nan_from_an_empty_document,
            hint="You divide by the length of each document, and an empty one has length 0. Sum "
            "the surprise of all tokens; no mean is needed.",
        ),
        Mistake(
            name="raised-to-a-power",
            twin=lambda log_probs, n: 2 ** (_bits(log_probs) / n),
            hint="You turned bits back into a number of choices: that is a perplexity per "
            "character. We want the bits themselves.",
        ),
    ),
    nudge="How many bits does the whole text cost? And then: by what do you divide?",
    shapes="In: a list of arrays of log-probabilities in nats, one of shape (N,) a document, and "
    "the number of characters of all documents. Out: one float.",
    pseudocode="nats ← minus the sum of all log-probabilities\n"
    "bits ← nats / ln 2\n"
    "return bits / number of characters",
)


EXERCISES: tuple[Exercise, ...] = (
    COUNT_PAIRS,
    MERGE_PAIR,
    LEARN_MERGES,
    APPLY_MERGES,
    LONGEST_MATCH,
    BITS_PER_CHARACTER,
)
