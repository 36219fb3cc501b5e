"""Python code that goes on from a beginning, and that Python can read."""

import ast
from collections.abc import Sequence
from typing import Any

from course_lib.generation import Sampling
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.writer import Writer, Writing


class CodeCompletionPipeline:
    """Goes on with Python code, and gives only what `ast.parse` accepts.

    The likeliest continuation is tried first, then drawn ones. Of each the longest part is kept
    that Python can read together with the beginning, line by line from its end; if the beginning
    ends inside a line, that line at least is finished.

    Args:
        writer: The language model, best one that has read code.
        batch_size: How many beginnings are gone on with together (≥ 1).
    """

    def __init__(self, writer: Writer, *, batch_size: int) -> None:
        self.writer = writer
        self.batch_size = batch_size

    def __call__(
        self,
        inputs: str | Sequence[str],
        max_new_tokens: int = 40,
        n_tries: int = 4,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> list[Any]:
        """Complete a piece of code or many.

        Args:
            inputs: The beginning of a Python module, or a list of such.
            max_new_tokens: How many tokens are written at most (≥ 1).
            n_tries: How many continuations are drawn if the likeliest one cannot be read (≥ 0).
            temperature: How boldly they are drawn (> 0).
            seed: Of the draws (≥ 0).

        Returns:
            For each beginning a dictionary in a list of its own: `generated_text`, the beginning
            with its continuation, and `parses`, whether Python can read it. If no continuation
            can be read, `parses` is False, and the text is the beginning as it was.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, or a setting out of range.

        Warns:
            UserWarning: If beginnings were cut or could not be answered.
        """
        if n_tries < 0:
            raise ValueError(f"n_tries must be ≥ 0; got n_tries={n_tries}.")
        likeliest = Writing(max_new_tokens=max_new_tokens, seed=seed)
        sampling = Sampling(temperature=temperature, n_sequences=max(1, n_tries))
        drawn = Writing(max_new_tokens=max_new_tokens, seed=seed, sampling=sampling)

        def answer(prompts: Sequence[str]) -> list[list[dict[str, Any]]]:
            first = self.writer.write(prompts, likeliest)
            found = [longest_readable(*pair) for pair in zip(prompts, first, strict=True)]
            rest = [row for row, text in enumerate(found) if text is None]
            if rest and n_tries:
                more = self.writer.write([prompts[row] for row in rest], drawn)
                for row, texts in zip(rest, more, strict=True):
                    found[row] = longest_readable(prompts[row], texts)
            return [
                [{"generated_text": prompt if text is None else text, "parses": text is not None}]
                for prompt, text in zip(prompts, found, strict=True)
            ]

        if is_many(inputs):
            return answer_many(inputs, _check, answer, self.batch_size)
        return answer_one(inputs, _check, answer)


def longest_readable(beginning: str, continuations: Sequence[str]) -> str | None:
    r"""Find the longest code that Python can read among some continuations.

    Args:
        beginning: What they go on from.
        continuations: Any texts; a part of one may be left out at its end, line by line.

    Returns:
        The beginning and the part; None if no part of any can be read. A continuation that adds
        nothing but white space does not count.

    Example:
        >>> longest_readable("def f(x):\n    return", [" x + 1\n\nprint(f(", " 2"])
        'def f(x):\n    return x + 1\n'
    """
    best = None
    for continuation in continuations:
        lines = continuation.splitlines(keepends=True)
        for n_lines in range(len(lines), 0, -1):
            added = "".join(lines[:n_lines])
            if not added.strip():
                break
            if _can_be_read(beginning + added):
                if best is None or len(beginning + added) > len(best):
                    best = beginning + added.rstrip() + ("\n" if added.endswith("\n") else "")
                break
    return best


def _can_be_read(code: str) -> bool:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes such as "\d", which are legal
        try:
            ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _check(text: Any) -> str:
    return require_text(text, "the code")
