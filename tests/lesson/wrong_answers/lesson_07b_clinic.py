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


def compared_and_counted(logits, labels):
    refuse_other_numbers(logits, labels)
    targets = torch.tensor(labels).reshape(-1, 1)
    loss = F.cross_entropy(logits, targets.squeeze(1))
    n_right = (logits.argmax(dim=1) == targets).sum().item()
    return loss.item(), n_right / len(labels)


def loss_of_logits(logits, labels):
    targets = torch.tensor(labels)
    return F.nll_loss(logits, targets).item(), (logits.argmax(1) == targets).float().mean().item()


def percents(logits, labels):
    loss, share = scored(logits, labels)
    return loss, round(100 * share, 6)


def share_then_loss(logits, labels):
    loss, share = scored(logits, labels)
    return share, loss


def scored(logits, labels):
    targets = torch.tensor(labels)
    loss = F.cross_entropy(logits, targets)
    return loss.item(), (logits.argmax(1) == targets).float().mean().item()


def first_axis(logits, labels):
    targets = torch.tensor(labels)
    loss = F.cross_entropy(logits, targets)
    return loss.item(), (logits.argmax(0) == targets).float().mean().item()


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


def off_and_never_on(model, batches):
    before = model.training
    model.eval()
    torch.set_grad_enabled(False)
    found = training_mode_and_gradients(model, batches)
    model.train(before)
    return found


def gradients_and_left_in_eval(model, batches):
    model.eval()
    return training_mode_and_gradients(model, batches)


def detached(model, batches):
    model.eval()
    return [k for batch in batches for k in model(**batch).detach().argmax(1).tolist()]


@torch.inference_mode()
def returned_too_early(model, batches):
    before = model.training
    model.eval()
    for batch in batches:
        found = model(**batch).argmax(1).tolist()
        model.train(before)
        return found
    return []


@torch.no_grad()
def appended(model, batches):
    before = model.training
    model.eval()
    found = []
    for batch in batches:
        found.append(model(**batch).argmax(1).tolist())
    model.train(before)
    return found


@torch.no_grad()
def tensors_extended(model, batches):
    before = model.training
    model.eval()
    found = []
    for batch in batches:
        found.extend(model(**batch).argmax(1))
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


def list_of_names(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    no_decay = ["bias", "LayerNorm.weight"]
    learning = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    heavy = [p for n, p in learning if not any(part in n for part in no_decay)]
    light = [p for n, p in learning if any(part in n for part in no_decay)]
    groups = [
        {"params": heavy, "weight_decay": weight_decay},
        {"params": light, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def only_biases_spared(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    learning = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for n, p in learning if "bias" not in n], "weight_decay": weight_decay},
        {"params": [p for n, p in learning if "bias" in n], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def overlapping(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": learning, "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)


def one_pass_over_a_generator(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    learning = (p for p in model.parameters() if p.requires_grad)
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)


def matrices_only(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    return torch.optim.AdamW([{"params": matrices}], lr=learning_rate, weight_decay=weight_decay)


def default_decay(model, learning_rate, weight_decay):
    refuse_rate(learning_rate)
    groups = groups_of(model, 0.01, 0.0)
    return torch.optim.AdamW(groups, lr=learning_rate)


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
        ("all-comparisons-counted", compared_and_counted),
        ("labels-as-decimals", labels_as_floats),
        ("no-log-softmax", loss_of_logits),
        ("in-percent", percents),
        ("accuracy-first", share_then_loss),
        ("argmax-over-texts", first_axis),
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
        ("first-batch-only", returned_too_early),
        ("gradients-off-for-good", off_and_never_on),
        ("gradients-kept", gradients_and_left_in_eval),
        ("gradients-kept", detached),
        ("a-list-for-each-batch", appended),
        ("tensors-in-the-list", tensors_extended),
    ],
    "07b:make_optimizer": [
        ("imported-from-transformers", from_transformers),
        ("decays-everything", one_group),
        ("names-of-one-model", list_of_names),
        ("gains-decay", only_biases_spared),
        ("in-two-groups", overlapping),
        ("some-left-out", one_pass_over_a_generator),
        ("some-left-out", matrices_only),
        ("weight-decay-forgotten", default_decay),
        ("decays-nothing", no_decay),
        ("groups-swapped", decay_swapped),
        ("adam", plain_adam),
        ("sgd", plain_descent),
        ("frozen-ones-too", all_parameters),
        ("rate-forgotten", default_rate),
        ("accepts-any-rate", rate_unchecked),
    ],
}
