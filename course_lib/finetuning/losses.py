"""What a fine-tuned model is trained to do, as sums that `train` divides.

Letters: B = texts, T = tokens, K = classes.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.finetuning.examples import LabelledBatch, SpanBatch, TaggedBatch, require_range
from course_lib.nn.loss import IGNORE_ID
from course_lib.training.objectives import LossSum, device_of, padding_of
from course_lib.training.summed_loss import summed_cross_entropy


@dataclass(frozen=True, kw_only=True)
class ClassifierLoss:
    """Predict the class of each text.

    In training, texts of class k count `class_weights[k]` times, in the sum and in what it is
    divided by: the weighted mean of torch's `cross_entropy(weight=…)`.

    Attributes:
        class_weights: How much a text of each class counts (> 0); none: all count alike.

    Example:
        >>> from course_lib.seeding import make_generator
        >>> ids = torch.tensor([[0], [1]])
        >>> batch = LabelledBatch(ids, ids >= 0, None, torch.tensor([1, 0]))
        >>> class Even(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.weight = nn.Parameter(torch.zeros(2, 2))
        ...     def forward(self, ids, mask, segment_ids):
        ...         return self.weight[ids[:, 0]]
        >>> loss = ClassifierLoss(class_weights=(1.0, 3.0))(Even(), batch, make_generator(0))
        >>> round(loss.total.item(), 4), loss.n_counted  # 4 ln 2
        (2.7726, 4.0)
    """

    class_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if any(not (weight > 0 and math.isfinite(weight)) for weight in self.class_weights):
            raise ValueError(
                f"class_weights must be finite and > 0; got class_weights={self.class_weights}."
            )

    def __call__(
        self, model: nn.Module, batch: LabelledBatch, generator: torch.Generator
    ) -> LossSum:
        """Sum the surprise at the classes of the texts."""
        device = device_of(model)
        logits = model(
            batch.ids.to(device), padding_of(batch.mask, device), _on(batch.segment_ids, device)
        )
        labels = batch.labels.to(device)
        if not (model.training and self.class_weights):
            return LossSum(summed_cross_entropy(logits, labels), len(labels))
        if len(self.class_weights) != logits.shape[1]:
            raise ValueError(
                f"class_weights must be one for each of {logits.shape[1]} classes; got "
                f"{len(self.class_weights)}."
            )
        weights = logits.new_tensor(self.class_weights)[labels]
        surprise = -logits.log_softmax(dim=1).gather(1, labels[:, None])[:, 0]
        return LossSum((weights * surprise).sum(), weights.double().sum().item())


@dataclass(frozen=True)
class TaggerLoss:
    """Predict the tag of each token that has one."""

    def __call__(self, model: nn.Module, batch: TaggedBatch, generator: torch.Generator) -> LossSum:
        """Sum the surprise at the tags; tokens with `IGNORE_ID` do not count."""
        device = device_of(model)
        logits = model(batch.ids.to(device), padding_of(batch.mask, device))
        total = summed_cross_entropy(logits.flatten(0, 1), batch.tags.to(device).flatten())
        return LossSum(total, int((batch.tags != IGNORE_ID).sum()))


@dataclass(frozen=True)
class SpanLoss:
    """Predict the first and the last token of each answer.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 4.2, https://arxiv.org/abs/1810.04805. Unlike the authors' code,
        the two surprises are added, not averaged.
    """

    def __call__(self, model: nn.Module, batch: SpanBatch, generator: torch.Generator) -> LossSum:
        """Sum the surprise at both ends of each answer; each pair counts once."""
        device = device_of(model)
        ends = model(
            batch.ids.to(device), padding_of(batch.mask, device), batch.segment_ids.to(device)
        )
        spans = batch.spans.to(device)
        total = sum(
            (summed_cross_entropy(logits, spans[:, end]) for end, logits in enumerate(ends)),
            start=spans.new_zeros((), dtype=ends[0].dtype),
        )
        return LossSum(total, len(spans))


def balanced_weights(labels: list[int], n_classes: int) -> tuple[float, ...]:
    """Weigh classes so that each counts as much as every other, however many texts it has.

    Args:
        labels: The class of each text, from 0 to n_classes - 1; each class at least once.
        n_classes: How many classes there are.

    Returns:
        For each class, texts / (classes · texts of the class), as scikit-learn's "balanced".

    Raises:
        ValueError: If a label is out of range, or a class has no text.

    Example:
        >>> balanced_weights([0, 0, 0, 1], n_classes=2)
        (0.6666666666666666, 2.0)
    """
    require_range(labels, n_classes, "labels")
    counts = [labels.count(label) for label in range(n_classes)]
    if 0 in counts:
        raise ValueError(f"labels must hold every class; got none of class {counts.index(0)}.")
    return tuple(len(labels) / (n_classes * count) for count in counts)


def _on(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
