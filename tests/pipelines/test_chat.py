from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from course_lib.generation import ChatFormat, Message
from course_lib.pipelines import ChatPipeline, Writer
from course_lib.tokenizers import ByteTokenizer

MARKS = ["<|im_start|>", "<|im_end|>"]


class Parrot(torch.nn.Module):
    """Writes the same words whatever it reads, and remembers what that was."""

    def __init__(self, words: Sequence[int], vocab_size: int) -> None:
        super().__init__()
        self.words, self.vocab_size = list(words), vocab_size
        self.read: list[list[int]] = []
        self.n_new = 0

    def forward(self, ids: Tensor) -> Tensor:
        text = ids[0].tolist()
        goes_on = bool(self.read) and text[:-1] == self.read[-1]
        self.n_new = self.n_new + 1 if goes_on else 0
        self.read.append(text)
        logits = torch.zeros(*ids.shape, self.vocab_size)
        logits[:, -1, self.words[self.n_new % len(self.words)]] = 1.0
        return logits


def make(words: str, marks: Sequence[str] = MARKS, **settings: Any) -> tuple[ChatPipeline, Parrot]:
    tokenizer = ByteTokenizer(marks)
    end = [tokenizer.special_tokens[MARKS[1]]] if marks else []
    parrot = Parrot([*tokenizer.encode(words), *end], tokenizer.vocab_size)
    writer = Writer(parrot, tokenizer, start_ids=[], end_id=None)
    return ChatPipeline(writer, **settings), parrot


def heard(chat: ChatPipeline, parrot: Parrot) -> str:
    """What the model read before it wrote anything."""
    return chat.writer.coder.decode(parrot.read[0])


def test_it_answers_and_remembers() -> None:
    chat, _ = make("Hello")
    assert chat("Hi", max_new_tokens=20) == {"generated_text": "Hello"}
    chat("Bye", max_new_tokens=20)
    assert chat.messages == [
        Message("user", "Hi"),
        Message("assistant", "Hello"),
        Message("user", "Bye"),
        Message("assistant", "Hello"),
    ]


def test_the_model_reads_the_whole_conversation_with_its_roles() -> None:
    chat, parrot = make("Hello", system_prompt="Be kind.")
    chat("Hi", max_new_tokens=20)
    parrot.read.clear()
    chat("Bye", max_new_tokens=20)
    assert heard(chat, parrot) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_without_room_the_oldest_turns_are_forgotten_but_never_the_system_prompt() -> None:
    chat, parrot = make("Hello", marks=(), system_prompt="Be kind.")
    chat.writer.max_len = 95
    for number in range(4):
        parrot.read.clear()
        chat(f"Number {number}", max_new_tokens=10)
    read = heard(chat, parrot)
    assert read.startswith("system: Be kind.\n")
    assert read.endswith("user: Number 3\nassistant: ")
    assert "Number 2" in read
    assert "Number 1" not in read
    assert len(read) <= 85
    assert len(chat.messages) == 9  # the list keeps what the model no longer reads
    with pytest.raises(ValueError, match="n_tokens must be at least"):
        chat("x" * 100, max_new_tokens=10)
    assert len(chat.messages) == 9


def test_without_marks_an_answer_ends_where_the_user_would_speak() -> None:
    chat, _ = make("Hello\nuser: I am", marks=())
    assert chat("Hi", max_new_tokens=30) == {"generated_text": "Hello"}
    assert chat("Hi", max_new_tokens=30, stop_strings=["l"]) == {"generated_text": "He"}


def test_reset_forgets_all_but_the_system_prompt() -> None:
    chat, parrot = make("Hello", system_prompt="Be kind.")
    chat("Hi", max_new_tokens=3)
    chat.reset()
    assert chat.messages == [Message("system", "Be kind.")]
    parrot.read.clear()
    chat("Bye", max_new_tokens=3)
    assert "Hi" not in heard(chat, parrot)


def test_a_stream_is_remembered_as_far_as_it_was_taken() -> None:
    chat, _ = make("Hello")
    assert "".join(chat.stream("Hi", max_new_tokens=20)) == "Hello"
    assert chat.messages[-1] == Message("assistant", "Hello")
    pieces = chat.stream("Hi", max_new_tokens=20)
    first = next(pieces) + next(pieces)
    pieces.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert chat.messages[-1] == Message("assistant", first)


def test_a_whole_conversation_takes_the_place_of_the_one_remembered() -> None:
    chat, parrot = make("Hello")
    chat("Hi", max_new_tokens=3)
    parrot.read.clear()
    said = [{"role": "system", "content": "Short."}, {"role": "user", "content": "Who?"}]
    chat(said, max_new_tokens=20)
    assert "Hi" not in heard(chat, parrot)
    assert [message.role for message in chat.messages] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ("  ", ValueError, "what is said must hold more than white space"),
        (3, TypeError, "inputs must be a text, or a list of dictionaries"),
        ([{"role": "user"}], TypeError, "with role and content"),
        ([{"role": "pope", "content": "x"}], ValueError, "role must be one of"),
        ([{"role": "assistant", "content": "x"}], ValueError, "last message must be the user's"),
        ([], ValueError, "last message must be the user's"),
    ],
)
def test_bad_messages_change_nothing(said: Any, error: type[Exception], message: str) -> None:
    chat, _ = make("Hello")
    chat("Hi", max_new_tokens=3)
    before = list(chat.messages)
    with pytest.raises(error, match=message):
        chat(said)
    assert chat.messages == before


def test_an_answer_is_one_text() -> None:
    chat, _ = make("Hello")
    with pytest.raises(ValueError, match="num_return_sequences must be 1"):
        chat("Hi", do_sample=True, num_return_sequences=2)


def test_another_format_may_be_given() -> None:
    chat, parrot = make("Hello", chat=ChatFormat(start="", end="", after_role=" says "))
    chat("Hi", max_new_tokens=5)
    assert heard(chat, parrot) == "user says Hi\nassistant says "
