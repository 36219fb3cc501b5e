"""Several processes that train one model: each takes its rows of every batch, and they add up.

Every process holds the whole model (`sharding` is for models that do not fit). Gradients are added
up explicitly, after the last micro-batch, and not by torch's `DistributedDataParallel`: that takes
the mean over processes, which is not the mean over tokens when texts differ in length, it puts
"module." before every parameter's name, and it hides the model from the objective. What it would
bring is that adding up begins while the backward pass goes on; see docs/scaling.md for what that
is worth. torch knows one group of processes per program, so nothing is passed around: what needs
to know asks `current_processes`.

Letters: *S = any shape.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from course_lib.errors import ProcessLostError
from course_lib.training import foreach

BUCKET_BYTES = 2**25
"""So much is sent at once: few messages, and little memory for their copies."""


@dataclass(frozen=True, kw_only=True)
class Processes:
    """All processes of a run, as one of them sees it.

    Each method but the properties is called by all processes, in the same order, and waits for all
    of them. It raises `ProcessLostError` if one has ended or does not answer in time.

    Attributes:
        rank: Number of this process, from 0.
        world_size: How many there are.
        device: Where this process computes.

    Example:
        >>> alone = Processes(rank=0, world_size=1, device=torch.device("cpu"))
        >>> numbers = torch.tensor([2, 3])
        >>> alone.sum(numbers)
        >>> numbers, alone.is_first, alone.any(False)
        (tensor([2, 3]), True, False)
    """

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def sum(self, *tensors: Tensor) -> None:
        """Replace every tensor by its sum over all processes, the same to the last bit in each.

        Args:
            tensors: Of the same shapes and types everywhere; changed in place.
        """
        if self.world_size > 1:
            for bucket in _buckets(tensors):
                flat = torch.cat([tensor.flatten() for tensor in bucket])
                with self._explaining():
                    dist.all_reduce(flat)
                _unflatten(flat, bucket)

    def broadcast(self, *tensors: Tensor) -> None:
        """Replace every tensor by that of the first process.

        Args:
            tensors: Of the same shapes and types everywhere; changed in place.
        """
        if self.world_size > 1:
            for bucket in _buckets(tensors):
                flat = torch.cat([tensor.flatten() for tensor in bucket])
                with self._explaining():
                    dist.broadcast(flat, src=0)
                _unflatten(flat, bucket)

    def any(self, flag: bool) -> bool:
        """Agree on whether something is so for any process.

        Args:
            flag: Whether it is so for this one.
        """
        flags = torch.tensor([int(flag)])  # on the CPU: no GPU is waited for
        self.sum(flags)
        return bool(flags.item())

    def barrier(self) -> None:
        """Wait until all processes have come here."""
        self.any(False)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise ProcessLostError(
                f"process {self.rank} of {self.world_size} must hear from all others; got "
                f"{str(error).splitlines()[0]!r}. Another process has ended or does not answer: "
                "its own message, above or below, says why. The last checkpoint is good: resume "
                "from it."
            ) from error


@contextmanager
def start_processes(
    device: str | None = None, *, timeout_seconds: float = 300.0
) -> Iterator[Processes]:
    """Join the other processes of this run, and part from them in the end.

    `torchrun --nproc-per-node=2 -m …` starts a program twice and tells each copy by variables of
    the environment which one it is. Without them there is one process, and nothing to join. On
    GPUs each process takes one.

    Args:
        device: "cpu", "cuda" and so on; a GPU of NVIDIA if there is one, else the CPU, if None.
        timeout_seconds: A process that does not answer for so long is given up, so that the others
            end and do not wait for ever. Writing a checkpoint must be faster (> 0).

    Yields:
        This process's view of all.

    Raises:
        ValueError: If several processes shall share a device of another kind.
        ProcessLostError: If the others do not come.

    Example:
        >>> with start_processes("cpu") as processes:
        ...     processes.world_size
        1
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield Processes(rank=0, world_size=1, device=torch.device(kind))
        return
    if kind not in ("cpu", "cuda"):
        raise ValueError(
            f"device must be 'cpu' or 'cuda' for several processes; got device={device!r}."
        )
    _join(kind, int(os.environ["RANK"]), world_size, timeout_seconds)
    try:
        yield current_processes()
    finally:
        dist.destroy_process_group()


def _join(kind: str, rank: int, world_size: int, timeout_seconds: float) -> None:
    if kind == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    mine = Processes(rank=rank, world_size=world_size, device=torch.device(kind))
    with mine._explaining():
        dist.init_process_group(
            # What lies on the CPU, such as counts, is always sent by gloo.
            "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo",
            timeout=timedelta(seconds=timeout_seconds),
        )


def current_processes() -> Processes:
    """Tell which processes this program has joined; one, this one, if it has joined none.

    Example:
        >>> current_processes().world_size
        1
    """
    if not dist.is_initialized():
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return Processes(rank=0, world_size=1, device=device)
    is_gpu = "nccl" in dist.get_backend_config()
    return Processes(
        rank=dist.get_rank(),
        world_size=dist.get_world_size(),
        device=torch.device("cuda", torch.cuda.current_device()) if is_gpu else torch.device("cpu"),
    )


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Group tensors of one type and device, in their order, so that few messages are sent."""
    bucket: list[Tensor] = []
    n_bytes = 0
    for tensor in tensors:
        fits = n_bytes + tensor.nbytes <= BUCKET_BYTES
        if bucket and not (fits and _kind(tensor) == _kind(bucket[0])):
            yield bucket
            bucket, n_bytes = [], 0
        bucket.append(tensor)
        n_bytes += tensor.nbytes
    if bucket:
        yield bucket


def _kind(tensor: Tensor) -> tuple[torch.dtype, torch.device]:
    return tensor.dtype, tensor.device


def _unflatten(flat: Tensor, bucket: list[Tensor]) -> None:
    parts = flat.split([tensor.numel() for tensor in bucket])
    foreach.copy(bucket, list(map(Tensor.view_as, parts, bucket)))
