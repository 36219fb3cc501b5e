"""Cross-entropy as training wants it: summed, exact in 16 bits, and easy on memory.

torch's own first copies 16-bit logits to float32, then writes all their log-probabilities, then
all their gradients in float32. With a large vocabulary these are the largest arrays of a training
step. Here rows are taken a few at a time, while they are in the cache.

Letters: N = places (tokens of all sequences), V = vocab_size.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.nn.loss import IGNORE_ID

_CPU_CHUNK = 2**20
_GPU_CHUNK = 2**27  # logits at once: on a CPU they fit the cache, on a GPU they fill all its cores


def summed_cross_entropy(
    logits: Float[Tensor, "N V"], targets: Int[Tensor, " N"], ignore_id: int = IGNORE_ID
) -> Float[Tensor, ""]:
    """Sum the surprise at the right answers.

    Args:
        logits: Unnormalised scores, in any floating format.
        targets: The right class of each row.
        ignore_id: Rows with this target are left out.

    Returns:
        The sum of -ln p(target) over the counted rows, in nats, computed in float32 at least; 0 if
        no row counts.

    Example:
        >>> summed_cross_entropy(torch.zeros(3, 4), torch.tensor([0, 2, -100]))  # 2 ln 4
        tensor(2.7726)
    """
    return _SummedCrossEntropy.apply(logits, targets, ignore_id)  # type: ignore[return-value]


class _SummedCrossEntropy(torch.autograd.Function):
    """Keeps of each row only ln Z, the logarithm of the sum of its exponentials."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, ignore_id: int) -> Tensor:
        counted = targets != ignore_id
        right = targets.where(counted, 0)[:, None]
        dtype = torch.promote_types(logits.dtype, torch.float32)
        log_z = torch.empty(len(logits), dtype=dtype, device=logits.device)
        for rows in _chunks(logits):
            torch.logsumexp(logits[rows].to(dtype), dim=1, out=log_z[rows])
        ctx.save_for_backward(logits, right, counted, log_z)
        surprise = log_z - logits.gather(1, right)[:, 0]
        return surprise.masked_fill(~counted, 0.0).sum()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        logits, right, counted, log_z = ctx.saved_tensors
        weight = (counted * slopes[0]).to(log_z.dtype)[:, None]
        d_logits = torch.empty_like(logits)
        for rows in _chunks(logits):
            d_rows = logits[rows].to(log_z.dtype, copy=True)
            d_rows.sub_(log_z[rows, None]).exp_().mul_(weight[rows])
            d_logits[rows] = d_rows.scatter_add_(1, right[rows], -weight[rows])
        return d_logits, None, None


def _chunks(logits: Tensor) -> Iterator[slice]:
    chunk = _CPU_CHUNK if logits.device.type == "cpu" else _GPU_CHUNK
    n_rows = max(1, chunk // logits.shape[1])
    for start in range(0, len(logits), n_rows):
        yield slice(start, start + n_rows)
