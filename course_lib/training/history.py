"""What a run remembers: a line per optimiser step, and what each evaluation said."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

from course_lib.evaluation.perplexity import bits_per_character, perplexity


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The surprise of a model at some texts.

    Attributes:
        step: How many optimiser steps the model had taken.
        nats: Summed over all counted tokens.
        n_tokens: How many tokens were counted.

    Example:
        >>> half = Evaluation(step=0, nats=2.0794, n_tokens=3)  # ln 2 a token
        >>> round(half.perplexity, 2), round(half.bits_per_byte(n_bytes=6), 2)
        (2.0, 0.5)
    """

    step: int
    nats: float
    n_tokens: int

    @property
    def nats_per_token(self) -> float:
        """Cross-entropy, which depends on what the tokens are."""
        return self.nats / self.n_tokens

    @property
    def perplexity(self) -> float:
        """Between how many equally likely tokens the model is as unsure; see `perplexity`."""
        return perplexity(self.nats_per_token)

    def bits_per_byte(self, n_bytes: int) -> float:
        """Share the surprise among the bytes of the text: comparable whatever the tokens are.

        Args:
            n_bytes: Length of the evaluated text in UTF-8 (≥ 1).

        Raises:
            ValueError: If `n_bytes` is below 1.
        """
        if n_bytes < 1:
            raise ValueError(f"n_bytes must be ≥ 1; got n_bytes={n_bytes}.")
        return bits_per_character([np.array([-self.nats])], n_bytes)


@dataclass(kw_only=True)
class History:
    """What happened in a run. The lists have one entry per optimiser step.

    Attributes:
        losses: Loss before the step, in nats per counted token.
        grad_norms: Length of the gradient before clipping; infinite where float16 overflowed and
            the step was left out.
        learning_rates: Of the first group of parameters.
        n_tokens: How many tokens were counted.
        seconds: How long the step took.
        evaluations: On held-out data, in the order they were made.
        stopped_by: What ended the run; empty while it goes on.
    """

    losses: list[float] = field(default_factory=list)
    grad_norms: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    n_tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    stopped_by: Literal["", "n_steps", "patience", "interrupt"] = ""

    def to_json(self) -> str:
        """Write everything down; `from_json` restores it number for number."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Read what `to_json` wrote.

        Args:
            text: The JSON.
        """
        fields = json.loads(text)
        evaluations = [Evaluation(**evaluation) for evaluation in fields.pop("evaluations")]
        return cls(evaluations=evaluations, **fields)
