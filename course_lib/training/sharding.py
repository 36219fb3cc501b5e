"""Models too large for one device: every process keeps a part of each parameter (FSDP2).

A block's parameters are gathered right before it computes and let go right after, so that the
whole model is nowhere. What torch calls a DTensor is a tensor of which each process holds a part.
Importing that takes torch about a second, so it is left to those who share a model out.
"""

from typing import TYPE_CHECKING, TypeGuard

from torch import Tensor, nn

from course_lib.training.processes import Processes

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def shard_blocks(model: nn.Module, processes: Processes) -> None:
    """Share a model's parameters, and so its gradients and optimiser state, out among processes.

    Call it before `train`, in every process. Its numbers stay the same; so do the checkpoints,
    which any number of processes can go on from. Muon needs whole matrices: take AdamW.

    Args:
        model: On the device of this process; its stacks of blocks (`nn.ModuleList`s right in it)
            are shared out block by block, the rest in one piece. The weights of the first process
            count.
        processes: Those of this run.

    Raises:
        ValueError: If there is only one process.

    Reference:
        Zhao et al. 2023, "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel",
        https://arxiv.org/abs/2304.11277, and Rajbhandari et al. 2020, "ZeRO", stage 3,
        https://arxiv.org/abs/1910.02054
    """
    if processes.world_size == 1:
        raise ValueError(
            "processes must be several to share a model out; got one. Start the program with "
            "`torchrun --nproc-per-node=2 …`, inside `start_processes()`."
        )
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    send_weights(model, processes)
    mesh = init_device_mesh(processes.device.type, (processes.world_size,))
    stacks = [module for module in model.children() if isinstance(module, nn.ModuleList)]
    for part in [*(block for stack in stacks for block in stack), model]:
        # Let go after each forward pass, the root too: after an evaluation comes no backward pass.
        fully_shard(part, mesh=mesh, reshard_after_forward=True)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # Sums, not means: the loop divides, once. And gloo knows no other way to say so.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)


def send_weights(model: nn.Module, processes: Processes) -> None:
    """Give every process the weights of the first one.

    Args:
        model: Of the same sizes everywhere; what is shared out already is left alone.
        processes: Those of this run.
    """
    numbers = [*model.parameters(), *model.buffers()]
    processes.broadcast(*(x.detach() for x in numbers if not is_part(x)))


def is_part(tensor: Tensor) -> "TypeGuard[DTensor]":
    """Tell whether each process holds only a part of a tensor.

    Args:
        tensor: Any tensor.

    Example:
        >>> import torch
        >>> is_part(torch.ones(2))
        False
    """
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """Gather a tensor of which each process holds a part; others are given back as they are.

    Args:
        tensor: Any tensor; all processes must ask for it together.

    Example:
        >>> import torch
        >>> whole(torch.ones(2))
        tensor([1., 1.])
    """
    return tensor.full_tensor() if is_part(tensor) else tensor


def own_part(tensor: Tensor) -> Tensor:
    """Show the part of a tensor that this process holds; all of it, if it is not shared out.

    Args:
        tensor: Any tensor; the part is a view of it.

    Example:
        >>> import torch
        >>> own_part(torch.ones(2))
        tensor([1., 1.])
    """
    return tensor.to_local() if is_part(tensor) else tensor


def part_like(tensor: Tensor, model_tensor: Tensor) -> Tensor:
    """Cut this process's part out of a whole tensor.

    Args:
        tensor: The whole, the same in every process.
        model_tensor: Is cut as this one is; if it is not shared out, neither is the result.

    Example:
        >>> import torch
        >>> part_like(torch.ones(2), torch.zeros(2))
        tensor([1., 1.])
    """
    if not is_part(model_tensor):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = model_tensor.device_mesh, model_tensor.placements
    return distribute_tensor(tensor.to(model_tensor.device), mesh, placements, src_data_rank=None)
