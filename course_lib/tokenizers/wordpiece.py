"""WordPiece, BERT's tokenizer: every word is cut, from the left, into the longest pieces known."""

import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from course_lib.tokenizers.bert_text import is_cjk, split_bert_words, trace_bert_words
from course_lib.tokenizers.pretokens import check_texts
from course_lib.tokenizers.special import check_id, encode_around_special
from course_lib.tokenizers.wordpiece_json import read_wordpiece_json, write_wordpiece_json
from course_lib.tokenizers.wordpiece_training import learn_wordpieces

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_MAX_WORD_CHARACTERS = 100  # a longer word is unknown as a whole
_MAX_CACHED_WORDS = 2**18
# What follows a word without a blank when ids are turned back into text.
_CLOSERS = (".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re")


def longest_match(word: str, vocabulary: Collection[str], *, unknown: str = "[UNK]") -> list[str]:
    """Cut one word into pieces: the longest known beginning, then again with what is left.

    Args:
        word: A word without blanks.
        vocabulary: The known pieces; those that continue a word begin with "##". A set or a dict is
            fast, a list is not.
        unknown: What to return when some remainder begins with no known piece. The whole word is
            then unknown: the pieces already found are dropped.

    Returns:
        The pieces, or `[unknown]`; nothing for an empty word.

    Reference:
        Wu et al. 2016, "Google's Neural Machine Translation System", section 4.1,
        https://arxiv.org/abs/1609.08144

    Example:
        >>> vocabulary = {"un", "##aff", "##able", "##a"}
        >>> longest_match("unaffable", vocabulary)
        ['un', '##aff', '##able']
        >>> longest_match("unaffected", vocabulary)  # nothing known begins with "ected"
        ['[UNK]']
    """
    pieces: list[str] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            piece = prefix + word[start:end]
            if piece in vocabulary:
                break
        else:
            return [unknown]
        pieces.append(piece)
        start = end
    return pieces


def _index_tokens(tokens: Sequence[str]) -> dict[str, int]:
    missing = [token for token in SPECIAL_TOKENS if token not in tokens]
    if missing:
        raise ValueError(
            f"a BERT vocabulary must contain {', '.join(SPECIAL_TOKENS)}; got {len(tokens):,} "
            f"tokens without {', '.join(missing)}. Is it a vocab.txt of BERT, one token a line?"
        )
    ids: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if ids.setdefault(token, index) != index:
            raise ValueError(
                f"tokens must differ from each other; got {token!r} as {ids[token]} and {index}."
            )
    return ids


