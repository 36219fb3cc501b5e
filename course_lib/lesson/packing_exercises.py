"""The exercises of lesson 05a on the end of the line: windows for a model, and what a test shares.

Letters in shapes: W windows, T1 = n_tokens + 1.
"""

from collections.abc import Callable, Sequence
from itertools import chain

import torch
from torch import Tensor

from course_lib.data.deduplication import shingles_of
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_error, right_except_on

Texts = Sequence[Sequence[int]]
Shape = dict[str, int]
TOO_LITTLE = "too little text for one window"
TEXTS = ([5, 6, 7, 8], [9], [11, 12, 13, 14, 15, 16, 17], [18, 19])


def _marked(texts: Texts, end_id: int) -> list[int]:
    return list(chain.from_iterable((*text, end_id) for text in texts))


def _marked_in_front(texts: Texts, end_id: int) -> list[int]:
    return list(chain.from_iterable((end_id, *text) for text in texts))


def _marked_between(texts: Texts, end_id: int) -> list[int]:
    return _marked(texts, end_id)[:-1]


def _unmarked(texts: Texts, end_id: int) -> list[int]:
    return list(chain.from_iterable(texts))


def _windows(ids: list[int], size: int, step: int) -> Tensor:
    """Cut windows of `size` ids at every `step`."""
    rows = [ids[start : start + size] for start in range(0, len(ids) - size + 1, step)]
    return torch.tensor(rows, dtype=torch.long).reshape(-1, size)


def _packed(
    join: Callable[[Texts, int], list[int]],
    size: Callable[[int], int] = lambda n: n + 1,
    step: Callable[[int], int] = lambda n: n,
) -> Callable[..., Tensor]:
    """Make a twin of `pack_windows` from its parts."""

    def twin(texts: Texts, *, n_tokens: int, end_id: int) -> Tensor:
        if n_tokens < 1:
            raise ValueError(f"n_tokens must be ≥ 1; got n_tokens={n_tokens}.")
        return _windows(join(texts, end_id), size(n_tokens), step(n_tokens))

    return twin


def _text_by_text(texts: Texts, *, n_tokens: int, end_id: int) -> Tensor:
    size = n_tokens + 1
    return torch.cat([_windows([*text, end_id], size, n_tokens) for text in texts])


def _rest_padded(texts: Texts, *, n_tokens: int, end_id: int) -> Tensor:
    ids = _marked(texts, end_id)
    ids += [end_id] * (-(len(ids) - 1) % n_tokens)
    return _windows(ids, n_tokens + 1, n_tokens)


def _as_lists(observations: tuple[Observation, ...]) -> bool:
    plain = [one for one in observations if one.case.raises is None and one.case.why != TOO_LITTLE]
    return all(
        isinstance(one.value, list)
        and [[int(token) for token in row] for row in one.value] == one.expected.tolist()
        for one in plain
    )


