"""Classes that are given with the text: a language model says which one fits best."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_lib.generation import score_choices
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.entailment import EntailmentScorer
from course_lib.pipelines.languages import warn_of_foreign
from course_lib.pipelines.writer import Writer
from course_lib.training.objectives import device_of

HYPOTHESIS = "This text is about {}."


class LikelihoodScorer:
    """Asks a language model how much likelier the text makes a sentence with the label.

    It writes the text, then a sentence with each label. How much likelier the label is there than
    in the same sentence without the text, that is its score: so a label that is common in any
    text has no advantage.

    Args:
        writer: A language model.

    Reference:
        Holtzman et al. 2021, "Surface Form Competition: Why the Highest Probability Answer Isn't
        Always Right", section 4, https://arxiv.org/abs/2104.08315
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def __call__(
        self, text: str, labels: Sequence[str], template: str, multi_label: bool
    ) -> np.ndarray:
        """Score labels for a text; of one too long only the end is read.

        Args:
            text: The text.
            labels: What may fit it.
            template: A sentence with {} for a label.
            multi_label: Whether the labels are judged one by one.

        Returns:
            One score a label. They sum to 1; or, with `multi_label`, each says how much likelier
            than not the text makes the label.
        """
        gains = self._nats(text + "\n", labels, template) - self._nats("", labels, template)
        if multi_label:
            return 1 / (1 + np.exp(-gains))
        powers = np.exp(gains - gains.max())
        return powers / powers.sum()

    def _nats(self, text: str, labels: Sequence[str], template: str) -> np.ndarray:
        """Say how likely each label and what follows it are, in nats a token (≤ 0)."""
        writer = self.writer
        before, _, after = template.partition("{}")
        blank = before[len(before.rstrip()) :]  # the tokenizer joins it with the label
        choices = [writer.coder.encode(blank + label + after) for label in labels]
        prompt = writer.encode(text + before.rstrip())
        if writer.max_len is not None:
            n_start = len(writer.start_ids)
            room = writer.max_len - n_start - max(map(len, choices))
            prompt = prompt[:n_start] + prompt[n_start:][-room:]
        ids = torch.tensor([prompt], device=device_of(writer.model))
        return np.array([score.per_token for score in score_choices(writer.model, ids, choices)])


class ZeroShotClassificationPipeline:
    """Says which of some labels fits a text, without having learnt them.

    transformers asks a model of entailment; so does this, if the model is one. The models of the
    course are not: there a language model says how much likelier the text makes a sentence with
    the label.

    Args:
        model: A model of entailment, or a language model.
        languages: Those that it has read; texts in another are warned of. None: not known.
        batch_size: How many texts are counted as one batch (≥ 1).
    """

    def __init__(
        self,
        model: Writer | EntailmentScorer,
        *,
        languages: Sequence[str] | None,
        batch_size: int,
    ) -> None:
        self.score = LikelihoodScorer(model) if isinstance(model, Writer) else model
        self.languages = languages
        self.batch_size = batch_size

    def __call__(
        self,
        sequences: str | Sequence[str],
        candidate_labels: str | Sequence[str],
        hypothesis_template: str = HYPOTHESIS,
        multi_label: bool = False,
    ) -> Any:
        """Score labels for a text or for many.

        Args:
            sequences: A text, or a list of texts; of one too long only the end is read.
            candidate_labels: The labels, in a list or in one text with commas between them.
            hypothesis_template: A sentence with {} for the label.
            multi_label: Whether several labels may fit: then they are judged one by one, and the
                scores need not sum to 1.

        Returns:
            `{"sequence", "labels", "scores"}`, the best label first; a list of these for many.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If there is no label, one is empty or twice there, the template has no
                {}, or the one input is empty.

        Warns:
            UserWarning: If texts could not be answered or are in another language.
        """
        labels = _labels(candidate_labels)
        if hypothesis_template.count("{}") != 1:
            raise ValueError(f"hypothesis_template must hold {{}} once; got {hypothesis_template}.")

        def answer(texts: Sequence[str]) -> list[dict[str, Any]]:
            found = []
            for text in texts:
                scores = self.score(text, labels, hypothesis_template, multi_label)
                order = np.argsort(-scores, kind="stable")
                found.append(
                    {
                        "sequence": text,
                        "labels": [labels[k] for k in order],
                        "scores": [float(scores[k]) for k in order],
                    }
                )
            return found

        given = list(sequences) if is_many(sequences) else [sequences]
        if self.languages:
            warn_of_foreign(given, self.languages, "this model")
        if is_many(sequences):
            return answer_many(given, _check, answer, self.batch_size)
        return answer_one(sequences, _check, answer)


def _labels(candidate_labels: str | Sequence[str]) -> list[str]:
    if isinstance(candidate_labels, str):
        candidate_labels = candidate_labels.split(",")
    labels = [label.strip() for label in candidate_labels]
    if not labels or not all(labels) or len(set(labels)) < len(labels):
        raise ValueError(
            f"candidate_labels must be at least one, all different, none empty; got {labels}."
        )
    return labels


def _check(text: Any) -> str:
    return require_text(text, "the text")