class WordPieceTokenizer:
    """BERT's tokenizer: text to ids and back, the same ids as Hugging Face's.

    Text is cleaned and split into words (see `split_bert_words`), each word into pieces (see
    `longest_match`). Special tokens are never read out of plain text unless you allow it: the text
    "[MASK]" is the three words "[", "mask", "]".

    Attributes:
        tokens: All tokens; `tokens[i]` has id `i`.
        special_tokens: The ids of [PAD], [UNK], [CLS], [SEP] and [MASK].
        lower: Whether case and accents are folded ("uncased").

    Example:
        >>> tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "un", "##happy", "cat"])
        >>> tokenizer.encode("Unhappy CAT!"), tokenizer.tokenise("Unhappy CAT!")
        ([5, 6, 7, 1], ['un', '##happy', 'cat', '[UNK]'])
        >>> tokenizer.decode([5, 6, 7, 1])
        'unhappy cat [UNK]'
    """

    tokens: list[str]
    special_tokens: dict[str, int]
    lower: bool

    def __init__(self, tokens: Sequence[str], *, lower: bool = True) -> None:
        """Use a ready list of tokens.

        Args:
            tokens: The tokens in the order of their ids, special tokens included.
            lower: Whether to fold case and accents. Must be what the vocabulary was made with.

        Raises:
            ValueError: If a special token is missing or a token occurs twice.
        """
        self.tokens, self.lower = list(tokens), lower
        self._ids = _index_tokens(self.tokens)
        self.special_tokens = {token: self._ids[token] for token in SPECIAL_TOKENS}
        self._word_ids: dict[str, list[int]] = {}
        self._expects_cjk = any(map(is_cjk, self.tokens))

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int, lower: bool = True, min_count: int = 2
    ) -> "WordPieceTokenizer":
        """Learn a vocabulary from texts.

        Args:
            texts: Any number of texts; they are read once.
            vocab_size: How many tokens to have in the end, special ones and single characters
                included. It may become fewer when no pair is left that is frequent enough.
            lower: Whether to fold case and accents.
            min_count: How often a pair of pieces must stand side by side to become one (≥ 1).

        Raises:
            TypeError: If `texts` is a single string.
            ValueError: If `vocab_size` has no room for the special tokens and all characters seen.

        Reference:
            Schuster and Nakajima 2012, "Japanese and Korean Voice Search", section 3.
            Unlike the paper, which joins the pair that makes the texts most likely (`pair_scores`),
            this joins the most frequent pair, as Hugging Face's trainer does: see
            `learn_wordpieces`, which shows the difference.
        """
        word_counts: dict[str, int] = {}
        for text in check_texts(texts):
            for word in split_bert_words(text, lower=lower):
                word_counts[word] = word_counts.get(word, 0) + 1
        n_pieces = vocab_size - len(SPECIAL_TOKENS)
        pieces = learn_wordpieces(word_counts, n_pieces, min_count=min_count)
        return cls([*SPECIAL_TOKENS, *pieces], lower=lower)

    @classmethod
    def from_vocab(cls, path: str | Path, *, lower: bool = True) -> "WordPieceTokenizer":
        """Read the vocab.txt of any BERT: one token a line, in the order of their ids.

        Args:
            path: The file.
            lower: Whether the model is "uncased"; the file does not say.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is a folder, or not such a vocabulary.
        """
        path = Path(path)
        if path.is_dir():
            raise ValueError(f"path must be a vocab.txt; got the folder {path}.")
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        return cls([line.rstrip() for line in lines], lower=lower)

    @classmethod
    def load(cls, path: str | Path) -> "WordPieceTokenizer":
        """Read a Hugging Face tokenizer.json of BERT's kind, ours or another's.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it describes a tokenizer that does something else.
        """
        tokens, lower = read_wordpiece_json(path)
        return cls(tokens, lower=lower)

    def save(self, path: str | Path) -> None:
        """Write a tokenizer.json that `tokenizers.Tokenizer.from_file` reads.

        Its `encode` adds [CLS] and [SEP], as `encode_pair` does here.

        Args:
            path: The file; overwritten if it exists.
        """
        write_wordpiece_json(path, self.tokens, self.special_tokens, lower=self.lower)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.tokens)

    def tokenise(self, text: str) -> list[str]:
        """Cut text into pieces, as strings.

        Args:
            text: Any text.
        """
        return [self.tokens[index] for index in self.encode(text)]

    def encode(self, text: str, *, allowed_special: Iterable[str] = ()) -> list[int]:
        """Turn text into ids, without [CLS] and [SEP].

        Args:
            text: Any text.
            allowed_special: Special tokens that count as such where the text spells them out.

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If it holds a lone surrogate, or if `allowed_special` names none of ours.

        Warns:
            UserWarning: Once, if the text has Chinese characters and the vocabulary none.
        """
        return encode_around_special(text, self.special_tokens, allowed_special, self._encode_plain)

    def encode_pair(
        self, text: str, second: str | None = None, *, allowed_special: Iterable[str] = ()
    ) -> tuple[list[int], list[int]]:
        """Turn one text or two into BERT's input: [CLS] text [SEP], then perhaps second [SEP].

        Args:
            text: The first text.
            second: The second one, if there is any.
            allowed_special: As in `encode`; ("[MASK]",) for a text with gaps.

        Returns:
            The ids, and for each its segment: 0 up to the first [SEP], then 1.

        Example:
            >>> tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "a", "b"])
            >>> tokenizer.encode_pair("a a", "b")
            ([2, 5, 5, 3, 6, 3], [0, 0, 0, 0, 1, 1])
        """
        start, end = self.special_tokens["[CLS]"], self.special_tokens["[SEP]"]
        first = [start, *self.encode(text, allowed_special=allowed_special), end]
        if second is None:
            return first, [0] * len(first)
        rest = [*self.encode(second, allowed_special=allowed_special), end]
        return first + rest, [0] * len(first) + [1] * len(rest)

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Turn text into ids, and say where in the text each of them comes from.

        Args:
            text: Any text.

        Returns:
            The ids, and for each the characters it covers: `text[start:end]`.

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If it holds a lone surrogate.

        Example:
            >>> tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "un", "##happy", "cat"])
            >>> tokenizer.encode_with_offsets("Unhappy  CAT")
            ([5, 6, 7], [(0, 2), (2, 7), (9, 12)])
        """
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for word, places in trace_bert_words(text, lower=self.lower):
            word_ids = self._encode_word(word)
            start = 0
            for index in word_ids:
                piece = self.tokens[index].removeprefix("##") if start else self.tokens[index]
                end = len(word) if index == self.special_tokens["[UNK]"] else start + len(piece)
                offsets.append((places[start], places[end - 1] + 1))
                start = end
            ids += word_ids
        return ids, offsets

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into text. Case, accents and the original white space are lost for good.

        Args:
            ids: The ids; special tokens are written out.

        Raises:
            ValueError: If an id is none of this vocabulary.
        """
        text = ""
        for token in map(self.token_of, ids):
            if text and token.startswith("##"):
                text += token.removeprefix("##")
            else:
                text += token if not text or token.startswith(_CLOSERS) else f" {token}"
        return text

    def token_of(self, index: int) -> str:
        """Return the token with an id.

        Raises:
            ValueError: If there is none.
        """
        return self.tokens[check_id(index, len(self.tokens))]

    def id_of(self, token: str) -> int:
        """Return the id of a token.

        Raises:
            ValueError: If there is no such token.
        """
        if token not in self._ids:
            raise ValueError(f"token must be one of the {self.vocab_size:,} tokens; got {token!r}.")
        return self._ids[token]

    def unknown_share(self, text: str) -> float:
        """Say which share of a text's words is unknown: near 1 means that the vocabulary is wrong.

        Args:
            text: Any text.

        Returns:
            From 0 to 1; 0 for a text without words.
        """
        words = split_bert_words(text, lower=self.lower)
        unknown = [self.special_tokens["[UNK]"]]
        return sum(self._encode_word(w) == unknown for w in words) / max(len(words), 1)

    def _encode_plain(self, text: str) -> list[int]:
        known, ids = self._word_ids, []
        for word in split_bert_words(text, lower=self.lower):
            ids += known[word] if word in known else self._encode_word(word)
        return ids

    def _encode_word(self, word: str) -> list[int]:
        if word in self._word_ids:
            return self._word_ids[word]
        if not self._expects_cjk and is_cjk(word):
            self._warn_of_cjk()
        unknown = len(word) > _MAX_WORD_CHARACTERS
        pieces = ["[UNK]"] if unknown else longest_match(word, self._ids)
        if len(self._word_ids) >= _MAX_CACHED_WORDS:
            self._word_ids.clear()
        self._word_ids[word] = ids = [self._ids[piece] for piece in pieces]
        return ids

    def _warn_of_cjk(self) -> None:
        self._expects_cjk = True  # said once
        warnings.warn(
            "The text has Chinese characters, but the vocabulary has none: each becomes [UNK]. "
            "Use a vocabulary made for Chinese, such as that of bert-base-chinese.",
            stacklevel=6,
        )