PACK_WINDOWS = Exercise(
    key="05a:pack_windows",
    target="course_lib.data.packing:pack_windows",
    level="core",
    cases=(
        Case(
            why="two texts that fill two windows exactly",
            args=lambda: ([[5, 6, 7], [8, 9]],),
            options=dict(n_tokens=3, end_id=0),
        ),
        Case(
            why="four texts, three tokens a window",
            args=lambda: (list(TEXTS),),
            options=dict(n_tokens=3, end_id=2),
        ),
        Case(
            why="four texts, eight tokens a window",
            args=lambda: (list(TEXTS),),
            options=dict(n_tokens=8, end_id=0),
        ),
        Case(
            why="one long text",
            args=lambda: ([list(range(3, 26))],),
            options=dict(n_tokens=5, end_id=1),
        ),
        Case(
            why="windows that ask for one token",
            args=lambda: ([[7, 8], [9]],),
            options=dict(n_tokens=1, end_id=4),
        ),
        Case(
            why=TOO_LITTLE,
            args=lambda: ([[5, 6], [7]],),
            options=dict(n_tokens=5, end_id=0),
        ),
        Case(
            why="windows that ask for nothing",
            args=lambda: (list(TEXTS),),
            options=dict(n_tokens=0, end_id=0),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="no-end-marks",
            twin=_packed(_unmarked),
            hint="You join the texts without marks. Then the model learns that the last word of "
            "one text leads to the first of the next. What belongs between them?",
        ),
        Mistake(
            name="marks-in-front",
            twin=_packed(_marked_in_front),
            hint="Your marks stand in front of the texts. Behind each, a model also learns when "
            "to stop at the end of the last one.",
        ),
        Mistake(
            name="last-window-lost",
            twin=_packed(_marked_between),
            hint="Where the ids fill the last window exactly, you lose it. Has the last text its "
            "mark, too? And does your loop go as far as the last place where a window fits?",
        ),
        Mistake(
            name="window-one-too-short",
            twin=_packed(_marked, size=lambda n: n),
            hint="Your windows hold `n_tokens` ids, so they ask for one token fewer: nothing "
            "stands before the first. How many ids ask for `n_tokens` tokens?",
        ),
        Mistake(
            name="windows-side-by-side",
            twin=_packed(_marked, step=lambda n: n + 1),
            hint="Your windows do not overlap, so the first id of each is never asked for. The "
            "last id of one window must be the first of the next.",
        ),
        Mistake(
            name="a-window-at-every-id",
            twin=_packed(_marked, step=lambda n: 1),
            hint="A window begins at every id, so every token is asked for again and again. By "
            "how many ids must the next window begin later?",
        ),
        Mistake(
            name="text-by-text",
            twin=_text_by_text,
            hint="You cut each text for itself and lose the end of every one of them. Join them "
            "all first, then cut.",
        ),
        Mistake(
            name="rest-padded",
            twin=_rest_padded,
            hint="You fill the last window up with end marks. Then the model is asked for marks "
            "that no text has. Leave out what fills no window.",
        ),
        Mistake(
            name="lists-instead-of-a-tensor",
            seen=_as_lists,
            hint="The windows are right, but in lists. A model reads one tensor of shape "
            "(W, n_tokens + 1).",
        ),
        Mistake(
            name="too-little-text",
            seen=right_except_on(TOO_LITTLE),
            hint="Where there is too little text for one window, return a tensor of no windows: "
            "shape (0, n_tokens + 1), whole numbers.",
        ),
        Mistake(
            name="accepts-any-length",
            seen=right_but_for_the_error,
            hint="A window must ask for at least one token: raise a ValueError for n_tokens "
            "below 1.",
        ),
    ),
    nudge="First one long list of ids: each text, and a mark behind it. Then: where does each "
    "window begin, and how long is it?",
    shapes="In: a list of lists of ids. Out: a tensor of whole numbers (int64) of shape "
    "(W, n_tokens + 1).",
    pseudocode="ids ← all texts in a row, end_id behind each\n"
    "a window begins at 0, n_tokens, 2 · n_tokens, … while n_tokens + 1 ids are left\n"
    "return the windows as the rows of one tensor",
)


Shares = Callable[[str, Sequence[str], int], float]


def _each(share: Shares) -> Callable[..., list[float]]:
    """Make a twin of `overlap_shares` from what it says of one test text."""

    def twin(tests: Sequence[str], training: Sequence[str], *, n_units: int = 8) -> list[float]:
        if n_units < 1:
            raise ValueError(f"n_units must be ≥ 1; got n_units={n_units}.")
        return [share(test, training, n_units) for test in tests]

    return twin


def _read(training: Sequence[str], n_units: int) -> frozenset[tuple[str, ...]]:
    return frozenset(run for text in training for run in shingles_of(text, n_units))


def _share(test: str, training: Sequence[str], n_units: int) -> float:
    runs = shingles_of(test, n_units)
    return len(runs & _read(training, n_units)) / len(runs) if runs else 0.0


def _of_the_training(test: str, training: Sequence[str], n_units: int) -> float:
    read = _read(training, n_units)
    return len(shingles_of(test, n_units) & read) / len(read) if read else 0.0


def _jaccard(test: str, training: Sequence[str], n_units: int) -> float:
    runs, read = shingles_of(test, n_units), _read(training, n_units)
    return len(runs & read) / len(runs | read) if runs else 0.0


