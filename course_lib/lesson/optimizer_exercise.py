"""The exercise of lesson 07b's bug clinic on the optimiser."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import failed_with, right_but_for_the_error


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def _half_frozen() -> nn.Module:
    model = _network()
    model[0].requires_grad_(False)  # pyright: ignore
    return model


def _named_as_in_bert() -> nn.Module:
    return nn.ModuleDict({"dense": nn.Linear(3, 4), "LayerNorm": nn.LayerNorm(4)})


def _one_layer() -> nn.Module:
    return nn.Linear(3, 2)


def _gains() -> nn.Module:
    return nn.LayerNorm(6)


def _table() -> nn.Module:
    return nn.Embedding(3, 2)


def _convolution() -> nn.Module:
    return nn.Conv1d(2, 3, kernel_size=4)


def _tied() -> nn.Module:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    model[1].weight = model[0].weight
    return model


def inspect_optimizer(
    make: Callable[..., Any], make_model: Callable[[], nn.Module], rate: float, decay: float
) -> Any:
    """Let an answer make an optimiser, and see what it would do with each parameter.

    Args:
        make: The library's `make_optimizer` or an answer.
        make_model: Makes the model.
        rate: The learning rate.
        decay: The weight decay.
    """
    model = make_model()
    optimizer = make(model, rate, decay)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        "optimiser": type(optimizer).__name__,
        "is PyTorch's": type(optimizer).__module__.startswith("torch."),
        "how many": sum(len(group["params"]) for group in optimizer.param_groups),
        "parameters": {
            names[id(parameter)]: (float(group["lr"]), float(group["weight_decay"]))
            for group in optimizer.param_groups
            for parameter in group["params"]
        },
    }


def _optimizer(
    kind: Any = torch.optim.AdamW, *, decays: Callable[[Tensor], bool] = lambda p: p.ndim >= 2
) -> Callable[..., Any]:
    """Make a twin of `make_optimizer` that decays other parameters, or is of another kind."""

    def twin(model: nn.Module, rate: float, decay: float) -> Any:
        if not rate > 0:
            raise ValueError("learning_rate must be > 0")
        learning = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learning if decays(p)], "weight_decay": decay},
            {"params": [p for p in learning if not decays(p)], "weight_decay": 0.0},
        ]
        return kind([g for g in groups if g["params"]], lr=rate)

    return twin


def _by_name(*spared: str) -> Callable[..., Any]:
    """Make a twin that spares the parameters whose names hold one of these words."""

    def twin(model: nn.Module, rate: float, decay: float) -> Any:
        names = {
            id(parameter): name
            for name, parameter in model.named_parameters()
            if any(word in name for word in spared)
        }
        return _optimizer(decays=lambda p: id(p) not in names)(model, rate, decay)

    return twin


def _leaves_some_out(observations: tuple[Observation, ...]) -> bool:
    return any(
        one.error is None and one.value["parameters"].keys() < one.expected["parameters"].keys()
        for one in observations
        if one.case.raises is None
    )


def _decay_forgotten(model: nn.Module, rate: float, decay: float) -> Any:
    return _optimizer()(model, rate, 0.01)  # PyTorch's default


def _frozen_ones_too(model: nn.Module, rate: float, decay: float) -> Any:
    if not rate > 0:
        raise ValueError("learning_rate must be > 0")
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate)


def _rate_forgotten(model: nn.Module, rate: float, decay: float) -> Any:
    return _optimizer()(model, rate and 1e-3, decay)


MAKE_OPTIMIZER = Exercise(
    key="07b:make_optimizer",
    target="course_lib.lesson.clinic:make_optimizer",
    level="core",
    repair=True,
    trial=inspect_optimizer,
    cases=(
        Case(why="a small network", args=lambda: (_network, 2e-5, 0.01)),
        Case(why="a frozen table", args=lambda: (_half_frozen, 1e-4, 0.1)),
        Case(why="names as in BERT", args=lambda: (_named_as_in_bert, 3e-5, 0.02)),
        Case(why="one layer", args=lambda: (_one_layer, 5e-5, 0.05)),
        Case(why="no weight decay", args=lambda: (_network, 1e-3, 0.0)),
        Case(why="gains only", args=lambda: (_gains, 3e-4, 0.2)),
        Case(why="a convolution", args=lambda: (_convolution, 1e-4, 0.03)),
        Case(why="a matrix used twice", args=lambda: (_tied, 1e-4, 0.03)),
        Case(why="a table only", args=lambda: (_table, 3e-4, 0.2)),
        Case(why="a learning rate of 0", args=lambda: (_network, 0.0, 0.01), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="imported-from-transformers",
            seen=failed_with("ImportError"),
            hint="`transformers` once had an AdamW of its own. It is gone; PyTorch's has been the "
            "one to use for years. From which module does it come?",
        ),
        Mistake(
            name="in-two-groups",
            seen=lambda observations: any(
                "more than one parameter group" in str(one.error) for one in observations
            ),
            hint="Some parameters are in both of your groups. Which condition is the opposite of "
            "the other?",
        ),
        Mistake(
            name="decays-everything",
            twin=_optimizer(decays=lambda p: True),
            hint="Biases and gains decay, too. A gain that is pulled towards 0 switches its "
            "feature off. Two groups, then.",
        ),
        Mistake(
            name="names-of-one-model",
            twin=_by_name("bias", "LayerNorm.weight"),
            hint="The list of names goes round, too: it finds the gains of BERT as transformers "
            "writes it. In another model they are called otherwise, and decay in silence. What do "
            "gains and biases have in common that needs no name?",
        ),
        Mistake(
            name="gains-decay",
            twin=_by_name("bias"),
            hint="The biases are spared, the gains of the norms are not: they are called "
            "`weight`, too. Their shape gives them away.",
        ),
        Mistake(
            name="decays-nothing",
            twin=_optimizer(decays=lambda p: False),
            hint="Nothing decays. Matrices and tables should.",
        ),
        Mistake(
            name="groups-swapped",
            twin=_optimizer(decays=lambda p: p.ndim < 2),
            hint="You decay the biases and gains, and not the matrices: the other way round.",
        ),
        Mistake(
            name="adam",
            twin=_optimizer(torch.optim.Adam),
            hint="That is Adam. There, weight decay is added to the gradient and then divided by "
            "its size, so it is not what it says. AdamW keeps the two apart.",
        ),
        Mistake(
            name="sgd",
            twin=_optimizer(torch.optim.SGD),
            hint="That is plain gradient descent. Transformers are fine-tuned with AdamW.",
        ),
        Mistake(
            name="some-left-out",
            seen=_leaves_some_out,
            hint="Some parameters are in no group at all, so they are not trained. Biases and "
            "gains shall learn, only not decay. (A generator can be read once: the second group "
            "gets nothing.)",
        ),
        Mistake(
            name="weight-decay-forgotten",
            twin=_decay_forgotten,
            hint="The matrices decay with PyTorch's default, 0.01, whatever is asked for.",
        ),
        Mistake(
            name="frozen-ones-too",
            twin=_frozen_ones_too,
            hint="Frozen parameters are in your groups. They get no gradient; leave them out.",
        ),
        Mistake(
            name="rate-forgotten",
            twin=_rate_forgotten,
            hint="The optimiser does not have the learning rate that was asked for. AdamW's own "
            "default, 1e-3, would wreck a large pretrained model.",
        ),
        Mistake(
            name="accepts-any-rate",
            seen=right_but_for_the_error,
            hint="The optimiser is right. Refuse a learning rate that is not above 0: a "
            "ValueError.",
        ),
    ),
    nudge="Ask PyTorch for AdamW. Then look at each parameter's number of axes.",
    shapes="In: a model, two numbers. Out: an optimiser with one group or two.",
    pseudocode="if the rate is not above 0: raise a ValueError\n"
    "take the parameters that need a gradient\n"
    "one group: two axes or more, with weight decay; another one: the rest, without\n"
    "leave empty groups out; make AdamW with the rate",
    limit_seconds=60.0,  # the broken version imports transformers, which takes its time at first
)
