"""Wrong answers to `predict_classes` of lesson 07b, by someone who had not seen the checks."""

from collections.abc import Callable

import torch
from torch import nn

from course_lib.lesson.clinic import predict_classes


def with_dropout(model, batches):
    """Forget to switch dropout off."""
    classes = []
    with torch.no_grad():
        for batch in batches:
            classes += model(**batch).argmax(dim=1).tolist()
    return classes


def left_in_evaluation(model, batches):
    """Never switch back."""
    model.eval()
    return predict_classes(model, batches)


def left_in_training(model, batches):
    """Switch to training at the end, whatever the mode was."""
    classes = predict_classes(model, batches)
    model.train()
    return classes


def flag_of_the_outermost(model, batches):
    """Give the flag back to the model but not to the modules in it."""
    was_training = model.training
    model.eval()
    classes = predict_classes(model, batches)
    model.training = was_training
    return classes


def gradients_kept(model, batches):
    """Switch dropout off, but keep what gradients need."""
    was_training = model.training
    model.eval()
    classes = []
    for batch in batches:
        classes += model(**batch).argmax(dim=1).tolist()
    model.train(was_training)
    return classes


def back_after_each_batch(model, batches):
    """Switch back after the first batch, so that the others see dropout."""
    was_training = model.training
    model.eval()
    classes = []
    with torch.no_grad():
        for batch in batches:
            classes += model(**batch).argmax(dim=1).tolist()
            model.train(was_training)
    return classes


def tensors_in_their_order(model, batches):
    """Give the tensors by their order, not by name."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        classes = [c for b in batches for c in model(*b.values()).argmax(dim=1).tolist()]
    model.train(was_training)
    return classes


def batches_of_one_size(model, batches):
    """Stack the predictions, which needs batches of one size."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        found = [model(**batch).argmax(dim=1) for batch in batches]
    model.train(was_training)
    return torch.stack(found).flatten().tolist()


def squeezed(model, batches):
    """Squeeze the logits, so that a batch of one text loses its axis."""
    was_training = model.training
    model.eval()
    classes = []
    with torch.no_grad():
        for batch in batches:
            classes += model(**batch).squeeze().argmax(dim=-1).tolist()
    model.train(was_training)
    return classes


def batches_counted_first(model, batches):
    """Go through the batches once to count the texts, which uses a generator up."""
    n = sum(len(next(iter(batch.values()))) for batch in batches)
    return predict_classes(model, batches)[:n]


def first_batch_only(model, batches):
    """Return inside of the loop."""
    for batch in batches:
        return predict_classes(model, [batch])
    return []


def a_list_for_each_batch(model, batches):
    """Append the batch's list instead of its classes."""
    return [predict_classes(model, [batch]) for batch in batches]


def two_classes_assumed(model, batches):
    """Choose between class 0 and class 1 by a half."""
    was_training = model.training
    model.eval()
    classes = []
    with torch.no_grad():
        for batch in batches:
            classes += (model(**batch).softmax(dim=1)[:, 1] > 0.5).long().tolist()
    model.train(was_training)
    return classes


def dropout_modules_only(model, batches):
    """Switch the modules called Dropout off, but not what looks at `training` itself."""
    modes = [(m, m.training) for m in model.modules() if isinstance(m, nn.Dropout)]
    for module, _ in modes:
        module.eval()
    classes = with_dropout(model, batches)
    for module, mode in modes:
        module.train(mode)
    return classes


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:predict_classes", with_dropout),
    ("07b:predict_classes", left_in_evaluation),
    ("07b:predict_classes", left_in_training),
    ("07b:predict_classes", flag_of_the_outermost),
    ("07b:predict_classes", gradients_kept),
    ("07b:predict_classes", back_after_each_batch),
    ("07b:predict_classes", tensors_in_their_order),
    ("07b:predict_classes", batches_of_one_size),
    ("07b:predict_classes", squeezed),
    ("07b:predict_classes", batches_counted_first),
    ("07b:predict_classes", first_batch_only),
    ("07b:predict_classes", a_list_for_each_batch),
    ("07b:predict_classes", two_classes_assumed),
    ("07b:predict_classes", dropout_modules_only),
]
