"""What the methods that write or judge one text refuse.

Letters: B = sequences, T = tokens of the prompt.
"""

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.generation.rules import Sampling


def check_one_row(prompt_ids: Int[Tensor, "B T"]) -> None:
    """Refuse several prompts, or an empty one.

    Args:
        prompt_ids: The beginning.

    Raises:
        ValueError: If it is not one row of at least one token.
    """
    if len(prompt_ids) != 1 or not prompt_ids.numel():
        raise ValueError(
            "prompt_ids must be one row of at least one token; "
            f"got the shape {tuple(prompt_ids.shape)}."
        )


def check_drawing(sampling: Sampling | None, generator: torch.Generator | None) -> None:
    """Refuse to draw without a generator, or more than one text.

    Args:
        sampling: How tokens are drawn; None if they are not.
        generator: Source of the random draws.

    Raises:
        ValueError: If there is no generator but a `sampling`, or it asks for several texts.
    """
    if sampling is None:
        return
    if generator is None:
        raise ValueError("generator must be given where tokens are drawn; got None.")
    if sampling.n_sequences != 1:
        raise ValueError(
            f"n_sequences must be 1, because one text is written here; "
            f"got n_sequences={sampling.n_sequences}."
        )
