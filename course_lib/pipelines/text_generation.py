"""Texts that go on from a beginning."""

from collections.abc import Iterator, Sequence
from typing import Any, Unpack

from course_lib.pipelines.answering import answer_many, answer_one, is_many
from course_lib.pipelines.writer import GenerationSettings, Writer, read_settings


class TextGenerationPipeline:
    """Goes on with a text.

    Args:
        writer: The language model.
        batch_size: How many texts are written together (≥ 1).
    """

    def __init__(self, writer: Writer, *, batch_size: int) -> None:
        self.writer = writer
        self.batch_size = batch_size

    def __call__(
        self,
        inputs: str | Sequence[str],
        return_full_text: bool = True,
        **settings: Unpack[GenerationSettings],
    ) -> list[Any]:
        """Go on with a prompt or with many.

        Args:
            inputs: A prompt, or a list of prompts; "" begins a text from nothing, if the model
                has a token for it.
            return_full_text: Whether the prompt stands before what is new.
            settings: See `GenerationSettings`.

        Returns:
            A list of `{"generated_text": …}` for a prompt, a list of such lists for many.

        Raises:
            TypeError: If the one input is no text, or there is no such setting.
            ValueError: If a setting is out of range, or does not go with another.

        Warns:
            UserWarning: If prompts were cut or could not be answered.
        """
        writing = read_settings(settings)

        def answer(prompts: Sequence[str]) -> list[list[dict[str, str]]]:
            written = self.writer.write(prompts, writing)
            return [
                [{"generated_text": prompt + text if return_full_text else text} for text in texts]
                for prompt, texts in zip(prompts, written, strict=True)
            ]

        if is_many(inputs):
            return answer_many(inputs, check_prompt, answer, self.batch_size)
        return answer_one(inputs, check_prompt, answer)

    def stream(self, prompt: str, **settings: Unpack[GenerationSettings]) -> Iterator[str]:
        """Go on with a prompt; hand out the new text in pieces while it is written.

        Args:
            prompt: The beginning.
            settings: See `GenerationSettings`; one text at a time.

        Raises:
            TypeError: At once, if the prompt is no text, or there is no such setting.
            ValueError: At once, as in a call.
        """
        return self.writer.stream(self.writer.encode(check_prompt(prompt)), read_settings(settings))


def check_prompt(prompt: Any) -> str:
    """Refuse what is no text; an empty one may begin a text.

    Args:
        prompt: What was given.

    Raises:
        TypeError: If it is no string.
    """
    if not isinstance(prompt, str):
        raise TypeError(f"the prompt must be a text; got {type(prompt).__name__}: {prompt!r}.")
    return prompt