def _fails_on_empty(test: str, training: Sequence[str], n_units: int) -> float:
    runs = shingles_of(test, n_units)
    return len(runs & _read(training, n_units)) / len(runs)


QUOTE = "it was a bright cold day in april and the clocks were striking"

OVERLAP_SHARES = Exercise(
    key="05a:overlap_shares",
    target="course_lib.data.contamination:overlap_shares",
    level="core",
    cases=(
        Case(
            why="runs of two words",
            args=lambda: (["a b c d", "x y z"], ["so a b c or", "x y"]),
            options=dict(n_units=2),
        ),
        Case(
            why="runs that lie in two training texts",
            args=lambda: (["a b c d e f"], ["a b c", "d e f", "q r s t u v w"]),
            options=dict(n_units=2),
        ),
        Case(
            why="a test that only a joined training text would hold",
            args=lambda: (["a b c d"], ["q a b", "c d r"]),
            options=dict(n_units=3),
        ),
        Case(
            why="whole sentences, runs of eight words",
            args=lambda: (
                [QUOTE, f"{QUOTE} thirteen times", "the clocks were striking a bright cold day"],
                [f"They say: {QUOTE}.", "Nothing else."],
            ),
        ),
        Case(
            why="a test that repeats itself",
            args=lambda: (["a b a b a b c"], ["b c"]),
            options=dict(n_units=2),
        ),
        Case(
            why="an empty test among others",
            args=lambda: (["", "a b"], ["a b"]),
            options=dict(n_units=2),
        ),
        Case(
            why="runs of no words",
            args=lambda: (["a"], ["a"]),
            options=dict(n_units=0),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="share-of-the-training",
            twin=_each(_of_the_training),
            hint="You divide by the number of runs in the training texts. We ask about the test: "
            "what share of *its* runs has the model read?",
        ),
        Mistake(
            name="jaccard",
            twin=_each(_jaccard),
            hint="You divide by the runs in either. The more training text, the smaller your "
            "number, however much of the test stands in it.",
        ),
        Mistake(
            name="words-instead-of-runs",
            twin=_each(lambda test, training, _: _share(test, training, 1)),
            hint="You compare single words. Nearly every word of any test is in the training; "
            "compare runs of `n_units` words.",
        ),
        Mistake(
            name="length-ignored",
            twin=_each(lambda test, training, _: _share(test, training, 8)),
            hint="You use runs of eight words, whatever `n_units` says. That is only its default.",
        ),
        Mistake(
            name="training-joined",
            twin=_each(lambda test, training, n: _share(test, [" ".join(training)], n)),
            hint="You join the training texts and then cut runs, so some reach from the end of "
            "one text into the next. Nobody wrote those.",
        ),
        Mistake(
            name="any-run-is-all",
            twin=_each(lambda test, training, n: float(_share(test, training, n) > 0)),
            hint="One common run makes the whole test “seen” for you. Return the share of its "
            "runs.",
        ),
        Mistake(
            name="only-whole-texts",
            twin=_each(lambda test, training, n: float(any(test in text for text in training))),
            hint="You look for the whole test in a training text. One changed word hides it. "
            "Compare runs of words.",
        ),
        Mistake(
            name="most-similar-text-only",
            twin=_each(lambda test, training, n: max(_share(test, [one], n) for one in training)),
            hint="You compare with one training text at a time and keep the largest share. A "
            "model reads them all: put their runs into one set.",
        ),
        Mistake(
            name="empty-test-fails",
            twin=_each(_fails_on_empty),
            hint="A test without words has no runs, and you divide by their number. Its share "
            "is 0.",
        ),
        Mistake(
            name="accepts-any-length",
            seen=right_but_for_the_error,
            hint="A run must have at least one word: raise a ValueError for n_units below 1.",
        ),
    ),
    nudge="Collect all runs of words of the training in one set. Then ask, for each test: which "
    "of its runs are in there?",
    shapes="In: two lists of texts, and the length of a run in words. Out: a list of numbers "
    "from 0 to 1, one per test.",
    pseudocode="read ← all shingles of all training texts (your `shingles_of` makes them)\n"
    "for each test: runs ← its shingles\n"
    "    share ← number of runs that are in read / number of runs; 0 if it has none\n"
    "return the shares",
)
