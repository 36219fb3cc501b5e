"""The five functions of lesson 07b's bug clinic, as they should be.

Each is a piece of a fine-tuning script that is often seen broken. The library itself does the same
in its own way (`course_lib.finetuning`); these are short enough to be written by hand.

Letters: B = texts of a batch, K = classes.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset


def score_batch(logits: Float[Tensor, "B K"], labels: Sequence[int]) -> tuple[float, float]:
    """Compute the loss and the accuracy of a batch.

    Args:
        logits: A score per text and class.
        labels: The right class of each text, from 0 to K - 1.

    Returns:
        The mean cross-entropy in nats, and the share of texts whose likeliest class is right.

    Raises:
        ValueError: If there are not as many labels as texts.

    Example:
        >>> loss, share = score_batch(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), [0, 1])
        >>> share
        1.0
    """
    if len(labels) != len(logits):
        raise ValueError(
            f"labels must be as many as the texts; got {len(labels)} for {len(logits)}."
        )
    targets = torch.tensor(labels)  # shape (B,), whole numbers
    loss = F.cross_entropy(logits, targets)
    n_right = (logits.argmax(dim=1) == targets).sum()
    return loss.item(), n_right.item() / len(labels)


def make_dataset(
    encodings: Mapping[str, Sequence[Sequence[int]]], labels: Sequence[int]
) -> Dataset[dict[str, Tensor]]:
    """Make a data set of what a tokenizer gave and the labels.

    Args:
        encodings: Name → a list of numbers for each text, such as "input_ids".
        labels: The class of each text.

    Returns:
        A `torch.utils.data.Dataset`. An item is a dictionary of tensors of whole numbers: those of
        `encodings` under their names, and the class, without any axis, under "labels".

    Raises:
        ValueError: If some list of `encodings` is not as long as `labels`.

    Example:
        >>> make_dataset({"input_ids": [[5, 6], [7, 8]]}, [1, 0])[1]
        {'input_ids': tensor([7, 8]), 'labels': tensor(0)}
    """
    for name, rows in encodings.items():
        if len(rows) != len(labels):
            raise ValueError(f"{name} must be as many as labels; got {len(rows)}, {len(labels)}.")

    class Labelled(Dataset[dict[str, Tensor]]):
        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, index: int) -> dict[str, Tensor]:
            item = {name: torch.tensor(rows[index]) for name, rows in encodings.items()}
            return item | {"labels": torch.tensor(labels[index])}

    return Labelled()


def make_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Make PyTorch's AdamW for fine-tuning.

    Args:
        model: What is trained; parameters that need no gradient are left out.
        learning_rate: Of all parameters.
        weight_decay: Of parameters with two axes or more; biases and gains get none.

    Raises:
        ValueError: If the learning rate is not above 0.

    Example:
        >>> optimizer = make_optimizer(nn.Linear(2, 3), learning_rate=1e-3, weight_decay=0.01)
        >>> [(group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
        [(0.01, 1), (0.0, 1)]
    """
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be > 0; got learning_rate={learning_rate}.")
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def predict_classes(model: nn.Module, batches: Iterable[Mapping[str, Tensor]]) -> list[int]:
    """Name the likeliest class of each text of several batches.

    Args:
        model: Gives logits (B, K) when called with a batch's tensors by name. It predicts without
            dropout and without keeping what gradients need, and is left in the mode it was in.
        batches: Dictionaries of tensors.

    Example:
        >>> predict_classes(nn.Identity(), [{"input": torch.tensor([[0.0, 2.0], [3.0, 1.0]])}])
        [1, 0]
    """
    was_training = model.training
    model.eval()
    classes: list[int] = []
    with torch.no_grad():
        for batch in batches:
            classes += model(**batch).argmax(dim=1).tolist()
    model.train(was_training)
    return classes


def split_texts(texts: Sequence[str], test_share: float, seed: int) -> tuple[list[int], list[int]]:
    """Split texts at random so that no text of the test can be known from training.

    Texts that differ in case, spaces and punctuation only are the same text, and stay together.

    Args:
        texts: The texts; each counts, also if it comes twice.
        test_share: About so many of the rows are for the test (above 0, below 1). The test gets
            whole groups until it has that many.
        seed: Another seed, another split; the same seed, the same one.

    Returns:
        The numbers of the rows to train on, and of those to test on: each row once.

    Raises:
        ValueError: If `test_share` is not between 0 and 1.

    Example:
        >>> train, test = split_texts(["So good!", "so good", "Bad."], test_share=0.3, seed=0)
        >>> {0, 1} <= set(train) or {0, 1} <= set(test)
        True
    """
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got test_share={test_share}.")
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        groups[re.sub(r"[\W_]+", "", text.lower())].append(row)
    shuffled: list[Any] = list(groups.values())
    random.Random(seed).shuffle(shuffled)
    train: list[int] = []
    test: list[int] = []
    for rows in shuffled:
        (test if len(test) < test_share * len(texts) else train).extend(rows)
    return train, test
