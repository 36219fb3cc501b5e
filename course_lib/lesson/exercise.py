"""What an exercise is: its cases, the mistakes known by name, and its staged hints."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

BROKEN_SUFFIX = "_broken"
"""The broken version of `module:name` is `module_broken:name`."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of a learner's answer.

    Attributes:
        why: What the case is about, as it reads after "on"; for example "two equal vectors".
        args: Makes the positional arguments, fresh for every call, the same each time; of the
            exercise's `trial`, if it has one.
        raises: The exception the answer must raise; None if it must return.
        options: Keyword arguments; a twin must take them, too.
    """

    why: str
    args: Callable[[], tuple[Any, ...]]
    raises: type[Exception] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an answer did on one case.

    Attributes:
        case: The case.
        expected: What the library returns (None where the case expects an exception).
        value: What the answer returned (None if it raised).
        error: What the answer raised, if it did.
        changed_input: Whether the answer changed its arguments otherwise than the library does.
        printed: What it printed, cut off where nobody reads on.
    """

    case: Case
    expected: Any
    value: Any = None
    error: BaseException | None = None
    changed_input: bool = False
    printed: str = ""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer we know by name; exactly one of `twin` and `seen` is given.

    Attributes:
        name: Short and unique within the exercise, with hyphens: "divided-by-d-model".
        hint: What the learner did, and the question that leads on; not the solution.
        twin: A function that makes this mistake. An answer that agrees with it on every case
            (and differs from the library on one) has made it too. Cases that must raise count
            only for an answer that is right on all others.
        seen: Recognises the mistake from what a wrong answer did on all cases.
        in_arguments: Whether `seen` is also asked where all results are right, and only the
            arguments are not left as the library leaves them.
    """

    name: str
    hint: str
    twin: Callable[..., Any] | None = None
    seen: Callable[[tuple[Observation, ...]], bool] | None = None
    in_arguments: bool = False

    def __post_init__(self) -> None:
        if (self.twin is None) == (self.seen is None):
            raise ValueError(f"mistake {self.name!r} must have exactly one of twin and seen.")


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A function or class the learner writes, and how we tell whether, and where, it went wrong.

    Attributes:
        key: Lesson and function, as in `check("01:unigram_weights", ...)`.
        target: The library's version, "module:name".
        level: How hard it is.
        cases: What the answer is tried on; at least three, so that no constant passes.
        mistakes: The ones known by name, the most specific first; at least four.
        nudge: First hint: which idea is missing.
        shapes: Second hint: what goes in, what comes out, with shapes or types.
        pseudocode: Third hint: the steps in words. The fourth is the library's source.
        trial: For a class: makes an object of it and uses it; takes the class, then a case's
            arguments, and returns what is judged. None for a function, which is simply called.
        tolerance: Largest accepted difference, relative or absolute, of two numbers.
        limit_seconds: Time for all cases together.
        repair: Whether the lesson hands out a broken version, to be repaired, instead of a blank.
    """

    key: str
    target: str
    level: Literal["easy", "core", "stretch"]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    nudge: str
    shapes: str
    pseudocode: str
    trial: Callable[..., Any] | None = None
    tolerance: float = 1e-5
    limit_seconds: float = 5.0
    repair: bool = False

    def __post_init__(self) -> None:
        if self.key.partition(":")[2] != self.name:
            raise ValueError(
                f"key must end in the target's name {self.name!r}; got key={self.key!r}."
            )
        if len(self.cases) < 3 or len(self.mistakes) < 4:
            raise ValueError(f"{self.key} must have at least 3 cases and 4 mistakes.")

    @property
    def name(self) -> str:
        """The name of the function or class."""
        return self.target.partition(":")[2]

    def reference(self) -> Callable[..., Any]:
        """Import the library's version."""
        module = self.target.partition(":")[0]
        return getattr(importlib.import_module(module), self.name)

    def broken(self) -> Callable[..., Any]:
        """Import the broken version that the lesson hands out; only if it hands one out."""
        module = self.target.partition(":")[0] + BROKEN_SUFFIX
        return getattr(importlib.import_module(module), self.name)

    def on_trial(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """Make the function that takes a case's arguments.

        Args:
            answer: The library's version, a learner's, or the twin of a mistake.
        """
        return answer if self.trial is None else partial(self.trial, answer)
