"""Applying byte-level merges fast: what was met before is remembered with its ids."""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

from course_lib.tokenizers.pretokens import split_pretokens

CACHE_LIMIT = 2**18


class PretokenCache(dict[str, tuple[int, ...]]):
    """The ids of every pre-token met so far; one that is new is merged when it is looked up.

    Example:
        >>> ids = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256}
        >>> cache = PretokenCache(ids, [(b"a", b"b")])
        >>> cache["abcab"]
        (256, 99, 256)
    """

    def __init__(self, ids: Mapping[bytes, int], merges: Sequence[tuple[bytes, bytes]]) -> None:
        """Turn merges into replacements.

        Args:
            ids: The id of every token.
            merges: Pairs of tokens, the most urgent first.
        """
        super().__init__()
        self._rank_of = {
            (ids[first], ids[second]): rank for rank, (first, second) in enumerate(merges)
        }
        self._merged = [ids[first + second] for first, second in merges]
        self._id_of_byte = [ids[bytes([byte])] for byte in range(256)]

    def __missing__(self, pretoken: str) -> tuple[int, ...]:
        """Merge a pre-token: always the most urgent pair, the leftmost first."""
        rank_of, never = self._rank_of.get, len(self._merged)
        ids = [self._id_of_byte[byte] for byte in pretoken.encode()]
        ranks = [rank_of(pair, never) for pair in pairwise(ids)]
        while ranks and (best := min(ranks)) < never:
            at, merged = ranks.index(best), self._merged[best]
            ids[at : at + 2] = [merged]
            del ranks[at]
            if at > 0:
                ranks[at - 1] = rank_of((ids[at - 1], merged), never)
            if at < len(ranks):
                ranks[at] = rank_of((merged, ids[at + 1]), never)
        if len(self) >= CACHE_LIMIT:
            self.clear()
        found = self[pretoken] = tuple(ids)
        return found


class ChunkCache(dict[str, tuple[int, ...]]):
    """The ids of every chunk met so far; one that is new is cut into pre-tokens."""

    def __init__(self, ids_of_pretoken: PretokenCache) -> None:
        """Start with nothing remembered.

        Args:
            ids_of_pretoken: Gives the ids of pre-tokens.
        """
        super().__init__()
        self._ids_of_pretoken = ids_of_pretoken

    def __missing__(self, chunk: str) -> tuple[int, ...]:
        """Join the ids of a chunk's pre-tokens."""
        ids_of_pretoken = self._ids_of_pretoken.__getitem__
        found = tuple(chain.from_iterable(map(ids_of_pretoken, split_pretokens(chunk))))
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[chunk] = found
        return found
