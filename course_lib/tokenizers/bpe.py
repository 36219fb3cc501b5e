"""Byte-pair encoding: by the book, on any symbols, and byte-level as GPT-2 has it.

The first four functions are algorithm 1 of Sennrich et al. 2016, written to be read. The tokenizer
below gives the ids of Hugging Face's `tokenizers`, and is written to be fast.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path

from course_lib.tokenizers.bpe_encoding import ChunkCache, PretokenCache
from course_lib.tokenizers.bpe_training import count_pretokens, train_merges
from course_lib.tokenizers.pretokens import (
    bytes_of,
    check_text,
    printable,
    split_chunks,
)
from course_lib.tokenizers.special import (
    check_id,
    check_special_tokens,
    check_unforgeable,
    encode_around_special,
)
from course_lib.tokenizers.tokenizer_json import (
    BPEParts,
    bpe_model,
    byte_level,
    read_bpe,
    read_gpt2_files,
    write_tokenizer_json,
)


def count_pairs(words: Mapping[tuple[str, ...], int]) -> Counter[tuple[str, str]]:
    """Count how often each two symbols stand side by side.

    Args:
        words: Words as tuples of symbols, and how often each word was seen.

    Returns:
        The count of every pair of neighbours, over all words. Pairs overlap: ("a", "a", "a") holds
        ("a", "a") twice.

    Example:
        >>> count_pairs({("l", "o", "w"): 5, ("l", "o"): 2})
        Counter({('l', 'o'): 7, ('o', 'w'): 5})
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            pairs[pair] += count
    return pairs


def merge_pair(word: Sequence[str], pair: tuple[str, str]) -> tuple[str, ...]:
    """Make one symbol of a pair wherever it stands in a word, from left to right.

    Args:
        word: The symbols of a word, in a tuple or a list, which stays as it is.
        pair: The two symbols to join.

    Example:
        >>> merge_pair(("a", "a", "a", "b"), ("a", "a"))
        ('aa', 'a', 'b')
    """
    merged: list[str] = []
    at = 0
    while at < len(word):
        if tuple(word[at : at + 2]) == pair:
            merged.append(pair[0] + pair[1])
            at += 2
        else:
            merged.append(word[at])
            at += 1
    return tuple(merged)


def learn_merges(
    word_counts: Mapping[tuple[str, ...], int], n_merges: int
) -> list[tuple[str, str]]:
    """Learn which pairs to merge: again and again the most frequent one.

    Equally frequent pairs are taken in alphabetical order, that of the pairs, not of the joined
    symbols: ("a", "bb") comes before ("ab", "a"). Every round reads all words: on real text use
    `BPETokenizer.train`.

    Args:
        word_counts: Words as tuples of symbols, and how often each was seen.
        n_merges: How many pairs to merge (≥ 0), also such as occur once; fewer if no pair is
            left.

    Returns:
        The pairs, in the order in which they were merged.

    Raises:
        ValueError: If `n_merges` is negative.

    Reference:
        Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword
        Units", algorithm 1, https://aclanthology.org/P16-1162.

    Example:
        >>> learn_merges({("l", "o", "w"): 5, ("l", "o", "t"): 2}, n_merges=2)
        [('l', 'o'), ('lo', 'w')]
    """
    if n_merges < 0:
        raise ValueError(f"n_merges must be ≥ 0; got n_merges={n_merges}.")
    words = Counter(dict(word_counts))
    merges: list[tuple[str, str]] = []
    while len(merges) < n_merges:
        pairs = count_pairs(words)
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged: Counter[tuple[str, ...]] = Counter()
        for word, count in words.items():
            merged[merge_pair(word, best)] += count
        words = merged
    return merges


