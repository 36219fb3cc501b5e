"""A conversation with a model: a box to type into, or, where nobody can type, one on paper."""

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from course_lib.generation import Message
from course_lib.plotting.listener import has_listener

if TYPE_CHECKING:
    import ipywidgets

Answer = Callable[[Sequence[Message]], str]
"""Told all that was said, the newest last, gives the assistant's next message."""


def chat(answer: Answer, said: Sequence[str]) -> None:
    """Open a conversation.

    In JupyterLab, Notebook, VS Code and Colab it is a box to type into. Where nobody can type (a
    notebook executed by a program, a terminal) the conversation that begins with `said` is printed.

    Args:
        answer: The model's side. It gets the whole conversation; what it keeps of it, is its own
            affair.
        said: What the user says in the printed conversation.
    """
    text = write_chat(answer, said)
    if not has_listener():
        print(text)
        return
    from IPython.display import display

    box = make_chat_box(answer)
    # Viewers without widgets (a printed page, a code host) show the printed one instead.
    display({**(box._repr_mimebundle_() or {}), "text/plain": text}, raw=True)


def write_chat(answer: Answer, said: Sequence[str]) -> str:
    """Hold a conversation and write it down.

    Args:
        answer: The model's side.
        said: What the user says, one message after the other.

    Example:
        >>> print(write_chat(lambda messages: f"{len(messages)} so far", ["Hello.", "Again."]))
        you:   Hello.
        model: 1 so far
        you:   Again.
        model: 3 so far
    """
    messages: list[Message] = []
    for text in said:
        messages.append(Message("user", text))
        messages.append(Message("assistant", answer(messages)))
    names = {"user": "you:  ", "assistant": "model:"}
    return "\n".join(f"{names[message.role]} {message.content}" for message in messages)


def make_chat_box(answer: Answer) -> "ipywidgets.VBox":
    """Make a log of what was said, a line to type in, and two buttons: say, and forget all.

    Args:
        answer: The model's side.
    """
    import ipywidgets

    messages: list[Message] = []
    log = ipywidgets.HTML()
    line = ipywidgets.Text(placeholder="Say something", layout=ipywidgets.Layout(width="70%"))
    say = ipywidgets.Button(description="Say")
    forget = ipywidgets.Button(description="Forget all")

    def show_log() -> None:
        log.value = "".join(
            f"<p><b>{'you' if m.role == 'user' else 'model'}:</b> {html.escape(m.content)}</p>"
            for m in messages
        )

    def on_say(_button: object) -> None:
        text = line.value.strip()
        if not text:
            return
        line.value = ""
        messages.append(Message("user", text))
        messages.append(Message("assistant", answer(messages)))
        show_log()

    def on_forget(_button: object) -> None:
        messages.clear()
        show_log()

    def on_message(line: object, content: dict[str, str], _buffers: object) -> None:
        if content.get("event") == "submit":  # the Enter key
            on_say(line)

    line.on_msg(on_message)
    say.on_click(on_say)
    forget.on_click(on_forget)
    return ipywidgets.VBox([log, ipywidgets.HBox([line, say, forget])])
