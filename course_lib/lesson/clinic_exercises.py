"""The exercises of lesson 07b's bug clinic on scores and predictions.

Letters: B = texts of a batch, K = classes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.recognising import Recogniser, failed_with, right_but_for_the_error
from course_lib.seeding import make_generator

Score = Callable[[Tensor, Tensor], tuple[float, float]]
Predict = Callable[[nn.Module, Iterable[Mapping[str, Tensor]]], list[int]]


def _scoring(score: Score) -> Callable[[Tensor, Sequence[int]], tuple[float, float]]:
    """Make a twin of `score_batch` from what it does with as many labels as texts."""

    def twin(logits: Tensor, labels: Sequence[int]) -> tuple[float, float]:
        if len(labels) != len(logits):
            raise ValueError("labels must be as many")
        return score(logits, torch.tensor(labels))

    return twin


def _loss(logits: Tensor, targets: Tensor) -> float:
    return F.cross_entropy(logits, targets).item()


def _share(logits: Tensor, targets: Tensor) -> float:
    return (logits.argmax(dim=1) == targets).double().mean().item()


def _logits(n_texts: int, n_classes: int, seed: int = 0) -> Tensor:
    return torch.randn(n_texts, n_classes, generator=make_generator(seed)) * 3


SCORE_BATCH = Exercise(
    key="07b:score_batch",
    target="course_lib.lesson.clinic:score_batch",
    level="easy",
    repair=True,
    cases=(
        Case(why="two texts, both right", args=lambda: (torch.eye(2) * 9, [0, 1])),
        Case(why="five texts, three classes", args=lambda: (_logits(5, 3), [2, 0, 0, 1, 2])),
        Case(why="all wrong", args=lambda: (torch.eye(3) * 4, [1, 2, 0])),
        Case(why="one text", args=lambda: (_logits(1, 4, 1), [3])),
        Case(why="eight texts of one class", args=lambda: (_logits(8, 2, 2), [1] * 8)),
        Case(why="scores far apart", args=lambda: (torch.tensor([[0.0, 300.0]] * 2), [0, 1])),
        Case(
            why="a model that is unsure", args=lambda: (_logits(6, 3, 4) / 50, [0, 1, 2, 2, 1, 0])
        ),
        Case(why="as many texts as classes", args=lambda: (_logits(4, 4, 3), [0, 1, 1, 3])),
        Case(why="a label too many", args=lambda: (_logits(2, 2), [0, 1, 1]), raises=ValueError),
        Case(why="a label too few", args=lambda: (_logits(3, 2), [0, 1]), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="labels-in-a-column",
            seen=failed_with("multi-target not supported"),
            hint="Labels of shape (B, 1): PyTorch's loss takes that for several targets a text. "
            "Which line gives them the second axis?",
        ),
        Mistake(
            name="accuracy-broadcast",
            twin=_scoring(
                lambda x, y: (
                    _loss(x, y),
                    (x.argmax(dim=1) == y.unsqueeze(1)).double().mean().item(),
                )
            ),
            hint="The loss is right, the accuracy is not. Predictions of shape (B,) are compared "
            "with labels of shape (B, 1), so every prediction meets every label: B · B answers. "
            "Print the shape of the comparison.",
        ),
        Mistake(
            name="all-comparisons-counted",
            twin=_scoring(
                lambda x, y: (
                    _loss(x, y),
                    (x.argmax(dim=1) == y.unsqueeze(1)).sum().item() / len(y),
                )
            ),
            hint="Divided by B, but it is B · B comparisons that you count: the accuracy of some "
            "batches is above 1. Labels of shape (B, 1) are the reason, not the division.",
        ),
        Mistake(
            name="labels-as-decimals",
            seen=failed_with("RuntimeError: expected"),
            hint="Labels are numbers of classes, whole ones. As decimals the loss takes them for "
            "probabilities, or refuses them.",
        ),
        Mistake(
            name="softmax-before-the-loss",
            twin=_scoring(lambda x, y: (_loss(x.softmax(dim=1), y), _share(x, y))),
            hint="Your loss gets probabilities. `cross_entropy` takes the softmax itself.",
        ),
        Mistake(
            name="no-log-softmax",
            twin=_scoring(lambda x, y: (F.nll_loss(x, y).item(), _share(x, y))),
            hint="Your loss can be below 0. `nll_loss` expects log-probabilities, and these are "
            "logits.",
        ),
        Mistake(
            name="loss-summed",
            twin=_scoring(lambda x, y: (_loss(x, y) * len(y), _share(x, y))),
            hint="You sum the loss over the texts. The mean is wanted.",
        ),
        Mistake(
            name="right-ones-counted",
            twin=_scoring(lambda x, y: (_loss(x, y), _share(x, y) * len(y))),
            hint="You count the right ones. The share is wanted.",
        ),
        Mistake(
            name="in-percent",
            twin=_scoring(lambda x, y: (_loss(x, y), _share(x, y) * 100)),
            hint="You give percents. A share is between 0 and 1.",
        ),
        Mistake(
            name="accuracy-first",
            twin=_scoring(lambda x, y: (_share(x, y), _loss(x, y))),
            hint="Both numbers are right, in the wrong order: the loss comes first.",
        ),
        Mistake(
            name="argmax-over-texts",
            twin=_scoring(
                lambda x, y: (_loss(x, y), (x.argmax(dim=0) == y).double().mean().item())
            ),
            hint="For each class you name a text. The axis of the classes is the second one.",
        ),
        Mistake(
            name="cut-to-fit",
            seen=right_but_for_the_error,
            hint="The numbers are right. But labels or texts too many are cut off in silence. If "
            "they are not as many, raise a ValueError.",
        ),
    ),
    nudge="Write the shape of every tensor beside its line. Two that are compared must have the "
    "same one.",
    shapes="In: logits (B, K), B whole numbers. Targets: (B,), int64. Out: two floats.",
    pseudocode="if the numbers differ: raise a ValueError\n"
    "targets ← the labels as one axis of whole numbers\n"
    "loss ← mean cross-entropy of the logits\n"
    "share ← how many of the likeliest classes equal their target, over B",
)


class Watched(nn.Module):
    """A classifier with dropout that writes down in which mode it is called."""

    def __init__(self, is_training: bool) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.ones(1))
        self.modes: list[tuple[bool, bool]] = []
        self.train(is_training)

    def forward(self, logits: Tensor, shift: Tensor) -> Tensor:
        """Give the scores and a shift back; with dropout of both kinds in training mode."""
        is_dropping = self.drop.training or self.training
        self.modes.append((is_dropping, torch.is_grad_enabled()))
        return self.drop(F.dropout(logits * self.scale, 0.5, self.training)) - shift


def watch(predict: Predict, is_training: bool, batches: Sequence[Mapping[str, Tensor]]) -> Any:
    """Let an answer predict, and see in which mode the model was, and is left.

    Args:
        predict: The library's `predict_classes` or an answer.
        is_training: Whether the model is in training mode before.
        batches: As for the answer.
    """
    model = Watched(is_training)
    torch.manual_seed(0)
    classes = predict(model, iter(batches))
    return {
        "dropout was on": any(training for training, _ in model.modes),
        "gradients were kept": any(keeps for _, keeps in model.modes),
        "batches read": len(model.modes),
        "in training mode afterwards": model.training,
        "dropout on afterwards": model.drop.training,
        "gradients possible afterwards": torch.is_grad_enabled(),
        "classes": classes if not any(training for training, _ in model.modes) else None,
    }


def _batches(*sizes: int) -> list[dict[str, Tensor]]:
    return [
        {"shift": _logits(size, 3, 50 + seed), "logits": _logits(size, 3, seed)}
        for seed, size in enumerate(sizes)
    ]


def _sees(fault: Callable[[Any, Any], bool]) -> Recogniser:
    """Make a recogniser from what is wrong with a report of `watch`, given the library's."""
    return lambda observations: any(
        one.error is None and fault(one.value, one.expected) for one in observations
    )


