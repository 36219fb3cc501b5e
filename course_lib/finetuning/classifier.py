"""A text classifier in four calls: make it, fit it, predict, save.

Letters: N = texts, K = classes.
"""

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file

from course_lib.data.batches import InOrder
from course_lib.finetuning.encoders import Encoder, load_encoder, require_finite
from course_lib.finetuning.examples import LabelledTexts, by_length, require_as_many
from course_lib.finetuning.fitting import FitData
from course_lib.finetuning.heads import Pooling, SequenceClassifier
from course_lib.finetuning.labels import (
    Label,
    find_classes,
    number_labels,
    require_every_class,
)
from course_lib.finetuning.losses import ClassifierLoss, balanced_weights
from course_lib.finetuning.strategies import FullFineTuning, Strategy
from course_lib.models import load_tensors
from course_lib.seeding import make_generator
from course_lib.training import History
from course_lib.training.objectives import device_of, padding_of

Labelled = tuple[Sequence[str], Sequence[Label]]
"""Texts and their labels, such as a dev split."""

SETTINGS, HEAD, ENCODER = "classifier.json", "head.safetensors", "encoder"


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """The settings of a `Classifier`, whatever the strategy.

    Attributes:
        pooling: Which vector stands for a text; see `pool`. None: the first token's where the
            encoder sees both sides, else the last one's.
        dropout: Chance that a number of that vector is set to 0 in training.
        classes: The labels there are; none: those that occur in fitting, sorted.
        is_balanced: Whether each class counts alike in the loss, however many texts it has.
        max_tokens: Longer texts lose their ends; None: what the encoder can take.
        n_rows: Texts that are read at once when predicting (≥ 1).
        seed: For the fresh head, the order of the texts and dropout (≥ 0).
    """

    pooling: Pooling | None = None
    dropout: float = 0.1
    classes: tuple[Label, ...] = ()
    is_balanced: bool = False
    max_tokens: int | None = None
    n_rows: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("n_rows", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be ≥ {least}; got {name}={getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1); got dropout={self.dropout}.")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise ValueError(f"classes must be two or more, all different; got {self.classes}.")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What happened when a classifier was fitted.

    Attributes:
        history: A line per optimiser step, and the evaluations on the dev split.
        best_step: After which step the dev split was predicted best; None without a dev split.
        seconds: How long it took.
    """

    history: History
    best_step: int | None
    seconds: float


class Classifier:
    """Predicts the class of a text with a pretrained encoder that was fitted to labelled texts.

    Args:
        encoder: An encoder, or its name for `load_encoder`. It stays as it is: each `fit` begins
            with a copy, so fitting again does not go on where the last fit ended.
        strategy: What is trained and how; `FullFineTuning()` if None.
        config: Settings; the defaults if None.

    Attributes:
        encoder: The pretrained encoder.
        strategy: As above.
        config: As above.
        classes: The labels, in the order of the columns of `predict_proba`; () before `fit`.
    """

    def __init__(
        self,
        encoder: Encoder | str | Path = "mini-bert",
        strategy: Strategy | None = None,
        config: ClassifierConfig | None = None,
    ) -> None:
        self.encoder = encoder if isinstance(encoder, Encoder) else load_encoder(encoder)
        self.strategy: Strategy = FullFineTuning() if strategy is None else strategy
        self.config = ClassifierConfig() if config is None else config
        self.classes: tuple[Label, ...] = ()
        self._model: SequenceClassifier | None = None

    @property
    def model(self) -> SequenceClassifier:
        """The fitted model.

        Raises:
            ValueError: If `fit` has not been called.
        """
        if self._model is None:
            raise ValueError("the classifier must be fitted first; call .fit(texts, labels).")
        return self._model

    def fit(
        self, texts: Sequence[str], labels: Sequence[Label], dev: Labelled | None = None
    ) -> Fitted:
        """Learn from labelled texts, beginning with the pretrained weights.

        Args:
            texts: The texts; those that are too long lose their ends.
            labels: The class of each, all strings or all integers.
            dev: Texts and labels that say when the model was best; none of them is learnt from.

        Raises:
            ValueError: If texts and labels are not as many, there are fewer than two classes, a
                label is none of the classes, a class has no text, or a text is empty.
            TrainingDivergedError: If loss or gradient is not finite.

        Warns:
            UserWarning: If texts were cut; says how many.
        """
        began = time.perf_counter()
        classes = self.config.classes or find_classes(labels)
        numbers = number_labels(labels, classes)
        require_every_class(numbers, classes)
        weights = balanced_weights(numbers, len(classes)) if self.config.is_balanced else ()
        data = FitData(
            train=self._examples(texts, numbers, len(classes), self.strategy.n_rows),
            dev=None if dev is None else self._dev_examples(dev, classes),
            loss=ClassifierLoss(class_weights=weights),
            seed=self.config.seed,
        )
        model = self._fresh_model(len(classes))
        with torch.random.fork_rng():  # dropout draws from the global generator
            torch.manual_seed(self.config.seed)
            history = self.strategy.fit(model, data)
        self.classes, self._model = classes, model
        evaluations = history.evaluations
        best = min(evaluations, key=lambda e: e.nats_per_token).step if evaluations else None
        return Fitted(history=history, best_step=best, seconds=time.perf_counter() - began)

    def predict(self, texts: Sequence[str]) -> list[Label]:
        """Name the likeliest class of each text.

        Args:
            texts: The texts; none: no answer.

        Raises:
            ValueError: If a text is empty, or `fit` has not been called.
        """
        return [self.classes[column] for column in self.predict_proba(texts).argmax(axis=1)]

    @torch.inference_mode()
    def predict_proba(self, texts: Sequence[str]) -> Float[np.ndarray, "N K"]:
        """Say how likely each class is for each text.

        Args:
            texts: The texts, read together with others of like length.

        Returns:
            One row per text, in the order of the texts, one column per class; rows sum to 1.

        Raises:
            ValueError: If a text is empty, or `fit` has not been called.
        """
        model, device = self.model, device_of(self.model)
        probabilities = np.zeros((len(texts), len(self.classes)))
        if len(texts) == 0:
            return probabilities
        ids = self.encoder.encode_all(texts, self.config.max_tokens)
        order = by_length(ids)
        examples = _unlabelled([ids[row] for row in order], self.config.n_rows, self.encoder.pad_id)
        rows = []
        for batch in InOrder(examples):
            logits = model(batch.ids.to(device), padding_of(batch.mask, device))
            rows.append(logits.double().softmax(dim=1).cpu().numpy())
        probabilities[order] = np.concatenate(rows)
        return probabilities

    def save(self, folder: str | Path) -> None:
        """Write the fitted classifier, for `Classifier.load`.

        Args:
            folder: Is made if need be; the encoder in it is in Hugging Face's format.

        Raises:
            ValueError: If `fit` has not been called.
        """
        path = Path(folder)
        self.model.encoder.save(path / ENCODER)
        head = {name: t.contiguous() for name, t in self.model.classifier.state_dict().items()}
        save_file(head, path / HEAD)
        pooling = {"pooling": self.model.pooling}
        settings = asdict(self.config) | {"classes": self.classes} | pooling
        text = json.dumps(settings, indent=2, ensure_ascii=False)
        (path / SETTINGS).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Classifier":
        """Read a classifier that `save` has written, ready to predict.

        Fitting it again begins with its own encoder, with the default strategy.

        Args:
            folder: Where it lies.

        Raises:
            ValueError: If a file is missing, the head fits neither encoder nor classes, or a
                weight is not a finite number.
        """
        path = Path(folder)
        for name in (SETTINGS, HEAD):
            if not (path / name).is_file():
                raise ValueError(f"{path} must hold {name}; got none.")
        settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
        settings["classes"] = tuple(settings["classes"])
        classifier = cls(load_encoder(path / ENCODER), config=ClassifierConfig(**settings))
        model = classifier._fresh_model(len(settings["classes"]))
        try:
            load_tensors(model.classifier, load_file(path / HEAD))
        except ValueError as error:
            raise ValueError(
                f"{HEAD} must fit {len(settings['classes'])} classes and vectors of "
                f"d_model={model.encoder.d_model} numbers: {error}"
            ) from error
        require_finite(model)
        classifier.classes, classifier._model = settings["classes"], model
        return classifier

    def _fresh_model(self, n_classes: int) -> SequenceClassifier:
        encoder = copy.deepcopy(self.encoder)
        pooling = self.config.pooling or ("first" if encoder.sees_both_sides else "last")
        model = SequenceClassifier(
            encoder,
            n_classes,
            pooling=pooling,
            dropout=self.config.dropout,
            generator=make_generator(self.config.seed),
        )
        return model.eval()

    def _examples(
        self, texts: Sequence[str], numbers: list[int], n_classes: int, n_rows: int
    ) -> LabelledTexts:
        require_as_many(texts, numbers, "labels")
        return LabelledTexts(
            self.encoder.encode_all(texts, self.config.max_tokens),
            numbers,
            n_classes=n_classes,
            n_rows=n_rows,
            seed=self.config.seed,
            pad_id=self.encoder.pad_id,
        )

    def _dev_examples(self, dev: Labelled, classes: tuple[Label, ...]) -> LabelledTexts:
        texts, numbers = dev[0], number_labels(dev[1], classes)
        require_as_many(texts, numbers, "labels of dev")
        order = by_length(self.encoder.encode_all(texts, self.config.max_tokens))
        sorted_texts = [texts[row] for row in order]
        return self._examples(
            sorted_texts, [numbers[row] for row in order], len(classes), self.config.n_rows
        )


def _unlabelled(texts: list[list[int]], n_rows: int, pad_id: int) -> LabelledTexts:
    return LabelledTexts(texts, [0] * len(texts), n_classes=1, n_rows=n_rows, pad_id=pad_id)
