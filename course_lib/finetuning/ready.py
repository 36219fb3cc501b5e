"""Fine-tuned models by name: of the course, of a folder, of Hugging Face."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from course_lib.data import data_path
from course_lib.errors import WeightsNotFoundError
from course_lib.evaluation import tags_to_spans
from course_lib.finetuning import answerer, classifier, tagger
from course_lib.finetuning.answerer import Answerer
from course_lib.finetuning.classifier import Classifier
from course_lib.finetuning.hf_heads import HuggingFaceHead, load_head
from course_lib.finetuning.tagger import Tagger
from course_lib.models.shipped import check_shipped

Ready = TypeVar("Ready", Classifier, Tagger, Answerer)


def load_classifier(name: str | Path = "mini-bert-sentiment") -> Classifier:
    """Load a classifier that is ready to predict.

    Args:
        name: One that comes with the course; a folder that `Classifier.save` has written; a
            folder in Hugging Face's format with a model for sequence classification; or such a
            model's name on the hub.

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        DigestMismatchError: If a file of the course's own has been changed.
        ValueError: If it is a model of another kind, or its weights are damaged.
    """
    return _load(name, classifier.SETTINGS, Classifier.load, _wrap_classifier)


def load_tagger(name: str | Path = "mini-bert-tagger") -> Tagger:
    """Load a tagger that is ready to predict.

    Args:
        name: As for `load_classifier`, with a model for token classification.

    Raises:
        WeightsNotFoundError: As `load_classifier`.
        DigestMismatchError: As `load_classifier`.
        ValueError: As `load_classifier`, or if its classes are no BIO tags.
    """
    return _load(name, tagger.SETTINGS, Tagger.load, _wrap_tagger)


def load_answerer(name: str | Path = "mini-bert-answerer") -> Answerer:
    """Load an answerer that is ready to predict.

    Args:
        name: As for `load_classifier`, with a model for extractive question answering.

    Raises:
        WeightsNotFoundError: As `load_classifier`.
        DigestMismatchError: As `load_classifier`.
        ValueError: As `load_classifier`.
    """
    return _load(name, answerer.SETTINGS, Answerer.load, _wrap_answerer)


def finetuned_names() -> dict[str, Path]:
    """Map the fine-tuned models that come with the course to their folders."""
    kinds = (classifier.SETTINGS, tagger.SETTINGS, answerer.SETTINGS)
    folders = sorted(data_path("checkpoints").iterdir())
    return {
        folder.name: folder
        for folder in folders
        if any((folder / kind).is_file() for kind in kinds)
    }


def _load(
    name: str | Path,
    settings: str,
    load_ours: Callable[[Path], Ready],
    wrap_theirs: Callable[[str | Path], Ready],
) -> Ready:
    shipped = finetuned_names().get(str(name))
    if shipped is not None:
        check_shipped(shipped)
    folder = shipped or Path(name)
    if (folder / settings).is_file():
        return load_ours(folder)
    if shipped is not None:
        there = sorted(path.stem for path in folder.glob("*.json"))
        raise ValueError(f"{name} must hold {settings}; got a model of another kind: {there}.")
    try:
        return wrap_theirs(name)
    except WeightsNotFoundError as error:
        names = ", ".join(finetuned_names())
        raise WeightsNotFoundError(
            f"name must be a model that comes with the course ({names}), a folder, or a name on "
            f"the hub; got {str(name)!r}. {error}"
        ) from error


def _wrap_classifier(name: str | Path) -> Classifier:
    head = load_head(name, "AutoModelForSequenceClassification")
    found = Classifier(head.encoder)
    found.take_over(head, _labels(head))
    return found


def _wrap_tagger(name: str | Path) -> Tagger:
    head = load_head(name, "AutoModelForTokenClassification")
    found = Tagger(head.encoder)
    tags_to_spans(_labels(head))  # refuses tags of another form
    found.take_over(head, _labels(head))
    return found


def _wrap_answerer(name: str | Path) -> Answerer:
    head = load_head(name, "AutoModelForQuestionAnswering")
    found = Answerer(head.encoder)
    found.take_over(head)
    return found


def _labels(head: HuggingFaceHead) -> tuple[str, ...]:
    config: Any = head.model.config
    names = config.id2label
    return tuple(names[number] for number in sorted(names))