def _training_afterwards(is_so: bool) -> Recogniser:
    """Recognise models that are left in this mode and must not be."""
    name = "in training mode afterwards"
    return _sees(lambda report, due: report[name] is is_so and due[name] is not is_so)


def _restoring(model: nn.Module, predict: Callable[[], list[Any]]) -> list[Any]:
    was_training = model.training
    model.eval()
    with torch.no_grad():
        classes = predict()
    model.train(was_training)
    return classes


def _one_class_a_batch(model: nn.Module, batches: Sequence[Mapping[str, Tensor]]) -> list[int]:
    return _restoring(model, lambda: [model(**b).sum(dim=0).argmax().item() for b in batches])


def _down_the_batch(model: nn.Module, batches: Sequence[Mapping[str, Tensor]]) -> list[int]:
    return _restoring(
        model, lambda: [k for b in batches for k in model(**b).argmax(dim=0).tolist()]
    )


def _last_batch_only(model: nn.Module, batches: Sequence[Mapping[str, Tensor]]) -> list[int]:
    return _restoring(
        model, lambda: [model(**batch).argmax(dim=1).tolist() for batch in batches][-1]
    )


def _list_for_each_batch(model: nn.Module, batches: Sequence[Mapping[str, Tensor]]) -> Any:
    return _restoring(model, lambda: [model(**b).argmax(dim=1).tolist() for b in batches])


