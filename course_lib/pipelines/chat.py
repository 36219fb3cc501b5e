"""A conversation that remembers what was said, as long as there is room."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Unpack

from course_lib.generation import ChatFormat, Message, fit_messages
from course_lib.pipelines.answering import require_text
from course_lib.pipelines.writer import GenerationSettings, Writer, Writing, read_settings

PLAIN = ChatFormat(start="", end="", after_role=": ")
"""For a model that knows no tokens of a conversation: the roles stand there as words."""

NEXT_TURN = ("\nuser:", "\nassistant:", "\nsystem:")
"""Where a model without an end-of-turn token goes on with somebody else's words."""


class ChatPipeline:
    """Answers what it is told, and remembers the conversation.

    What does not fit into the model any more is forgotten from the oldest turn on; the system
    prompt never is.

    Args:
        writer: The language model. One that was not trained on conversations goes on with
            something, but does not answer: none of the models of the course was.
        system_prompt: What the model is told first; "" for nothing.
        chat: How messages are written out; None: ChatML if the tokenizer has its tokens, else
            words.

    Attributes:
        messages: What was said so far, the system prompt first.
    """

    def __init__(
        self, writer: Writer, *, system_prompt: str = "", chat: ChatFormat | None = None
    ) -> None:
        self.writer = writer
        self.chat = chat or _format_of(writer)
        self.system_prompt = system_prompt
        self.messages: list[Message] = []
        self.reset()

    def reset(self) -> None:
        """Forget the conversation, but not the system prompt."""
        self.messages = [Message("system", self.system_prompt)] if self.system_prompt else []

    def __call__(
        self, inputs: str | list[dict[str, str]], **settings: Unpack[GenerationSettings]
    ) -> dict[str, Any]:
        """Say something and be answered; both are remembered.

        Args:
            inputs: What the user says; or a whole conversation as a list of dictionaries with
                "role" and "content", which takes the place of the one remembered.
            settings: See `GenerationSettings`; one answer at a time.

        Returns:
            `{"generated_text": …}`: the answer.

        Raises:
            TypeError: If the input is neither, or there is no such setting.
            ValueError: If the text is empty, a role is unknown, the last message is not the
                user's, or what cannot be forgotten is too long. The conversation then stays as
                it was.
        """
        return {"generated_text": "".join(self.stream(inputs, **settings))}

    def stream(
        self, inputs: str | list[dict[str, str]], **settings: Unpack[GenerationSettings]
    ) -> Iterator[str]:
        """Say something; the answer comes in pieces while it is written.

        Both are remembered when the last piece was taken, or as far as the answer got.

        Args:
            inputs: As in a call.
            settings: As in a call.

        Raises:
            TypeError: As in a call, at once.
            ValueError: As in a call, at once.
        """
        said = self._conversation(inputs)
        writing = read_settings(settings)
        if writing.sampling is not None and writing.sampling.n_sequences > 1:
            raise ValueError("num_return_sequences must be 1: a conversation goes on in one way.")
        pieces = self.writer.stream(self._prompt(said, writing), self._with_end(writing))
        return self._remember(said, pieces)

    def _conversation(self, inputs: Any) -> list[Message]:
        if isinstance(inputs, str):
            return [*self.messages, Message("user", require_text(inputs, "what is said"))]
        try:
            said = [Message(item["role"], item["content"]) for item in inputs]
        except (TypeError, KeyError):
            raise TypeError(
                "inputs must be a text, or a list of dictionaries with role and content; got "
                f"{inputs!r}."
            ) from None
        if not said or said[-1].role != "user":
            raise ValueError(f"the last message must be the user's; got {inputs!r}.")
        return said

    def _prompt(self, said: list[Message], writing: Writing) -> list[int]:
        """Write out as much of the conversation as leaves room for the answer."""
        writer = self.writer
        if writer.max_len is not None:
            room = writer.max_len - len(writer.start_ids)
            said = fit_messages(
                said, room - min(writing.max_new_tokens, room // 2), writer.coder, self.chat
            )
        return [*writer.start_ids, *self.chat.encode(said, writer.coder)]

    def _with_end(self, writing: Writing) -> Writing:
        """End an answer where somebody else's turn would begin."""
        if self.chat.end:
            return replace(writing, end_id=self.writer.coder.special_tokens[self.chat.end])
        return replace(writing, stop=(*writing.stop, *NEXT_TURN))

    def _remember(self, said: list[Message], pieces: Iterator[str]) -> Iterator[str]:
        answer = ""
        try:
            for piece in pieces:
                answer += piece
                yield piece
        finally:
            self.messages = [*said, Message("assistant", answer)]


def _format_of(writer: Writer) -> ChatFormat:
    chatml = ChatFormat()
    known = writer.coder.special_tokens
    return chatml if {chatml.start, chatml.end} <= known.keys() else PLAIN
