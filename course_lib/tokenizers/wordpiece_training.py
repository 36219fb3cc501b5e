"""Learning WordPiece's vocabulary: which neighbouring pieces become one."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise


def split_letters(word: str) -> tuple[str, ...]:
    """Cut a word into characters, with "##" before all but the first.

    Example:
        >>> split_letters("hug")
        ('h', '##u', '##g')
    """
    return tuple(f"##{letter}" if place else letter for place, letter in enumerate(word))


def join_pieces(left: str, right: str) -> str:
    """Make one piece of two neighbours.

    Example:
        >>> join_pieces("h", "##u"), join_pieces("##u", "##g")
        ('hu', '##ug')
    """
    return left + right.removeprefix("##")


def pair_scores(words: Mapping[tuple[str, ...], int]) -> dict[tuple[str, str], float]:
    """Score neighbouring pieces as the papers describe WordPiece: how far they belong together.

    The score is count(ab) / (count(a) · count(b)). It is high for pieces that rarely occur apart,
    however rare both are: the highest score there is, 1, goes to two that were seen once, together.

    Args:
        words: How often each word occurs, with the word as its pieces.

    Reference:
        Schuster and Nakajima 2012, "Japanese and Korean Voice Search", section 3.
        Unlike the paper, which joins the pair that raises the likelihood of the texts most, this is
        the ratio inside that likelihood, without the number of times it counts.

    Example:
        Nearly every "u" here is followed by "g", but "s" never comes without "g" before it:

        >>> counts = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
        >>> scores = pair_scores({split_letters(word): n for word, n in counts.items()})
        >>> max(scores, key=scores.get), round(1 / scores["##g", "##s"])
        (('##g', '##s'), 20)
    """
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for pieces, count in words.items():
        for piece in pieces:
            singles[piece] += count
        for pair in pairwise(pieces):
            pairs[pair] += count
    return {(a, b): count / (singles[a] * singles[b]) for (a, b), count in pairs.items()}


class _Joining:
    """Words as pieces, with the counts of their pairs kept up to date while pieces are joined."""

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        self.words = [split_letters(word) for word in word_counts]
        self._counts = list(word_counts.values())
        self._pair_counts: Counter[tuple[str, str]] = Counter()
        self._words_with: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for index, pieces in enumerate(self.words):
            self._count(index, pieces)
        self._heap = [(-count, pair) for pair, count in self._pair_counts.items()]
        heapq.heapify(self._heap)

    def _count(self, index: int, pieces: tuple[str, ...]) -> None:
        for pair in pairwise(pieces):
            self._pair_counts[pair] += self._counts[index]
            self._words_with[pair].add(index)

    def pop(self) -> tuple[tuple[str, str], int] | None:
        """Return the most frequent pair, the first in the alphabet among equals, and its count."""
        while self._heap:
            negative, pair = heapq.heappop(self._heap)
            count = self._pair_counts[pair]
            if count == -negative:
                return pair, count
            heapq.heappush(self._heap, (-count, pair))  # the entry was out of date
        return None

    def join(self, pair: tuple[str, str]) -> None:
        """Make every such pair one piece."""
        grown: set[tuple[str, str]] = set()
        for index in self._words_with.pop(pair):
            before, after = self.words[index], _join_all(self.words[index], pair)
            for old in pairwise(before):
                self._pair_counts[old] -= self._counts[index]
                self._words_with[old].discard(index)
            self.words[index] = after
            self._count(index, after)
            grown.update(set(pairwise(after)) - set(pairwise(before)))
        for new in grown:
            heapq.heappush(self._heap, (-self._pair_counts[new], new))


def _join_all(pieces: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    joined: list[str] = []
    place = 0
    while place < len(pieces):
        if pieces[place : place + 2] == pair:
            joined.append(join_pieces(*pair))
            place += 2
        else:
            joined.append(pieces[place])
            place += 1
    return tuple(joined)


def learn_wordpieces(
    word_counts: Mapping[str, int], n_pieces: int, *, min_count: int = 2
) -> list[str]:
    """Learn pieces: all characters, then again and again the most frequent pair as one piece.

    Args:
        word_counts: How often each word occurs.
        n_pieces: How many pieces to have in the end, characters included. They may become fewer.
        min_count: A pair seen less often is not joined (≥ 1).

    Returns:
        The characters that begin a word or stand alone, those that continue one, and then what was
        joined, in that order of time.

    Raises:
        ValueError: If the characters are more than `n_pieces`, or `min_count` is below 1.

    Reference:
        Schuster and Nakajima 2012, "Japanese and Korean Voice Search", section 3.
        Unlike the paper, pairs are joined by their count, as in byte-pair encoding; so does Hugging
        Face's `WordPieceTrainer`, and Google's own trainer was never published.

    Example:
        The two rules disagree from the first pair on (see `pair_scores` for its choice, "##gs"):

        >>> learn_wordpieces({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, 14)[-3:]
        ['##ug', '##un', 'hug']
    """
    if min_count < 1:
        raise ValueError(f"min_count must be ≥ 1; got min_count={min_count}.")
    joining = _Joining(word_counts)
    letters = sorted({letter for word in word_counts for letter in word})
    inner = sorted({piece for pieces in joining.words for piece in pieces[1:]})
    known = dict.fromkeys([*letters, *inner])
    if len(known) > n_pieces:
        raise ValueError(
            f"there must be room for all {len(known):,} characters (each once, and once more if it "
            f"continues a word); got room for {n_pieces:,}. Raise vocab_size."
        )
    while len(known) < n_pieces:
        best = joining.pop()
        if best is None or best[1] < min_count:
            break
        joining.join(best[0])
        known[join_pieces(*best[0])] = None  # may be known from other parts already
    return list(known)
