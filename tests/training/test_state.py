from torch import nn

from course_lib.training.config import TrainingConfig
from course_lib.training.history import History
from course_lib.training.state import make_state


def test_a_plain_run_begins_with_nothing_done() -> None:
    model, config = nn.Linear(2, 3), TrainingConfig(n_steps=5)
    state = make_state(model, config)
    assert state.model is model
    assert state.config is config
    assert (state.average, state.scaler, state.step) == (None, None, 0)
    assert state.history == History()
    assert type(state.optimizer).__name__ == "AdamW"


def test_average_and_scaler_are_there_when_asked_for() -> None:
    state = make_state(
        nn.Linear(2, 3), TrainingConfig(n_steps=5, ema_decay=0.25, precision="float16")
    )
    assert state.average is not None
    assert state.average.decay == 0.25
    assert state.scaler is not None
    assert (
        make_state(nn.Linear(2, 3), TrainingConfig(n_steps=5, precision="bfloat16")).scaler is None
    )
