"""Wrong answers to `make_optimizer` of lesson 07b, by someone who had not seen the checks."""

from collections.abc import Callable

import torch
from torch import nn


def refuse_rate(learning_rate):
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be > 0; got {learning_rate}")


def adamw(decayed, rest, learning_rate, weight_decay):
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def learning(model):
    return [p for p in model.parameters() if p.requires_grad]


def all_decayed(model, learning_rate, weight_decay):
    """Decay biases and gains too."""
    refuse_rate(learning_rate)
    return torch.optim.AdamW(learning(model), lr=learning_rate, weight_decay=weight_decay)


def only_biases_spared(model, learning_rate, weight_decay):
    """Go by the name "bias", so that gains are decayed."""
    refuse_rate(learning_rate)
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in named if not n.endswith("bias")]
    return adamw(decayed, [p for n, p in named if n.endswith("bias")], learning_rate, weight_decay)


def hugging_faces_names(model, learning_rate, weight_decay):
    """Spare what is called "bias" or "LayerNorm.weight", whatever else the gains are called."""
    refuse_rate(learning_rate)
    spared = ("bias", "LayerNorm.weight")
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in named if not any(end in n for end in spared)]
    rest = [p for n, p in named if any(end in n for end in spared)]
    return adamw(decayed, rest, learning_rate, weight_decay)


def frozen_ones_too(model, learning_rate, weight_decay):
    """Take frozen parameters as well."""
    refuse_rate(learning_rate)
    every = list(model.parameters())
    decayed = [p for p in every if p.ndim >= 2]
    return adamw(decayed, [p for p in every if p.ndim < 2], learning_rate, weight_decay)


def default_decay_of_the_rest(model, learning_rate, weight_decay):
    """Say nothing about the decay of biases, which is then AdamW's 0.01."""
    refuse_rate(learning_rate)
    groups = [
        {"params": [p for p in learning(model) if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning(model) if p.ndim < 2]},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def adam_with_decay(model, learning_rate, weight_decay):
    """Take Adam, where the decay goes into the gradients."""
    refuse_rate(learning_rate)
    groups = [
        {"params": [p for p in learning(model) if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning(model) if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=learning_rate)


def two_axes_exactly(model, learning_rate, weight_decay):
    """Decay matrices, but not what has three axes or more."""
    refuse_rate(learning_rate)
    decayed = [p for p in learning(model) if p.ndim == 2]
    rest = [p for p in learning(model) if p.ndim != 2]
    return adamw(decayed, rest, learning_rate, weight_decay)


def embeddings_spared(model, learning_rate, weight_decay):
    """Do not decay embeddings."""
    refuse_rate(learning_rate)
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    decayed = [p for p in learning(model) if p.ndim >= 2 and id(p) not in tables]
    rest = [p for p in learning(model) if p.ndim < 2 or id(p) in tables]
    return adamw(decayed, rest, learning_rate, weight_decay)


def linear_maps_only(model, learning_rate, weight_decay):
    """Collect the parameters of linear maps and forget those of all other modules."""
    refuse_rate(learning_rate)
    maps = [m for m in model.modules() if isinstance(m, nn.Linear)]
    of_maps = [p for m in maps for p in m.parameters() if p.requires_grad]
    decayed = [p for p in of_maps if p.ndim >= 2]
    return adamw(decayed, [p for p in of_maps if p.ndim < 2], learning_rate, weight_decay)


def rate_of_nought(model, learning_rate, weight_decay):
    """Let a learning rate of 0 pass."""
    if learning_rate < 0:
        raise ValueError(f"learning_rate must be > 0; got {learning_rate}")
    decayed = [p for p in learning(model) if p.ndim >= 2]
    rest = [p for p in learning(model) if p.ndim < 2]
    return adamw(decayed, rest, learning_rate, weight_decay)


def decay_times_rate(model, learning_rate, weight_decay):
    """Multiply the decay by the learning rate, which AdamW does itself."""
    refuse_rate(learning_rate)
    decayed = [p for p in learning(model) if p.ndim >= 2]
    rest = [p for p in learning(model) if p.ndim < 2]
    return adamw(decayed, rest, learning_rate, learning_rate * weight_decay)


def tied_ones_twice(model, learning_rate, weight_decay):
    """Go through the modules one by one, so that a shared matrix comes twice."""
    refuse_rate(learning_rate)
    each = [p for m in model.modules() for p in m.parameters(recurse=False) if p.requires_grad]
    decayed = [p for p in each if p.ndim >= 2]
    return adamw(decayed, [p for p in each if p.ndim < 2], learning_rate, weight_decay)


def frozen_by_the_decay(model, learning_rate, weight_decay):
    """Leave biases and gains out instead of not decaying them."""
    refuse_rate(learning_rate)
    decayed = [p for p in learning(model) if p.ndim >= 2]
    return torch.optim.AdamW(decayed, lr=learning_rate, weight_decay=weight_decay)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:make_optimizer", all_decayed),
    ("07b:make_optimizer", only_biases_spared),
    ("07b:make_optimizer", hugging_faces_names),
    ("07b:make_optimizer", frozen_ones_too),
    ("07b:make_optimizer", default_decay_of_the_rest),
    ("07b:make_optimizer", adam_with_decay),
    ("07b:make_optimizer", two_axes_exactly),
    ("07b:make_optimizer", embeddings_spared),
    ("07b:make_optimizer", linear_maps_only),
    ("07b:make_optimizer", rate_of_nought),
    ("07b:make_optimizer", decay_times_rate),
    ("07b:make_optimizer", tied_ones_twice),
    ("07b:make_optimizer", frozen_by_the_decay),
]
