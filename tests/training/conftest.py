"""A fixture that runs a function in several processes, which take part in one training run."""

import multiprocessing
import os
import pickle
import socket
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from course_lib.training.processes import Processes, start_processes

RunRanks = Callable[..., list[Any]]
LIMIT_SECONDS = 60


@pytest.fixture
def run_ranks() -> RunRanks:
    """Give a function that forks: nothing is imported again, and a planted bug stays planted.

    It calls `function(processes)` in each process and gives a list of what they returned, by rank.
    Where a process raised an error, its text (type and message) stands in its place if `may_fail`,
    and None if it was killed.
    """
    if not hasattr(os, "fork") or torch.cuda.is_available():
        pytest.skip("torch can be forked only where there is no GPU and the system can fork")
    return _run_ranks


def _run_ranks(
    function: Callable[[Processes], Any],
    world_size: int,
    *,
    may_fail: bool = False,
    timeout_seconds: float = 20.0,
) -> list[Any]:
    context = multiprocessing.get_context("fork")
    port, pipes, children = _free_port(), [], []
    for rank in range(world_size):
        ours, theirs = context.Pipe(duplex=False)
        environment = {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(world_size),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        arguments = (function, environment, theirs, timeout_seconds)
        child = context.Process(target=_live, args=arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
            child.start()
        theirs.close()
        pipes.append(ours)
        children.append(child)
    try:
        outcomes = [_receive(pipe) for pipe in pipes]
    finally:
        for child in children:
            child.kill()
            child.join()
    failed = [outcome for outcome in outcomes if outcome is None or outcome[0] == "error"]
    assert may_fail or not failed, "\n".join(str(outcome) for outcome in failed)
    return [None if outcome is None else outcome[1] for outcome in outcomes]


def _live(
    function: Callable[[Processes], Any],
    environment: dict[str, str],
    pipe: Any,
    timeout_seconds: float,
) -> None:
    torch.set_num_threads(1)
    os.environ.update(environment)
    try:
        with start_processes("cpu", timeout_seconds=timeout_seconds) as processes:
            outcome = ("value", function(processes))
    except BaseException as error:
        outcome = ("error", f"{type(error).__name__}: {error}", traceback.format_exc())
    pipe.send_bytes(pickle.dumps(outcome))


def _receive(pipe: Any) -> Any:
    assert pipe.poll(LIMIT_SECONDS), "a process does not end"
    try:
        return pickle.loads(pipe.recv_bytes())
    except EOFError:
        return None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
