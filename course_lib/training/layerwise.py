"""Layer-wise learning rates: the deeper in a pretrained model, the smaller the steps.

The lower layers know what all texts have in common, and a small new task should hardly move them;
the upper ones, and above all a fresh head, have more to learn.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from course_lib.training.groups import parameter_groups
from course_lib.training.optimisers import AdamWConfig


@dataclass(frozen=True, kw_only=True)
class LayerwiseAdamWConfig:
    """The settings of AdamW with a learning rate for each layer.

    Attributes:
        adamw: The settings of AdamW; its learning rate is that of the heads and the last block.
        decay: Factor of the learning rate from a block to the one below it (in (0, 1]; 1: all
            learn alike). Embeddings, below the first block, have the smallest rate.

    Reference:
        Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
        section 3.2 (discriminative fine-tuning), https://arxiv.org/abs/1801.06146. The paper
        divides by 2.6 from layer to layer, a decay of about 0.38.
    """

    adamw: AdamWConfig = field(default_factory=AdamWConfig)
    decay: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay must be in (0, 1]; got decay={self.decay}.")


def find_blocks(model: nn.Module) -> nn.ModuleList:
    """Find the stack of blocks that makes a model deep.

    Args:
        model: Of ours, of Hugging Face, or one that holds such a model.

    Returns:
        The longest `nn.ModuleList`, where lists inside of lists do not count: those are parts of
        a block.

    Raises:
        ValueError: If there is none, or several share the greatest length.

    Example:
        >>> blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        >>> len(find_blocks(nn.Sequential(nn.Embedding(7, 2), blocks)))
        3
    """
    stacks: dict[str, nn.ModuleList] = {}
    for name, module in model.named_modules():
        is_inside = any(name.startswith(f"{outer}.") for outer in stacks)
        if isinstance(module, nn.ModuleList) and not is_inside:
            stacks[name] = module
    longest = max((len(stack) for stack in stacks.values()), default=0)
    found = {name: stack for name, stack in stacks.items() if len(stack) == longest}
    if not longest:
        raise ValueError("model must have an nn.ModuleList of blocks; got none.")
    if len(found) > 1:
        raise ValueError(
            f"model must have one longest nn.ModuleList; got {list(found)}, {longest} blocks each. "
            "Pass the one of its parts that shall be taken block by block."
        )
    return next(iter(found.values()))


def parameter_depths(model: nn.Module) -> dict[str, int]:
    """Tell for each parameter how high above the embeddings it stands.

    Args:
        model: Any model with a stack of blocks; see `find_blocks`.

    Returns:
        By name: 0 for what is registered before the blocks (the embeddings), l for block l,
        counted from 1, and one more than the number of blocks for what comes after them (final
        norm and heads). Tied weights count once, where they come first.

    Raises:
        ValueError: As `find_blocks`.

    Example:
        >>> blocks = nn.ModuleList([nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)])
        >>> model = nn.Sequential(nn.Embedding(7, 2), blocks, nn.Linear(2, 3, bias=False))
        >>> parameter_depths(model)
        {'0.weight': 0, '1.0.weight': 1, '1.1.weight': 2, '2.weight': 3}
    """
    blocks = find_blocks(model)
    of_block = {id(p): depth for depth, block in enumerate(blocks, 1) for p in block.parameters()}
    depths: dict[str, int] = {}
    outside = 0
    for name, parameter in model.named_parameters():
        if id(parameter) in of_block:
            outside = len(blocks) + 1
        depths[name] = of_block.get(id(parameter), outside)
    return depths


def depth_rates(top_rate: float, decay: float, n_blocks: int) -> list[float]:
    """Give each depth of a model its learning rate.

    Args:
        top_rate: Of the heads and of the last block (> 0).
        decay: Factor from a block to the one below it (in (0, 1]).
        n_blocks: How many blocks the model has (≥ 1).

    Returns:
        n_blocks + 2 rates: of the embeddings, of the blocks from the lowest to the last, of the
        heads.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
        section 3.2, https://arxiv.org/abs/1801.06146

    Example:
        >>> depth_rates(0.8, decay=0.5, n_blocks=2)
        [0.2, 0.4, 0.8, 0.8]
    """
    if not top_rate > 0:
        raise ValueError(f"top_rate must be > 0; got top_rate={top_rate}.")
    if not 0 < decay <= 1:
        raise ValueError(f"decay must be in (0, 1]; got decay={decay}.")
    if n_blocks < 1:
        raise ValueError(f"n_blocks must be ≥ 1; got n_blocks={n_blocks}.")
    return [top_rate * decay ** (n_blocks - depth) for depth in range(n_blocks + 1)] + [top_rate]


def layerwise_groups(model: nn.Module, config: LayerwiseAdamWConfig) -> list[dict[str, Any]]:
    """Split what is trained by depth, and each depth as `parameter_groups` does.

    Args:
        model: Its parameters are taken, tied ones once, frozen ones not at all.
        config: The learning rate at the top, how it falls, and the weight decay of matrices.

    Returns:
        Groups for a torch optimiser, each with `params`, `lr` and `weight_decay`, from the heads
        down to the embeddings.

    Raises:
        ValueError: As `find_blocks`.

    Example:
        >>> blocks = nn.ModuleList([nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)])
        >>> model = nn.Sequential(nn.Embedding(7, 2), blocks, nn.Linear(2, 3, bias=False))
        >>> config = LayerwiseAdamWConfig(adamw=AdamWConfig(learning_rate=0.8), decay=0.5)
        >>> [group["lr"] for group in layerwise_groups(model, config)]
        [0.8, 0.8, 0.4, 0.2]
    """
    rates = depth_rates(config.adamw.learning_rate, config.decay, len(find_blocks(model)))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    depths = parameter_depths(model)
    groups = []
    for depth in sorted(set(depths.values()), reverse=True):
        for group in parameter_groups(model, config.adamw.weight_decay):
            here = [p for p in group["params"] if depths[names[id(p)]] == depth]
            if here:
                groups.append({**group, "params": here, "lr": rates[depth]})
    return groups
