"""A text classifier in four calls: make it, fit it, predict, save.

Letters: N = texts, K = classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from course_lib.data.batches import pad_texts
from course_lib.finetuning.encoders import Encoder, load_encoder
from course_lib.finetuning.examples import (
    LabelledTexts,
    by_length,
    require_as_many,
    rows_by_length,
)
from course_lib.finetuning.finetuned import (
    ENCODER,
    Finetuned,
    FinetunedConfig,
    read_settings,
    require_different,
)
from course_lib.finetuning.fitting import FitData, Fitted
from course_lib.finetuning.heads import Pooling, SequenceClassifier
from course_lib.finetuning.labels import (
    Label,
    find_classes,
    number_labels,
    require_every_class,
)
from course_lib.finetuning.losses import ClassifierLoss, balanced_weights
from course_lib.finetuning.strategies import Strategy
from course_lib.seeding import make_generator
from course_lib.training.objectives import device_of, padding_of

Labelled = tuple[Sequence[str], Sequence[Label]]
"""Texts and their labels, such as a dev split."""

SETTINGS = "classifier.json"


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(FinetunedConfig):
    """The settings of a `Classifier`, whatever the strategy: those of `FinetunedConfig`, and more.

    Texts of more than `max_tokens` lose their ends.

    Attributes:
        pooling: Which vector stands for a text; see `pool`. None: the first token's where the
            encoder sees both sides, else the last one's.
        classes: The labels there are; none: those that occur in fitting, sorted.
        is_balanced: Whether each class counts alike in the loss, however many texts it has.
    """

    pooling: Pooling | None = None
    classes: tuple[Label, ...] = ()
    is_balanced: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_different(self.classes, "classes")


class Classifier(Finetuned[SequenceClassifier]):
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
        super().__init__(encoder, strategy)
        self.config = ClassifierConfig() if config is None else config
        self.classes: tuple[Label, ...] = ()

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
        fitted = self._train(self._fresh_model(len(classes)), data)
        self.classes = classes
        return fitted

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
        ids = self.encoder.encode_all(texts, self.config.max_tokens)
        for rows in rows_by_length(ids, self.config.n_rows):
            batch, mask = pad_texts([ids[row] for row in rows], self.encoder.pad_id)
            logits = model(batch.to(device), padding_of(mask, device))
            probabilities[rows] = logits.double().softmax(dim=1).cpu().numpy()
        return probabilities

    def save(self, folder: str | Path) -> None:
        """Write the fitted classifier, for `Classifier.load`.

        Args:
            folder: Is made if need be; the encoder in it is in Hugging Face's format.

        Raises:
            ValueError: If `fit` has not been called.
        """
        settings = {"classes": self.classes, "pooling": self.model.pooling}
        self._save(Path(folder), SETTINGS, asdict(self.config) | settings)

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
        settings = read_settings(path, SETTINGS)
        settings["classes"] = tuple(settings["classes"])
        classifier = cls(load_encoder(path / ENCODER), config=ClassifierConfig(**settings))
        classifier._load_head(classifier._fresh_model(len(settings["classes"])), path, "classes")
        classifier.classes = settings["classes"]
        return classifier

    def _fresh_model(self, n_classes: int) -> SequenceClassifier:
        encoder = self._copy_of_encoder()
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