def apply_merges(word: Sequence[str], merges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Cut a word into tokens: apply learnt merges in the order in which they were learnt.

    Args:
        word: The symbols of a word, or a string, whose characters are the symbols.
        merges: Pairs, the first learnt first. Each has its turn once.

    Returns:
        The tokens, in a tuple even if nothing was merged.

    Example:
        >>> apply_merges("lowlow", [("l", "o"), ("lo", "w")])
        ('low', 'low')
    """
    symbols = tuple(word)
    for pair in merges:
        symbols = merge_pair(symbols, pair)
    return symbols


class BPETokenizer:
    """GPT-2's tokenizer: text to UTF-8 bytes, bytes merged by learnt rules, within pre-tokens.

    There is no unknown word: every text can be written in the 256 bytes. Ids are those that
    Hugging Face's `tokenizers` gives with the same file.

    Attributes:
        merges: The pairs of tokens that are merged, the most urgent first.
        special_tokens: Special tokens with their ids. Plain text never gives them.

    Example:
        >>> tokenizer = BPETokenizer.train(["low lower lowest"], vocab_size=260)
        >>> tokenizer.tokenise("low slow"), tokenizer.decode(tokenizer.encode("从前 🙂"))
        (['low', 'Ġ', 's', 'low'], '从前 🙂')
    """

    merges: list[tuple[bytes, bytes]]
    special_tokens: dict[str, int]

    def __init__(
        self,
        vocabulary: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Mapping[str, int] | None = None,
    ) -> None:
        """Put together a tokenizer; usually `train`, `load` or `from_gpt2_files` does it.

        Args:
            vocabulary: The bytes of every token, with its id.
            merges: Pairs of tokens; if a pair stands twice, its later place counts.
            special_tokens: Special tokens with their ids.

        Raises:
            ValueError: If there are no merges, if one of the 256 bytes or a token that a merge
                needs is missing, if a merge gives a special token, or if the ids are
                not 0, 1, 2 and so on.
        """
        self.special_tokens = dict(special_tokens or {})
        self.merges = list(dict.fromkeys(reversed(merges)))[::-1]
        self._ids = dict(vocabulary)
        _check_parts(self._ids, self.merges, self.special_tokens)
        self._bytes = {i: token for token, i in self._ids.items()}
        self._bytes |= {i: token.encode() for token, i in self.special_tokens.items()}
        self._ids_of_chunk = ChunkCache(PretokenCache(self._ids, self.merges))

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int, special_tokens: Iterable[str] = ()
    ) -> "BPETokenizer":
        """Learn a vocabulary from texts; the same merges as `tokenizers` learns.

        Special tokens get the first ids, then come the 256 bytes, then merges. If the texts
        have too few different pairs, the vocabulary stays smaller than asked for.

        Args:
            texts: The texts, each on its own; a generator is read once, and nothing kept of it.
            vocab_size: How many tokens, special ones and the 256 bytes included.
            special_tokens: Marks that plain text must not give, such as "<|endoftext|>".

        Raises:
            TypeError: If `texts` or `special_tokens` is one string.
            ValueError: If `vocab_size` leaves no room for a merge, if the texts hold no
                pair of bytes or a lone surrogate, or if a special token is one
                pre-token, which merges could make from plain text.
        """
        special = check_special_tokens(special_tokens)
        check_unforgeable(special)
        if vocab_size <= 256 + len(special):
            raise ValueError(
                f"vocab_size must be above {256 + len(special)}: 256 bytes, {len(special)} special "
                f"tokens and at least one merge; got vocab_size={vocab_size}."
            )
        tokens, merges = train_merges(count_pretokens(texts), vocab_size - len(special))
        if not merges:
            raise ValueError("texts must hold some pair of bytes to learn from; got none.")
        vocabulary = {token: len(special) + i for i, token in enumerate(tokens)}
        return cls(vocabulary, merges, {token: i for i, token in enumerate(special)})

    @classmethod
    def from_gpt2_files(cls, vocab_json: str | Path, merges_txt: str | Path) -> "BPETokenizer":
        """Read GPT-2's own pair of files.

        Entries of the vocabulary that no merge gives, such as <|endoftext|>, are special tokens.

        Args:
            vocab_json: The file usually called vocab.json.
            merges_txt: The file usually called merges.txt.

        Raises:
            FileNotFoundError: If one of the files is missing.
            ValueError: If they do not make a whole tokenizer.
        """
        return cls._from_parts(read_gpt2_files(vocab_json, merges_txt))

    @classmethod
    def load(cls, path: str | Path) -> "BPETokenizer":
        """Read a tokenizer.json, our own or Hugging Face's, of GPT-2's kind.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is of another kind, is untrained, or does anything to a
                text that would give it other ids.
        """
        return cls._from_parts(read_bpe(path, use_regex=True))

    @classmethod
    def _from_parts(cls, parts: BPEParts) -> "BPETokenizer":
        """Turn printable names into bytes."""
        vocabulary = {bytes_of(name): i for name, i in parts.vocabulary.items()}
        merges = [(bytes_of(first), bytes_of(second)) for first, second in parts.merges]
        return cls(vocabulary, merges, parts.special_tokens)

    def save(self, path: str | Path) -> None:
        """Write a tokenizer.json, which `tokenizers.Tokenizer.from_file` reads, too.

        Args:
            path: The file; its folder must exist.
        """
        vocabulary = {printable(token): i for token, i in self._ids.items()}
        merges = [(printable(first), printable(second)) for first, second in self.merges]
        write_tokenizer_json(
            path,
            model=bpe_model(vocabulary | self.special_tokens, merges),
            special_tokens=self.special_tokens,
            pre_tokenizer=byte_level(use_regex=True),
            decoder=byte_level(use_regex=True),
        )

    @property
    def vocab_size(self) -> int:
        """The number of tokens, special ones included."""
        return len(self._bytes)

    def encode(self, text: str, *, allowed_special: Iterable[str] = ()) -> list[int]:
        """Turn text into ids.

        Args:
            text: Any text without lone surrogates.
            allowed_special: Special tokens to recognise in the text; `tokenizer.special_tokens`
                allows all. Any other is read as plain text.

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If it holds a lone surrogate, or if `allowed_special` names none of ours.
        """
        return encode_around_special(text, self.special_tokens, allowed_special, self._encode_plain)

    def _encode_plain(self, text: str) -> list[int]:
        """Encode text in which nothing is special."""
        ids_of_chunk = self._ids_of_chunk
        try:
            return list(chain.from_iterable(map(ids_of_chunk.__getitem__, split_chunks(text))))
        except (TypeError, UnicodeEncodeError):
            check_text(text)  # says what is wrong with it
            raise

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Turn plain text into ids, and say where in the text each of them stands.

        Args:
            text: Any text without lone surrogates.

        Returns:
            The ids, and for each the half-open span of characters that it touches. Tokens that
            share the bytes of one character all have this character in their spans.
        """
        ids = self.encode(text)
        character_of_byte = [
            place for place, character in enumerate(text) for _ in character.encode()
        ]
        offsets: list[tuple[int, int]] = []
        end = 0
        for token_id in ids:
            start, end = end, end + len(self._bytes[token_id])
            offsets.append((character_of_byte[start], character_of_byte[end - 1] + 1))
        return ids, offsets

    def tokenise(self, text: str) -> list[str]:
        """Cut plain text into tokens, in printable form: Ġ is a blank, Ċ a line end."""
        return [self.token_of(token_id) for token_id in self.encode(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into text; bytes that are no whole character become �.

        Args:
            ids: Ids of tokens, special ones included.

        Raises:
            ValueError: If an id is not in the vocabulary.
        """
        return b"".join(self._bytes[check_id(i, self.vocab_size)] for i in ids).decode(
            "utf-8", "replace"
        )

    def token_of(self, token_id: int) -> str:
        """Write a token in printable form; a special token is itself.

        Raises:
            ValueError: If the id is not in the vocabulary.
        """
        token = self._bytes[check_id(token_id, self.vocab_size)]
        return token.decode() if token_id in self.special_tokens.values() else printable(token)

    def id_of(self, token: str) -> int:
        """Look up a token's id.

        Args:
            token: In printable form, or special.

        Raises:
            ValueError: If there is no such token.
        """
        if token in self.special_tokens:
            return self.special_tokens[token]
        found = self._ids.get(bytes_of(token))
        if found is None:
            raise ValueError(
                f"token must be one of the {self.vocab_size:,} tokens, a blank written as Ġ; "
                f"got {token!r}."
            )
        return found


def _check_parts(
    ids: Mapping[bytes, int],
    merges: Sequence[tuple[bytes, bytes]],
    special_tokens: Mapping[str, int],
) -> None:
    """Refuse a vocabulary, merges and special tokens that do not make a tokenizer."""
    if not merges:
        raise ValueError(
            "merges must hold at least one pair: this tokenizer is untrained. Use "
            "BPETokenizer.train, or ByteTokenizer, which needs no training."
        )
    needed = [bytes([byte]) for byte in range(256)]
    needed += [token for first, second in merges for token in (first, second, first + second)]
    missing = [token for token in needed if token not in ids]
    if missing:
        raise ValueError(
            "vocabulary must hold all 256 bytes and every token that a merge needs; it lacks "
            f"{printable(missing[0])!r}."
        )
    names = {printable(token) for token in ids}
    forged = [mark for mark in special_tokens if mark in names or mark.encode() in ids]
    if forged:
        raise ValueError(f"a special token must not be a plain token, too; got {forged[0]!r}.")
    if sorted([*ids.values(), *special_tokens.values()]) != list(
        range(len(ids) + len(special_tokens))
    ):
        raise ValueError("ids must be 0, 1, 2 and so on, each once; got gaps or repetitions.")
