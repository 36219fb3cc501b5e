"""The five functions of lesson 07b's bug clinic, broken in the way they are often seen.

A lesson shows each under the signature and the docstring of the right one in `clinic`, to be
repaired; nothing else may call them. Letters: B = texts of a batch, K = classes.
"""

# The bugs of `make_dataset` and `make_optimizer` are such that a type checker finds them.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import random
from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset


def score_batch(logits: Float[Tensor, "B K"], labels: Sequence[int]) -> tuple[float, float]:
    """Put the labels into a column (B, 1)."""
    if len(labels) != len(logits):
        raise ValueError(
            f"labels must be as many as the texts; got {len(labels)} for {len(logits)}."
        )
    targets = torch.tensor(labels).unsqueeze(1)
    loss = F.cross_entropy(logits, targets)
    is_right = logits.argmax(dim=1) == targets
    return loss.item(), is_right.float().mean().item()


def make_dataset(
    encodings: Mapping[str, Sequence[Sequence[int]]], labels: Sequence[int]
) -> Dataset[dict[str, Tensor]]:
    """Call the base class as if it knew what to do."""
    for name, rows in encodings.items():
        if len(rows) != len(labels):
            raise ValueError(f"{name} must be as many as labels; got {len(rows)}, {len(labels)}.")
    return Dataset(encodings, labels)


def make_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Import what is gone, and let biases and gains decay."""
    from transformers import AdamW

    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be > 0; got learning_rate={learning_rate}.")
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return AdamW(learning, lr=learning_rate, weight_decay=weight_decay)


def predict_classes(model: nn.Module, batches: Iterable[Mapping[str, Tensor]]) -> list[int]:
    """Predict in the mode the model happens to be in, and keep what gradients need."""
    classes: list[int] = []
    for batch in batches:
        classes += model(**batch).argmax(dim=1).tolist()
    return classes


def split_texts(texts: Sequence[str], test_share: float, seed: int) -> tuple[list[int], list[int]]:
    """Shuffle rows, though texts come more than once."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got test_share={test_share}.")
    rows = list(range(len(texts)))
    random.Random(seed).shuffle(rows)
    n_test = round(test_share * len(rows))
    return rows[n_test:], rows[:n_test]
