"""The state of any torch optimiser, to and from tensors and JSON, to the last bit."""

from itertools import chain

import torch
from torch import Tensor

from course_lib.training.packing import Packed, pack, unpack
from course_lib.training.sharding import part_like


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Packed:
    """Take an optimiser's state and settings apart, for safetensors and JSON.

    Args:
        optimizer: Any optimiser of torch, or of the same kind.

    Returns:
        The parts. Tensors are not copied: save them before the next step.

    Raises:
        TypeError: If the optimiser keeps something else than tensors, numbers and strings.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> optimizer_tensors(optimizer).tensors
        {'state/0/momentum_buffer': tensor([1., 1.])}
    """
    return pack(optimizer.state_dict())


def load_optimizer(optimizer: torch.optim.Optimizer, packed: Packed) -> None:
    """Give an optimiser the state and settings of another, as `optimizer_tensors` took them.

    Args:
        optimizer: Of the same kind, for the same parameters in the same order.
        packed: The parts.

    Raises:
        ValueError: If the optimiser has other groups of parameters.
    """
    saved = unpack(packed)
    groups = [group["params"] for group in optimizer.param_groups]
    parameters = list(chain.from_iterable(groups))
    for index, parameter in enumerate(parameters):
        state = saved["state"].get(index, {})
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = part_like(value, parameter)
    optimizer.load_state_dict(saved)
    for index, parameter in enumerate(parameters):
        state = optimizer.state[parameter] if index in saved["state"] else {}
        for name, value in state.items():
            exact = saved["state"][index][name]
            if isinstance(value, Tensor) and value.dtype != exact.dtype:
                # torch rounds what is loaded to the number format of the parameter.
                state[name] = exact.to(value.device)
