"""Wrong answers to lesson 07b's bug clinic on scores, optimisers and predictions.

The first answer of each exercise is the broken script as the lesson shows it.
"""

import torch
from torch.nn import functional as F


def refuse_other_numbers(logits, labels):
    if len(labels) != len(logits):
        raise ValueError("labels must be as many as the texts")


def labels_in_a_column(logits, labels):
    labels = torch.tensor(labels).unsqueeze(1)
    loss = F.cross_entropy(logits, labels)
    accuracy = (logits.argmax(dim=1) == labels).float().mean()
    return loss.item(), accuracy.item()


def only_the_loss_repaired(logits, labels):
    refuse_other_numbers(logits, labels)
    labels = torch.tensor(labels).unsqueeze(1)
    loss = F.cross_entropy(logits, labels.view(-1))
    accuracy = (logits.argmax(dim=1) == labels).float().mean()
    return loss.item(), accuracy.item()


def labels_as_floats(logits, labels):
    refuse_other_numbers(logits, labels)
    targets = torch.tensor(labels, dtype=torch.float32)
    return F.cross_entropy(logits, targets).item(), 1.0


def probabilities_scored(logits, labels):
    refuse_other_numbers(logits, labels)
    targets = torch.tensor(labels)
    probabilities = logits.softmax(-1)
    share = (probabilities.argmax(-1) == targets).float().mean()
    return F.cross_entropy(probabilities, targets).item(), share.item()


def sum_of_losses(logits, labels):
    refuse_other_numbers(logits, labels)
    targets = torch.tensor(labels)
    loss = F.cross_entropy(logits, targets, reduction="sum")
    return loss.item(), (logits.argmax(1) == targets).float().mean().item()


def number_right(logits, labels):
    refuse_other_numbers(logits, labels)
    targets = torch.tensor(labels)
    return F.cross_entropy(logits, targets).item(), (logits.argmax(1) == targets).sum().item()


def cut_to_fit(logits, labels):
    targets = torch.tensor(labels)[: len(logits)]
    logits = logits[: len(targets)]
    return F.cross_entropy(logits, targets).item(), (
        logits.argmax(1) == targets
    ).float().mean().item()


def always_perfect(logits, labels):
    refuse_other_numbers(logits, labels)
    return 0.0, 1.0


def training_mode_and_gradients(model, batches):
    predictions = []
    for batch in batches:
        predictions.extend(model(**batch).argmax(dim=-1).tolist())
    return predictions


def only_no_grad(model, batches):
    predictions = []
    with torch.no_grad():
        for batch in batches:
            predictions.extend(model(**batch).argmax(dim=-1).tolist())
    return predictions


def only_eval(model, batches):
    before = model.training
    model.eval()
    predictions = []
    for batch in batches:
        predictions.extend(model(**batch).argmax(dim=-1).tolist())
    model.train(before)
    return predictions


def eval_for_good(model, batches):
    model.eval()
    return only_no_grad(model, batches)


def training_for_good(model, batches):
    model.eval()
    predictions = only_no_grad(model, batches)
    model.train()
    return predictions


def one_for_each_batch(model, batches):
    before = model.training
    model.eval()
    with torch.no_grad():
        found = [int(model(**batch).sum(0).argmax()) for batch in batches]
    model.train(before)
    return found


def text_for_each_class(model, batches):
    before = model.training
    model.eval()
    with torch.no_grad():
        found = [k for batch in batches for k in model(**batch).argmax(0).tolist()]
    model.train(before)
    return found


def only_the_last_one(model, batches):
    before = model.training
    model.eval()
    found = []
    with torch.no_grad():
        for batch in batches:
            found = model(**batch).argmax(1).tolist()
    model.train(before)
    return found


def refuse_rate(learning_rate):
    if learning_rate <= 0:
        raise ValueError("learning_rate must be above 0")


def from_transformers(model, learning_rate, weight_decay):
    from transformers import AdamW

    return AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)


def one_group(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    learning = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(learning, lr=learning_rate, weight_decay=weight_decay)


def no_decay(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    learning = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(learning, lr=learning_rate, weight_decay=0.0)


def groups_of(model, weight_decay, other):
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    rest = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": other},
    ]
    return [group for group in groups if group["params"]]


def decay_swapped(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    return torch.optim.AdamW(groups_of(model, 0.0, weight_decay), lr=learning_rate)


def plain_adam(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    return torch.optim.Adam(groups_of(model, weight_decay, 0.0), lr=learning_rate)


def plain_descent(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    return torch.optim.SGD(groups_of(model, weight_decay, 0.0), lr=learning_rate)


def all_parameters(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)


def default_rate(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    return torch.optim.AdamW(groups_of(model, weight_decay, 0.0))


def rate_unchecked(model, learning_rate, weight_decay):
    return torch.optim.AdamW(groups_of(model, weight_decay, 0.0), lr=learning_rate)


WRONG = {
    "07b:score_batch": [
        ("labels-in-a-column", labels_in_a_column),
        ("accuracy-broadcast", only_the_loss_repaired),
        ("labels-as-decimals", labels_as_floats),
        ("softmax-before-the-loss", probabilities_scored),
        ("loss-summed", sum_of_losses),
        ("right-ones-counted", number_right),
        ("cut-to-fit", cut_to_fit),
        ("any", always_perfect),
    ],
    "07b:predict_classes": [
        ("neither-mode-nor-gradients", training_mode_and_gradients),
        ("dropout-on", only_no_grad),
        ("gradients-kept", only_eval),
        ("left-in-evaluation-mode", eval_for_good),
        ("left-in-training-mode", training_for_good),
        ("one-answer-a-batch", one_for_each_batch),
        ("argmax-over-texts", text_for_each_class),
        ("last-batch-only", only_the_last_one),
    ],
    "07b:make_optimizer": [
        ("imported-from-transformers", from_transformers),
        ("decays-everything", one_group),
        ("decays-nothing", no_decay),
        ("groups-swapped", decay_swapped),
        ("adam", plain_adam),
        ("sgd", plain_descent),
        ("frozen-ones-too", all_parameters),
        ("rate-forgotten", default_rate),
        ("accepts-any-rate", rate_unchecked),
    ],
}
