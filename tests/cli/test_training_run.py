from pathlib import Path

import pytest
import torch

from course_lib.cli.training_run import describe_curve, describe_interrupt
from course_lib.training import Evaluation, History


def make_history(*losses: float) -> History:
    evaluations = [
        Evaluation(step=10 * (number + 1), nats=loss * 4, n_tokens=4)
        for number, loss in enumerate(losses)
    ]
    return History(evaluations=evaluations)


def test_a_curve_that_falls_is_just_told() -> None:
    curve = describe_curve(make_history(3.5, 2.25))
    assert curve == "Held-out loss, nats per token: 3.500 (step 10), 2.250 (step 20)"


def test_too_long_a_training_is_said_so() -> None:
    curve = describe_curve(make_history(3.5, 2.25, 2.5))
    assert curve.endswith("\nIt was lowest at step 20: take more text, or --steps 20.")


@pytest.mark.parametrize("saved", ["saved in {}/checkpoints/step-00000012", "nothing is saved"])
def test_an_interrupt_tells_what_is_saved(saved: str, tmp_path: Path) -> None:
    if "{}" in saved:
        for step in (3, 12):
            (tmp_path / "checkpoints" / f"step-{step:08}").mkdir(parents=True)
    said = describe_interrupt(tmp_path, torch.device("cuda:1"))
    assert said == (
        f"Stopped; {saved.format(tmp_path)}. Go on with:\n"
        f"  course train gpt --out {tmp_path} --resume --device cuda:1"
    )
