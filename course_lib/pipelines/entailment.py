"""Classes that are given with the text, scored by a model of entailment, as transformers does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from course_lib.finetuning import Classifier, load_classifier
from course_lib.pipelines.writer import Writer, load_writer
from course_lib.training.objectives import device_of


class EntailmentScorer:
    """Asks whether a text entails "This text is about …", label by label.

    Args:
        classifier: Of pairs of texts, one of whose classes is entailment.

    Raises:
        ValueError: If it has no such class.

    Reference:
        Yin, Hay and Roth 2019, "Benchmarking Zero-shot Text Classification",
        https://arxiv.org/abs/1909.00161
    """

    def __init__(self, classifier: Classifier) -> None:
        names = [str(name).lower() for name in classifier.classes]
        places = [n for n, name in enumerate(names) if name.startswith("entail")]
        if not places:
            raise ValueError(
                "model must know whether a text entails another, or go on with texts; got one "
                f"with the classes {list(classifier.classes)}."
            )
        self.classifier = classifier
        self._entails = places[0]
        contradicts = [n for n, name in enumerate(names) if name.startswith("contra")]
        self._not = contradicts[0] if contradicts else (1 if self._entails == 0 else 0)

    @torch.inference_mode()
    def __call__(
        self, text: str, labels: Sequence[str], template: str, multi_label: bool
    ) -> np.ndarray:
        """Score labels for a text; see `ZeroShotClassificationPipeline`.

        Args:
            text: The text.
            labels: What may fit it.
            template: A sentence with {} for a label.
            multi_label: Whether the labels are judged one by one.

        Returns:
            One score a label.
        """
        logits = np.stack([self._logits(text, template.format(label)) for label in labels])
        if multi_label:
            pairs = logits[:, [self._not, self._entails]]
            return _softmax(pairs)[:, 1]
        return _softmax(logits[:, self._entails])

    def _logits(self, text: str, hypothesis: str) -> np.ndarray:
        model, encoder = self.classifier.model, self.classifier.encoder
        ids, segments = encoder.encode_pair(text, hypothesis)
        device = device_of(model)
        batch = torch.tensor([ids], device=device), None, torch.tensor([segments], device=device)
        return model(*batch)[0].double().cpu().numpy()


def load_scorer(name: str | Path) -> Writer | EntailmentScorer:
    """Load what can score labels: a model of entailment, or a language model.

    Args:
        name: A model that comes with the course, a folder, or a name on the hub.

    Raises:
        WeightsNotFoundError: If there is no such model.
        ValueError: If it is a model of another kind.
    """
    from course_lib.models import checkpoint_names
    from course_lib.models.loading import pretrained_folder

    if name not in checkpoint_names():
        from transformers import AutoConfig

        kinds = AutoConfig.from_pretrained(pretrained_folder(name)).architectures or []
        if any("SequenceClassification" in kind for kind in kinds):
            return EntailmentScorer(load_classifier(name))
    return load_writer(name)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
