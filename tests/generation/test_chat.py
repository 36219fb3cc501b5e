from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from course_lib.generation import ChatFormat, Message, fit_messages
from course_lib.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, WordPieceTokenizer
from course_lib.tokenizers.wordpiece import SPECIAL_TOKENS

MARKERS = ["<|im_start|>", "<|im_end|>"]
BPE = BPETokenizer.train(
    ["user\nassistant\nsystem\nYou help. 你好"] * 2, vocab_size=290, special_tokens=MARKERS
)
CHATML = """{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content']
+ '<|im_end|>' + '\\n'}}{% endfor %}
{%- if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}"""
TALK = [
    Message("system", "You help."),
    Message("user", "你好"),
    Message("assistant", "Hello!"),
    Message("user", "Who are\nyou?"),
]
PLAIN = ChatFormat(start="", end="", after_role=": ")


def test_written_out_by_hand() -> None:
    assert ChatFormat().render(TALK[:2]) == (
        "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert ChatFormat().render(TALK[:1], opens_answer=False) == (
        "<|im_start|>system\nYou help.<|im_end|>\n"
    )
    assert PLAIN.render(TALK[1:3]) == "user: 你好\nassistant: Hello!\nassistant: "
    assert ChatFormat().render([]) == "<|im_start|>assistant\n"


@pytest.mark.parametrize("opens_answer", [True, False])
def test_text_and_ids_are_those_of_transformers(tmp_path: Path, opens_answer: bool) -> None:
    BPE.save(tmp_path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), chat_template=CHATML
    )
    talk = [{"role": message.role, "content": message.content} for message in TALK]
    options: Any = {"add_generation_prompt": opens_answer}
    text = theirs.apply_chat_template(talk, tokenize=False, **options)
    assert ChatFormat().render(TALK, opens_answer=opens_answer) == text
    ids = theirs.apply_chat_template(talk, return_dict=False, **options)
    assert ChatFormat().encode(TALK, BPE, opens_answer=opens_answer) == ids


TOKENIZERS = [
    BPE,
    ByteTokenizer(MARKERS),
    CharTokenizer.train(["".join(map(chr, range(10, 127))) + "你好"], special_tokens=MARKERS),
]
CONTENTS = st.lists(
    st.sampled_from(["a", "\n", "你", *MARKERS, "<|im_", "start|>", "system\n"]), max_size=5
).map("".join)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), CONTENTS), max_size=4))
def test_no_content_can_fake_a_marker(turns: list[tuple[Any, str]]) -> None:
    talk = [Message(*turn) for turn in turns]
    for tokenizer in TOKENIZERS:
        ids = ChatFormat().encode(talk, tokenizer)
        start, end = (tokenizer.special_tokens[marker] for marker in MARKERS)
        assert (ids.count(start), ids.count(end)) == (len(talk) + 1, len(talk))
        assert tokenizer.decode(ids) == ChatFormat().render(talk)


def test_a_format_without_markers_is_plain_text() -> None:
    assert PLAIN.encode(TALK, BPE) == BPE.encode(PLAIN.render(TALK))
    one = ChatFormat(start="<|im_end|>", end="", after_role="", after_turn="")
    assert one.encode(TALK[:1], BPE) == [
        BPE.id_of("<|im_end|>"),
        *BPE.encode("systemYou help."),
        BPE.id_of("<|im_end|>"),
        *BPE.encode("assistant"),
    ]


def test_other_markers() -> None:
    tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "user", "hi", "assistant"])
    chat = ChatFormat(start="[CLS]", end="[SEP]", after_role=" ", after_turn="")
    ids = chat.encode([Message("user", "hi")], tokenizer)
    assert tokenizer.decode(ids) == "[CLS] user hi [SEP] [CLS] assistant"


def test_a_marker_that_is_no_special_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"special token '<\|im_end\|>'; got \['<\|im_start\|>'\]"):
        ChatFormat().encode(TALK, ByteTokenizer(MARKERS[:1]))


def test_a_role_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"\['system', 'user', 'assistant'\]; got 'robot'"):
        Message("robot", "Beep.")


LONG = [
    Message("assistant", "0"),
    Message("system", "1"),
    Message("user", "2"),
    Message("assistant", "3"),
    Message("user", "4"),
    Message("user", "5"),
    Message("assistant", "6"),
    Message("system", "7"),
    Message("user", "8"),
]


def test_the_oldest_turns_are_dropped_by_hand() -> None:
    chat = ChatFormat(start="", end="", after_role="", after_turn="")
    tokenizer = ByteTokenizer()
    n_all = len(chat.encode(LONG, tokenizer))
    sizes = {"012345678": n_all, "12345678": n_all - 10}  # "assistant0"
    sizes["145678"] = sizes["12345678"] - 5 - 10  # "user2assistant3"
    sizes["15678"] = sizes["145678"] - 5
    sizes["178"] = sizes["15678"] - 5 - 10
    assert sizes["178"] == 7 + 7 + 5 + 9
    for left, n_tokens in sizes.items():
        kept = fit_messages(LONG, n_tokens, tokenizer, chat)
        assert "".join(message.content for message in kept) == left
        assert len(chat.encode(kept, tokenizer)) == n_tokens
    with pytest.raises(ValueError, match=r"n_tokens must be at least 28, .*; got n_tokens=27"):
        fit_messages(LONG, 27, tokenizer, chat)
    with pytest.raises(ValueError, match="n_tokens must be at least 22"):
        fit_messages(LONG[:1], 21, tokenizer, ChatFormat(start="", end="", after_role="\n"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(LONG), max_size=7), st.integers(0, 120))
def test_what_is_kept_is_all_that_fits(messages: list[Message], n_tokens: int) -> None:
    tokenizer = ByteTokenizer(MARKERS)
    try:
        kept = fit_messages(messages, n_tokens, tokenizer)
    except ValueError:
        users = [at for at, message in enumerate(messages) if message.role == "user"]
        last = messages[users[-1] :] if users else messages
        before = messages[: users[-1]] if users else []
        least = [message for message in before if message.role == "system"] + last
        assert len(ChatFormat().encode(least, tokenizer)) > n_tokens
        return
    assert len(ChatFormat().encode(kept, tokenizer)) <= n_tokens
    assert [m for m in kept if m.role == "system"] == [m for m in messages if m.role == "system"]
    if len(ChatFormat().encode(messages, tokenizer)) <= n_tokens:
        assert kept == messages
    elif kept != messages and any(m.role != "system" for m in kept):
        assert next(m for m in kept if m.role != "system").role == "user"
