"""Few-shot prompts: a task explained by examples in the prompt, without any training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from course_lib.generation.chat import Message


class Shot(NamedTuple):
    """An example of a task: what is asked, and the answer."""

    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class ShotTemplate:
    r"""How examples are written out.

    Attributes:
        question: Before each answer; `{}` stands for what is asked. Most tokenizers join a blank
            with the word behind it, so end without one.
        answer: `{}` stands for the answer.
        between: Between two examples, and behind the instruction.

    Raises:
        ValueError: If `question` or `answer` does not hold `{}` once.

    Example:
        >>> ShotTemplate().ask("Who?"), ShotTemplate().reply("Anna")
        ('Question: Who?\nAnswer:', ' Anna')
    """

    question: str = "Question: {}\nAnswer:"
    answer: str = " {}"
    between: str = "\n\n"

    def __post_init__(self) -> None:
        for name in ("question", "answer"):
            text = getattr(self, name)
            if text.count("{}") != 1:
                raise ValueError(f"{name} must hold {{}} once; got {name}={text!r}.")

    def ask(self, question: str) -> str:
        """Write a question out.

        Args:
            question: What is asked.
        """
        return self.question.replace("{}", question)

    def reply(self, answer: str) -> str:
        """Write an answer out, as it follows a question.

        Args:
            answer: The right one, or a choice that the model is to score.
        """
        return self.answer.replace("{}", answer)


def few_shot_prompt(
    shots: Sequence[Shot],
    question: str,
    *,
    instruction: str = "",
    template: ShotTemplate | None = None,
) -> str:
    r"""Write a prompt: an instruction, some examples with answers, and a question without.

    What a model may answer is `template.reply(choice)`, in the form of the examples; they end with
    `template.between`, which makes a good stop string.

    Args:
        shots: The examples; none for a zero-shot prompt.
        question: What is asked.
        instruction: What the task is; "" for none.
        template: How examples are written out.

    Reference:
        Brown et al. 2020, "Language Models are Few-Shot Learners", figure 2.1,
        https://arxiv.org/abs/2005.14165

    Example:
        >>> few_shot_prompt([Shot("2 + 3", "5")], "4 + 1", instruction="Add.")
        'Add.\n\nQuestion: 2 + 3\nAnswer: 5\n\nQuestion: 4 + 1\nAnswer:'
    """
    template = ShotTemplate() if template is None else template
    parts = [instruction] if instruction else []
    parts += [template.ask(shot.question) + template.reply(shot.answer) for shot in shots]
    return template.between.join([*parts, template.ask(question)])


def few_shot_messages(
    shots: Sequence[Shot], question: str, *, instruction: str = ""
) -> list[Message]:
    """Write the same as a conversation: the examples as turns, the instruction as the system's.

    Args:
        shots: The examples; none for a zero-shot prompt.
        question: What is asked.
        instruction: What the task is; "" for none.

    Example:
        >>> [m.role for m in few_shot_messages([Shot("2 + 3", "5")], "4 + 1")]
        ['user', 'assistant', 'user']
    """
    messages = [Message("system", instruction)] if instruction else []
    for shot in shots:
        messages += [Message("user", shot.question), Message("assistant", shot.answer)]
    return [*messages, Message("user", question)]


def shuffle_answers(shots: Sequence[Shot], generator: torch.Generator) -> list[Shot]:
    """Give the examples each other's answers: what they teach about form stays, not what is true.

    A control: what a model still gains from such examples, it did not gain from right answers.
    Some may keep theirs by chance, or get an equal one.

    Args:
        shots: The examples; they stay as they are.
        generator: Source of the random order.

    Reference:
        Min et al. 2022, "Rethinking the Role of Demonstrations", section 4,
        https://arxiv.org/abs/2202.12837. Unlike the paper, which draws labels anew, this keeps
        how often each occurs.

    Example:
        >>> shots = [Shot("2 + 3", "5"), Shot("4 + 4", "8")]
        >>> sorted(s.answer for s in shuffle_answers(shots, torch.Generator().manual_seed(0)))
        ['5', '8']
    """
    order = torch.randperm(len(shots), generator=generator).tolist()
    return [Shot(shot.question, shots[order[at]].answer) for at, shot in enumerate(shots)]
