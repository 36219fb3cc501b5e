"""Conversations: messages with roles, written out as the one text that a model reads.

A model knows no roles, only tokens. What keeps them apart are special tokens that nobody can type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol, runtime_checkable

ROLES = ("system", "user", "assistant")
"""Who speaks: the one who sets up the conversation, the one who asks, the model."""


@runtime_checkable
class Encoder(Protocol):
    """Any tokenizer of ours: plain text never gives its special tokens."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Special tokens with their ids."""
        ...

    def encode(self, text: str) -> list[int]:
        """Turn text into ids."""
        ...


@dataclass(frozen=True)
class Message:
    """What one side says.

    Attributes:
        role: Who says it, one of `ROLES`.
        content: What.

    Raises:
        ValueError: If there is no such role.
    """

    role: str
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role must be one of {list(ROLES)}; got {self.role!r}.")


class _Piece(NamedTuple):
    is_marker: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class ChatFormat:
    """How messages are written out. The default is ChatML, which many models were trained with.

    A turn is: start, role, after_role, content, end, after_turn. A model that writes the
    assistant's turn ends it with `end`: `Rules(end_id=tokenizer.special_tokens[chat.end])`.

    Attributes:
        start: Special token before a role; "" for none.
        end: Special token behind a content; "" for none.
        after_role: Text between a role and a content.
        after_turn: Text between two turns.

    Reference:
        OpenAI 2023, "Chat Markup Language",
        https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md

    Example:
        >>> plain = ChatFormat(start="", end="", after_role=": ")
        >>> print(plain.render([Message("user", "Who lives here?")]), end="…")
        user: Who lives here?
        assistant: …
    """

    start: str = "<|im_start|>"
    end: str = "<|im_end|>"
    after_role: str = "\n"
    after_turn: str = "\n"

    def render(self, messages: Sequence[Message], *, opens_answer: bool = True) -> str:
        """Write a conversation out as text, to be looked at.

        A content that spells out a marker cannot be told from a marker here: to a model, give
        what `encode` returns.

        Args:
            messages: The conversation.
            opens_answer: Whether the assistant's turn is begun at the end.
        """
        return "".join(piece.text for piece in self._pieces(messages, opens_answer))

    def encode(
        self, messages: Sequence[Message], tokenizer: Encoder, *, opens_answer: bool = True
    ) -> list[int]:
        """Turn a conversation into ids. Only the markers become special tokens.

        Args:
            messages: The conversation.
            tokenizer: Has the markers among its special tokens.
            opens_answer: Whether the assistant's turn is begun at the end.

        Raises:
            ValueError: If a marker is no special token of the tokenizer.

        Example:
            >>> from course_lib.tokenizers import ByteTokenizer
            >>> tokenizer = ByteTokenizer(["<|im_start|>", "<|im_end|>"])
            >>> ids = ChatFormat().encode([Message("user", "<|im_end|>")], tokenizer)
            >>> ids.count(tokenizer.special_tokens["<|im_end|>"])
            1
        """
        for marker in filter(None, (self.start, self.end)):
            if marker not in tokenizer.special_tokens:
                raise ValueError(
                    f"tokenizer must have the special token {marker!r}; got "
                    f"{sorted(tokenizer.special_tokens)}. Train one with it, or use other markers."
                )
        ids: list[int] = []
        pieces = (piece for piece in self._pieces(messages, opens_answer) if piece.text)
        for is_marker, group in groupby(pieces, key=lambda piece: piece.is_marker):
            texts = [piece.text for piece in group]
            if is_marker:
                ids += [tokenizer.special_tokens[text] for text in texts]
            else:
                ids += tokenizer.encode("".join(texts))
        return ids

    def _pieces(self, messages: Sequence[Message], opens_answer: bool) -> list[_Piece]:
        pieces = []
        for message in messages:
            pieces += self._opening(message.role)
            pieces += [_Piece(False, message.content), _Piece(True, self.end)]
            pieces += [_Piece(False, self.after_turn)]
        return pieces + self._opening("assistant") if opens_answer else pieces

    def _opening(self, role: str) -> list[_Piece]:
        return [_Piece(True, self.start), _Piece(False, role + self.after_role)]


def fit_messages(
    messages: Sequence[Message],
    n_tokens: int,
    tokenizer: Encoder,
    chat: ChatFormat | None = None,
) -> list[Message]:
    """Shorten a conversation to a number of tokens: its oldest turns are dropped.

    A turn is what the user says, and all up to the next thing that the user says. Messages of the
    system are never dropped, nor is the newest turn.

    Args:
        messages: The conversation.
        n_tokens: How many tokens the prompt may have, with the assistant's turn begun: the model's
            length without room for the answer.
        tokenizer: Has the markers among its special tokens.
        chat: How messages are written out; ChatML if None.

    Raises:
        ValueError: If what cannot be dropped is too long.

    Example:
        >>> from course_lib.tokenizers import ByteTokenizer
        >>> plain = ChatFormat(start="", end="", after_role=": ")
        >>> turns = [Message("user", "Hi"), Message("assistant", "Hi!"), Message("user", "Bye")]
        >>> fit_messages(turns, 30, ByteTokenizer(), plain)
        [Message(role='user', content='Bye')]
    """
    chat = ChatFormat() if chat is None else chat
    starts = [0, *(at for at, message in enumerate(messages) if message.role == "user")]
    for start in starts:
        kept = _from_turn(messages, start)
        if len(chat.encode(kept, tokenizer)) <= n_tokens:
            return kept
    n_needed = len(chat.encode(_from_turn(messages, starts[-1]), tokenizer))
    raise ValueError(
        f"n_tokens must be at least {n_needed}, for the system's messages and the newest turn; "
        f"got n_tokens={n_tokens}. Shorten them, or leave less room for the answer."
    )


def _from_turn(messages: Sequence[Message], start: int) -> list[Message]:
    return [m for at, m in enumerate(messages) if at >= start or m.role == "system"]
