"""A training run that is killed again and again ends where one ends that was left in peace."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

N_KILLS = 10

# One process imports torch and then forks each life of the run, which saves seconds for each.
# It counts what the run reports (a step, half a file, a forced write, a rename), and kills it
# after a random number of reports and a random fraction of the pause that follows the last.
PROGRAM = '''
import json, os, random, signal, sys, time
from pathlib import Path

import torch
import torch._dynamo  # the first optimiser step imports it: once here, not once in each life
from safetensors.torch import save_file

from course_lib.data.batches import InOrder, PackedBatches
from course_lib.models import GPT, GPTConfig
from course_lib.training import MaskedLM, MuonConfig, TrainingConfig, train
from course_lib.training import checkpoint_files
from course_lib.training.checkpoints import Checkpoints

N_KILLS, PAUSE_SECONDS = int(sys.argv[1]), 0.004
ROOT = Path(sys.argv[2])
DATA = PackedBatches(torch.arange(401) * 7 % 13, n_rows=3, n_tokens=7, seed=5)
HELD_OUT = InOrder(PackedBatches(torch.arange(83) * 5 % 13, n_rows=2, n_tokens=7))
CONFIG = TrainingConfig(
    n_steps=60, n_micro_batches=2, optimizer=MuonConfig(), ema_decay=0.9, evaluate_every=5,
    patience=50,
)
OBJECTIVE = MaskedLM(mask_id=0, vocab_size=13, share=0.5)


class Reports:
    def __init__(self, pipe):
        self.pipe = pipe

    def say(self, word):
        os.write(self.pipe, word.encode())
        time.sleep(PAUSE_SECONDS)

    def update(self, *numbers):
        self.say("s")

    def slow_down(self):
        """Report and pause in the middle of each file, and before it is forced to the disk."""
        write, rename = checkpoint_files._write_synced, os.rename

        def write_slowly(path, content):
            with path.open("wb") as stream:
                stream.write(content[: len(content) // 2])
                stream.flush()
                self.say("h")
            write(path, content)

        def report_fsync(descriptor):
            self.say("f")  # and no more: what a killed process has written is not lost

        def rename_slowly(source, target):
            self.say("r")
            rename(source, target)

        checkpoint_files._write_synced = write_slowly
        os.fsync, os.rename = report_fsync, rename_slowly


def live(name, checkpoints, progress):
    torch.manual_seed(1)
    model = GPT(GPTConfig(vocab_size=13, max_len=8, d_model=10, n_heads=2, n_layers=2, dropout=0.1))
    if checkpoints and checkpoint_files.newest_good(checkpoints.folder)[0]:
        torch.manual_seed(os.getpid())  # what is not restored would be another in every life
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter)
    history = train(
        model, DATA, CONFIG, objective=OBJECTIVE, held_out=HELD_OUT, checkpoints=checkpoints,
        progress=progress,
    )
    save_file(model.state_dict(), ROOT / f"{name}.safetensors")
    (ROOT / f"{name}.json").write_text(history.to_json())


def live_killed(chance, n_reports):
    """Live in a process of its own; tell the last report if it was killed, else None."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        reports = Reports(theirs)
        reports.slow_down()
        live("killed", Checkpoints(ROOT / "run", every_steps=3, resume=True), reports)
        os._exit(0)
    os.close(theirs)
    last = None
    for _ in range(n_reports):
        last = os.read(ours, 1).decode()
        if not last:
            break
    else:
        time.sleep(chance.uniform(0, PAUSE_SECONDS))
        os.kill(child, signal.SIGKILL)
    os.close(ours)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return last
    assert status == 0, status
    return None


chance, moments, leftovers, steps = random.Random(12), [], 0, []
for _ in range(N_KILLS):
    moments.append(live_killed(chance, chance.randint(1, 60)))
    leftovers += len(list((ROOT / "run").glob(".step-*.partial")))
    good, problems = checkpoint_files.newest_good(ROOT / "run")
    assert not problems, problems
    steps.append(checkpoint_files.read_checkpoint(good).step if good else 0)
end = live_killed(chance, 10**9)
live("whole", None, None)
report = {"moments": moments, "leftovers": leftovers, "steps": steps, "end": end}
(ROOT / "report.json").write_text(json.dumps(report))
'''


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_ten_kills_and_a_resume_after_each_change_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(N_KILLS), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["moments"]) == N_KILLS
    assert set(report["moments"]) <= set("shfr")  # none of them had ended before
    assert report["end"] is None  # and the last one was let live
    assert report["leftovers"] >= 3  # so often a kill fell into the middle of a write
    assert report["steps"] == sorted(report["steps"])
    assert len(set(report["steps"])) >= 5  # the run went on between the kills

    killed, whole = (load_file(tmp_path / f"{name}.safetensors") for name in ("killed", "whole"))
    assert killed.keys() == whole.keys()
    for name, tensor in whole.items():
        assert torch.equal(killed[name], tensor), name
    assert history_of(tmp_path / "killed.json") == history_of(tmp_path / "whole.json")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "step-00000057",
        "step-00000060",
    ]


def history_of(path: Path) -> dict[str, Any]:
    history = json.loads(path.read_text())
    assert len(history["losses"]) == len(history["seconds"]) == 60
    assert len(history["evaluations"]) == 12
    del history["seconds"]  # the only thing in it that may differ
    return history
