"""The two simplest tokenizers: one token per byte, and one per character.

Neither learns merges. Bytes know every text and make it long; characters are shorter, and know only
those that they have seen.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from course_lib.tokenizers.pretokens import (
    BYTE_NAMES,
    bytes_of,
    check_text,
    check_texts,
    printable,
)
from course_lib.tokenizers.special import check_id, check_special_tokens, encode_around_special
from course_lib.tokenizers.tokenizer_json import (
    bpe_model,
    byte_level,
    read_bpe,
    read_special_tokens,
    read_tokenizer_json,
    write_tokenizer_json,
)

UNKNOWN = "<unk>"


class ByteTokenizer:
    """One token per byte of UTF-8: id = byte, and special tokens from 256 on.

    Attributes:
        special_tokens: Special tokens with their ids. Plain text never gives them.

    Example:
        >>> ByteTokenizer().encode("é!")
        [195, 169, 33]
    """

    special_tokens: dict[str, int]

    def __init__(self, special_tokens: Iterable[str] = ()) -> None:
        """Number the special tokens.

        Args:
            special_tokens: Such as "<|endoftext|>".

        Raises:
            TypeError: If `special_tokens` is one string.
            ValueError: If one of them is empty, stands twice, or is a single sign that names a
                byte.
        """
        marks = check_special_tokens(special_tokens)
        names = set(BYTE_NAMES.values()) & set(marks)
        if names:
            raise ValueError(f"a special token must not name a byte; got {min(names)!r}.")
        self.special_tokens = {mark: 256 + place for place, mark in enumerate(marks)}
        self._bytes = [bytes([byte]) for byte in range(256)] + [mark.encode() for mark in marks]

    @classmethod
    def load(cls, path: str | Path) -> "ByteTokenizer":
        """Read what `save` wrote.

        Args:
            path: A tokenizer.json.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds another tokenizer.
        """
        parts = read_bpe(path, use_regex=False)
        marks = sorted(parts.special_tokens, key=parts.special_tokens.__getitem__)
        tokenizer = cls(marks)
        ids = {BYTE_NAMES[byte]: byte for byte in range(256)}
        if parts.merges or parts._replace(merges=[]) != (ids, [], tokenizer.special_tokens):
            raise ValueError(
                f"{path} must give every byte its own number as id and merge nothing; it does not. "
                "Try BPETokenizer.load."
            )
        return tokenizer

    def save(self, path: str | Path) -> None:
        """Write a tokenizer.json, which `tokenizers.Tokenizer.from_file` reads, too.

        Args:
            path: The file; its folder must exist.
        """
        vocabulary = {name: byte for byte, name in BYTE_NAMES.items()}
        write_tokenizer_json(
            path,
            model=bpe_model(vocabulary | self.special_tokens, []),
            special_tokens=self.special_tokens,
            pre_tokenizer=byte_level(use_regex=False),
            decoder=byte_level(use_regex=False),
        )

    @property
    def vocab_size(self) -> int:
        """The number of tokens, special ones included."""
        return len(self._bytes)

    def encode(self, text: str, *, allowed_special: Iterable[str] = ()) -> list[int]:
        """Turn text into ids.

        Args:
            text: Any text without lone surrogates.
            allowed_special: Special tokens to recognise in the text.

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If it holds a lone surrogate, or if `allowed_special` names none of ours.
        """
        return encode_around_special(
            text, self.special_tokens, allowed_special, lambda t: list(check_text(t).encode())
        )

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Turn plain text into ids, and name the character that each of them belongs to.

        Args:
            text: Any text without lone surrogates.

        Returns:
            The ids, and for each the half-open span of its character.
        """
        ids = self.encode(text)
        spans = [(at, at + 1) for at, character in enumerate(text) for _ in character.encode()]
        return ids, spans

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into text; bytes that are no whole character become �.

        Args:
            ids: Ids of tokens, special ones included.

        Raises:
            ValueError: If an id is not in the vocabulary.
        """
        tokens = [self._bytes[check_id(token_id, self.vocab_size)] for token_id in ids]
        return b"".join(tokens).decode("utf-8", "replace")

    def token_of(self, token_id: int) -> str:
        """Write a token in printable form: a blank is Ġ; a special token is itself.

        Raises:
            ValueError: If the id is not in the vocabulary.
        """
        token = self._bytes[check_id(token_id, self.vocab_size)]
        return printable(token) if token_id < 256 else token.decode()

    def id_of(self, token: str) -> int:
        """Look up a token's id.

        Args:
            token: In printable form, or special.

        Raises:
            ValueError: If there is no such token.
        """
        if token in self.special_tokens:
            return self.special_tokens[token]
        if len(token) != 1:
            raise ValueError(f"token must be one printable byte, or special; got {token!r}.")
        return bytes_of(token)[0]


class CharTokenizer:
    """One token per character that was seen in training; any other is <unk>.

    Attributes:
        special_tokens: Special tokens with their ids, <unk> among them with id 0.

    Example:
        >>> tokenizer = CharTokenizer.train(["abba", "cab"])
        >>> ids = tokenizer.encode("abx")
        >>> ids, tokenizer.decode(ids)
        ([1, 2, 0], 'ab<unk>')
    """

    special_tokens: dict[str, int]

    def __init__(self, characters: Sequence[str], special_tokens: Iterable[str] = ()) -> None:
        """Number the tokens: <unk>, the other special ones, and the characters.

        Args:
            characters: All characters it is to know, in the order of their ids.
            special_tokens: Such as "<|endoftext|>"; <unk> is always there and not named here.

        Raises:
            TypeError: If `special_tokens` is one string.
            ValueError: If there are no characters, if one stands twice or is not one character,
                or if a special token is empty, stands twice or is a single character.
        """
        marks = check_special_tokens([UNKNOWN, *check_special_tokens(special_tokens)])
        short = [mark for mark in marks if len(mark) == 1]
        if short:
            raise ValueError(f"a special token must have several characters; got {short[0]!r}.")
        if not characters:
            raise ValueError("characters must hold at least one; this tokenizer is untrained.")
        wrong = [c for c in characters if len(c) != 1 or characters.count(c) > 1]
        if wrong:
            raise ValueError(f"characters must be single and differ; got {wrong[0]!r}.")
        check_text("".join(characters))
        self._tokens = [*marks, *characters]
        self._ids = {character: len(marks) + i for i, character in enumerate(characters)}
        self.special_tokens = {mark: i for i, mark in enumerate(marks)}

    @classmethod
    def train(cls, texts: Iterable[str], *, special_tokens: Iterable[str] = ()) -> "CharTokenizer":
        """Collect the characters of texts, in the order of their code points.

        Args:
            texts: The texts.
            special_tokens: Such as "<|endoftext|>".

        Raises:
            TypeError: If `texts` or `special_tokens` is one string.
            ValueError: If the texts hold no character, or a lone surrogate.
        """
        characters: set[str] = set()
        for text in check_texts(texts):
            characters |= set(check_text(text))
        return cls(sorted(characters), special_tokens)

    @classmethod
    def load(cls, path: str | Path) -> "CharTokenizer":
        """Read what `save` wrote.

        Args:
            path: A tokenizer.json.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds another tokenizer.
        """
        document = read_tokenizer_json(path, "WordLevel")
        ids, special = document["model"]["vocab"], read_special_tokens(document)
        in_order = sorted(ids, key=ids.__getitem__)
        marks, characters = in_order[: len(special)], in_order[len(special) :]
        if marks != sorted(special, key=special.__getitem__) or marks[:1] != [UNKNOWN]:
            raise ValueError(
                f"{path} must begin with special tokens, {UNKNOWN} first; got {marks}."
            )
        tokenizer = cls(characters, marks[1:])
        if document.get("pre_tokenizer") != _CUT_CHARACTERS or document.get("normalizer"):
            raise ValueError(f"{path} must cut texts into characters and do nothing else to them.")
        return tokenizer

    def save(self, path: str | Path) -> None:
        """Write a tokenizer.json, which `tokenizers.Tokenizer.from_file` reads, too.

        Args:
            path: The file; its folder must exist.
        """
        write_tokenizer_json(
            path,
            model={
                "type": "WordLevel",
                "vocab": {token: i for i, token in enumerate(self._tokens)},
                "unk_token": UNKNOWN,
            },
            special_tokens=self.special_tokens,
            pre_tokenizer=_CUT_CHARACTERS,
            decoder={"type": "Fuse"},
        )

    @property
    def vocab_size(self) -> int:
        """The number of tokens, special ones included."""
        return len(self._tokens)

    def encode(self, text: str, *, allowed_special: Iterable[str] = ()) -> list[int]:
        """Turn text into ids; a character that was never seen becomes the id of <unk>.

        Args:
            text: Any text without lone surrogates.
            allowed_special: Special tokens to recognise in the text.

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If it holds a lone surrogate, or if `allowed_special` names none of ours.
        """
        return encode_around_special(text, self.special_tokens, allowed_special, self._encode_plain)

    def _encode_plain(self, text: str) -> list[int]:
        """Encode text in which nothing is special."""
        unknown = self.special_tokens[UNKNOWN]
        return [self._ids.get(character, unknown) for character in check_text(text)]

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Turn plain text into ids, with the half-open span of each one's character.

        Args:
            text: Any text without lone surrogates.
        """
        return self.encode(text), [(at, at + 1) for at in range(len(text))]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into text; characters that were unknown are lost.

        Args:
            ids: Ids of tokens, special ones included.

        Raises:
            ValueError: If an id is not in the vocabulary.
        """
        return "".join(map(self.token_of, ids))

    def token_of(self, token_id: int) -> str:
        """Return a token: a character as it is, or a special token.

        Raises:
            ValueError: If the id is not in the vocabulary.
        """
        return self._tokens[check_id(token_id, self.vocab_size)]

    def id_of(self, token: str) -> int:
        """Look up a token's id.

        Args:
            token: A character, or a special token.

        Raises:
            ValueError: If there is no such token.
        """
        if token in self.special_tokens:
            return self.special_tokens[token]
        if token not in self._ids:
            raise ValueError(f"token must be one of the {self.vocab_size:,} tokens; got {token!r}.")
        return self._ids[token]


_CUT_CHARACTERS = {
    "type": "Split",
    "pattern": {"Regex": "[\\s\\S]"},
    "behavior": "Isolated",
    "invert": False,
}
