import sys
import types
from collections.abc import Sequence

import ipywidgets
import pytest

from course_lib.generation import Message
from course_lib.lesson.chatting import chat, make_chat_box, write_chat


def parrot(messages: Sequence[Message]) -> str:
    assert [m.role for m in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]
    return f"{len(messages)}: {messages[-1].content}!"


def run_in_front_end(monkeypatch: pytest.MonkeyPatch, allow_input: bool) -> list[dict[str, object]]:
    """Pretend to be in a Jupyter kernel; returns what is displayed."""
    shown: list[dict[str, object]] = []
    kernel = types.SimpleNamespace(_allow_stdin=allow_input)
    fake = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=kernel))
    display = types.SimpleNamespace(display=lambda bundle, raw: shown.append(bundle))
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_conversation_on_paper() -> None:
    assert write_chat(parrot, ["Hi", "Bye"]) == (
        "you:   Hi\nmodel: 1: Hi!\nyou:   Bye\nmodel: 3: Bye!"
    )
    assert write_chat(parrot, []) == ""


def test_programs_get_it_printed_and_people_a_box(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run_in_front_end(monkeypatch, allow_input=False)
    chat(parrot, ["Hi"])
    assert shown == []
    assert capsys.readouterr().out == "you:   Hi\nmodel: 1: Hi!\n"
    shown = run_in_front_end(monkeypatch, allow_input=True)
    chat(parrot, ["Hi"])
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "you:   Hi\nmodel: 1: Hi!"
    assert capsys.readouterr().out == ""


def test_the_box_remembers_until_it_is_told_to_forget() -> None:
    log, row = make_chat_box(parrot).children
    line, say, forget = row.children
    assert isinstance(log, ipywidgets.HTML)
    for text, answer in (("Hi", "1: Hi!"), ("<b>", "3: &lt;b&gt;!")):
        line.value = f" {text} "
        say.click()
        assert line.value == ""
        assert answer in log.value
    assert log.value.count("<p>") == 4
    assert "<b>you:</b> &lt;b&gt;</p>" in log.value
    say.click()  # nothing was typed
    assert log.value.count("<p>") == 4
    forget.click()
    assert log.value == ""
    line.value = "Hi"
    say.click()
    assert "1: Hi!" in log.value


def test_the_enter_key_says_it_too() -> None:
    log, row = make_chat_box(parrot).children
    line = row.children[0]
    line.value = "Hi"
    line._handle_custom_msg({"event": "focus"}, [])
    assert log.value == ""
    line._handle_custom_msg({"event": "submit"}, [])  # what the browser sends
    assert "1: Hi!" in log.value
    assert line.value == ""