def _tensors_in_the_list(model: nn.Module, batches: Sequence[Mapping[str, Tensor]]) -> Any:
    return _restoring(model, lambda: [k for b in batches for k in model(**b).argmax(dim=1)])


PREDICT_CLASSES = Exercise(
    key="07b:predict_classes",
    target="course_lib.lesson.clinic:predict_classes",
    level="core",
    repair=True,
    trial=watch,
    cases=(
        Case(why="a model in training mode", args=lambda: (True, _batches(4, 4))),
        Case(why="a model in evaluation mode", args=lambda: (False, _batches(4, 4))),
        Case(why="one batch", args=lambda: (True, _batches(7))),
        Case(why="three batches, the last one small", args=lambda: (True, _batches(5, 5, 1))),
        Case(why="batches of one text", args=lambda: (False, _batches(1, 1, 1))),
        Case(why="many texts", args=lambda: (True, _batches(30, 20))),
    ),
    mistakes=(
        Mistake(
            name="neither-mode-nor-gradients",
            seen=_sees(
                lambda report, _: report["dropout was on"] and report["gradients were kept"]
            ),
            hint="Two things are missing. Dropout still throws the dice, so the same text gets "
            "another answer each time; and PyTorch keeps all that a backward pass would need.",
        ),
        Mistake(
            name="dropout-on",
            seen=_sees(lambda report, _: report["dropout was on"]),
            hint="No gradients are kept, but the model is still in training mode: dropout sets "
            "half of the numbers to 0. `no_grad` does not switch dropout off. What does?",
        ),
        Mistake(
            name="gradients-kept",
            seen=_sees(lambda report, _: report["gradients were kept"]),
            hint="Dropout is off, but everything for a backward pass is kept in memory: `eval()` "
            "does not stop that. What does?",
        ),
        Mistake(
            name="left-in-evaluation-mode",
            seen=_training_afterwards(False),
            hint="You predict as you should. But a model that came in training mode goes on "
            "training without dropout afterwards, and nobody notices. Leave it as it was.",
        ),
        Mistake(
            name="left-in-training-mode",
            seen=_training_afterwards(True),
            hint="You predict as you should. But a model that came in evaluation mode leaves in "
            "training mode. Remember what it was.",
        ),
        Mistake(
            name="gradients-off-for-good",
            seen=_sees(lambda report, _: not report["gradients possible afterwards"]),
            hint="You switch gradients off for the whole program, and not on again: nothing can be "
            "trained afterwards. Which form of the switch ends by itself?",
        ),
        Mistake(
            name="one-answer-a-batch",
            twin=_one_class_a_batch,
            hint="You give one class a batch. One for each of its texts is wanted.",
        ),
        Mistake(
            name="argmax-over-texts",
            twin=_down_the_batch,
            hint="For each class you name a text. The axis of the classes is the second one.",
        ),
        Mistake(
            name="last-batch-only",
            twin=_last_batch_only,
            hint="Only the last batch is left of your answers. Collect them.",
        ),
        Mistake(
            name="first-batch-only",
            seen=_sees(lambda report, due: report["batches read"] == 1 < due["batches read"]),
            hint="You read the first batch only. Is the `return` inside of the loop?",
        ),
        Mistake(
            name="a-list-for-each-batch",
            twin=_list_for_each_batch,
            hint="There is a list inside of your list for each batch. One flat list is wanted.",
        ),
        Mistake(
            name="tensors-in-the-list",
            twin=_tensors_in_the_list,
            hint="Your list holds tensors. Plain whole numbers, please: `.tolist()` makes them.",
        ),
    ),
    nudge="There are two switches: one for how layers behave, one for what is kept for the "
    "backward pass. Neither does what the other does.",
    shapes="In: a model, dictionaries of tensors. Out: a list of whole numbers, one a text.",
    pseudocode="remember the model's mode\nswitch to evaluation mode\n"
    "without gradients: of each batch, the likeliest class of each text\n"
    "give the model its mode back\nreturn all classes",
)
