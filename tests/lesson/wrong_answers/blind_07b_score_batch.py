"""Wrong answers to `score_batch` of lesson 07b, by someone who had not seen the checks."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from course_lib.lesson.clinic import score_batch


def refuse_labels(logits, labels):
    if len(labels) != len(logits):
        raise ValueError(f"as many labels as texts; got {len(labels)} for {len(logits)}")


def summed_loss(logits, labels):
    """Add the losses up instead of taking their mean."""
    loss, share = score_batch(logits, labels)
    return loss * len(labels), share


def softmax_before_the_loss(logits, labels):
    """Give probabilities to a loss that takes logits."""
    refuse_labels(logits, labels)
    probabilities = logits.softmax(dim=1)
    targets = torch.tensor(labels)
    loss = F.cross_entropy(probabilities, targets)
    return loss.item(), (probabilities.argmax(dim=1) == targets).float().mean().item()


def column_against_row(logits, labels):
    """Compare a column of predictions with a row of labels: all with all."""
    refuse_labels(logits, labels)
    targets = torch.tensor(labels)
    n_right = (logits.argmax(dim=1, keepdim=True) == targets).sum()
    return F.cross_entropy(logits, targets).item(), n_right.item() / len(labels)


def log_of_softmax(logits, labels):
    """Take the logarithm of probabilities that may be 0 by rounding."""
    refuse_labels(logits, labels)
    targets = torch.tensor(labels)
    probabilities = logits.softmax(dim=1)[torch.arange(len(labels)), targets]
    share = (logits.argmax(dim=1) == targets).double().mean().item()
    return -probabilities.log().mean().item(), share


def log_with_a_small_number(logits, labels):
    """Keep the logarithm finite with 1e-8, which also bounds the loss."""
    refuse_labels(logits, labels)
    targets = torch.tensor(labels)
    probabilities = logits.softmax(dim=1)[torch.arange(len(labels)), targets]
    share = (logits.argmax(dim=1) == targets).double().mean().item()
    return -(probabilities + 1e-8).log().mean().item(), share


def cut_to_the_shorter(logits, labels):
    """Score as many as there are of both, and refuse nothing."""
    n = min(len(logits), len(labels))
    return score_batch(logits[:n], labels[:n])


def class_nought_is_padding(logits, labels):
    """Leave class 0 out of the loss."""
    _, share = score_batch(logits, labels)
    loss = F.cross_entropy(logits, torch.tensor(labels), ignore_index=0)
    return loss.item(), share


def above_nought_is_right(logits, labels):
    """Count a text as right if its class has a logit above 0."""
    loss, _ = score_batch(logits, labels)
    chosen = logits[torch.arange(len(labels)), torch.tensor(labels)]
    return loss, (chosen > 0).double().mean().item()


def mean_of_the_classes(logits, labels):
    """Average the accuracy of each class, so that rare classes count more."""
    loss, _ = score_batch(logits, labels)
    targets = torch.tensor(labels)
    right = (logits.argmax(dim=1) == targets).double()
    return loss, float(np.mean([right[targets == k].mean().item() for k in sorted(set(labels))]))


def percent(logits, labels):
    """Give the accuracy in percent."""
    loss, share = score_batch(logits, labels)
    return loss, 100 * share


def smoothed_labels(logits, labels):
    """Smooth the labels, as in training."""
    _, share = score_batch(logits, labels)
    return F.cross_entropy(logits, torch.tensor(labels), label_smoothing=0.1).item(), share


def probability_above_a_half(logits, labels):
    """Count a text as right only if its class has more than half of the probability."""
    loss, _ = score_batch(logits, labels)
    p = logits.softmax(dim=1)[torch.arange(len(labels)), torch.tensor(labels)]
    return loss, (p > 0.5).double().mean().item()


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:score_batch", summed_loss),
    ("07b:score_batch", softmax_before_the_loss),
    ("07b:score_batch", column_against_row),
    ("07b:score_batch", log_of_softmax),
    ("07b:score_batch", log_with_a_small_number),
    ("07b:score_batch", cut_to_the_shorter),
    ("07b:score_batch", class_nought_is_padding),
    ("07b:score_batch", above_nought_is_right),
    ("07b:score_batch", mean_of_the_classes),
    ("07b:score_batch", percent),
    ("07b:score_batch", smoothed_labels),
    ("07b:score_batch", probability_above_a_half),
]
