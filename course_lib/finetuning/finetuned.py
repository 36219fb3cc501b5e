"""What a classifier, a tagger and an answerer share: fitting a fresh copy, saving, loading."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from safetensors.torch import load_file, save_file

from course_lib.finetuning.encoders import Encoder, load_encoder, require_finite
from course_lib.finetuning.fitting import FitData, Fitted, fit_repeatably
from course_lib.finetuning.heads import EncoderWithHead
from course_lib.finetuning.hf_heads import HuggingFaceHead
from course_lib.finetuning.strategies import FullFineTuning, Strategy
from course_lib.models import load_tensors

Model = TypeVar("Model", bound=EncoderWithHead | HuggingFaceHead)

HEAD, ENCODER = "head.safetensors", "encoder"


@dataclass(frozen=True, kw_only=True)
class FinetunedConfig:
    """The settings that every fine-tuned model has, whatever it predicts.

    Attributes:
        dropout: Chance that a number of a vector that the head reads is set to 0 in training.
        max_tokens: How many tokens are read at once, marks included; None: what the encoder can
            take.
        n_rows: Texts that are read side by side when predicting (≥ 1).
        seed: For the fresh head, the order of the texts and dropout (≥ 0).
    """

    dropout: float = 0.1
    max_tokens: int | None = None
    n_rows: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("n_rows", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be ≥ {least}; got {name}={getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1); got dropout={self.dropout}.")


def require_different(classes: tuple[object, ...], name: str) -> None:
    """Refuse classes that are fewer than two, or not all different; none at all is fine.

    Args:
        classes: What there is to choose from; () if it is not known yet.
        name: What they are, for the message.

    Raises:
        ValueError: If there is one, or two are equal.
    """
    if len(set(classes)) != len(classes) or len(classes) == 1:
        raise ValueError(f"{name} must be two or more, all different; got {classes}.")


class Finetuned(Generic[Model]):
    """A pretrained encoder and, once it was fitted, a copy of it with a head.

    Args:
        encoder: An encoder, or its name for `load_encoder`. It stays as it is: each `fit` begins
            with a copy, so fitting again does not go on where the last fit ended.
        strategy: What is trained and how; `FullFineTuning()` if None.

    Attributes:
        encoder: The pretrained encoder.
        strategy: As above.
        classes: What it chooses from; () before it was fitted, and where there are no classes.
    """

    classes: tuple[Any, ...] = ()

    def __init__(self, encoder: Encoder | str | Path, strategy: Strategy | None) -> None:
        self.encoder = encoder if isinstance(encoder, Encoder) else load_encoder(encoder)
        self.strategy: Strategy = FullFineTuning() if strategy is None else strategy
        self._model: Model | None = None

    @property
    def model(self) -> Model:
        """The fitted model.

        Raises:
            ValueError: If `fit` has not been called.
        """
        if self._model is None:
            name = type(self).__name__.lower()
            raise ValueError(f"the {name} must be fitted first; call .fit(…).")
        return self._model

    def take_over(self, model: HuggingFaceHead, classes: tuple[str, ...] = ()) -> None:
        """Predict with a model of transformers that was fitted elsewhere.

        Args:
            model: With the head for this task.
            classes: What it chooses from, in the order of its scores; none for an answerer.

        Raises:
            ValueError: If two classes are equal, or there is one.
        """
        require_different(classes, "classes")
        if classes:
            self.classes = classes
        self._model = model  # pyright: ignore[reportAttributeAccessIssue]

    def _copy_of_encoder(self) -> Encoder:
        return copy.deepcopy(self.encoder)

    def _train(self, model: Model, data: FitData) -> Fitted:
        """Train a fresh model; it becomes `model` unless the training fails."""
        assert not isinstance(model, HuggingFaceHead)  # no fresh model is one
        fitted = fit_repeatably(lambda: self.strategy.fit(model, data), data.seed)
        self._model = model
        return fitted

    def _save(self, folder: Path, settings_name: str, settings: Mapping[str, Any]) -> None:
        if isinstance(self.model, HuggingFaceHead):
            raise ValueError(
                f"the {type(self).__name__.lower()} must be fitted here to be saved; its model is "
                "one of transformers, which has save_pretrained."
            )
        self.model.encoder.save(folder / ENCODER)
        head = {name: t.contiguous() for name, t in self.model.classifier.state_dict().items()}
        save_file(head, folder / HEAD)
        text = json.dumps(settings, indent=2, ensure_ascii=False)
        (folder / settings_name).write_text(text + "\n", encoding="utf-8")

    def _load_head(self, model: Model, folder: Path, outputs: str) -> None:
        """Give a fresh model the head that was saved; it becomes `model`.

        Args:
            model: As it was made to be fitted.
            folder: Where the head lies.
            outputs: What it scores, for the message.
        """
        assert not isinstance(model, HuggingFaceHead)  # those are never saved here
        head = model.classifier
        try:
            load_tensors(head, load_file(folder / HEAD))
        except ValueError as error:
            raise ValueError(
                f"{HEAD} must fit {head.out_features} {outputs} and vectors of "
                f"d_model={head.in_features} numbers: {error}"
            ) from error
        require_finite(model)
        self._model = model


def read_settings(folder: Path, settings_name: str) -> dict[str, Any]:
    """Read what was saved beside a fitted model, if the rest of it is there, too.

    Args:
        folder: Where it lies.
        settings_name: The file; it says what kind of model it is.

    Raises:
        ValueError: If a file is missing.
    """
    for name in (settings_name, HEAD):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} must hold {name}; got none.")
    return json.loads((folder / settings_name).read_text(encoding="utf-8"))
