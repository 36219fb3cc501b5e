import pytest
import torch
from torch import nn

from course_lib.finetuning.fitting import KeepBest, TrainingPlan, fit_repeatably, join_histories
from course_lib.seeding import make_generator
from course_lib.training import Evaluation, History, LossSum


def test_the_weights_of_the_best_evaluation_are_kept() -> None:
    model = nn.Linear(1, 1, bias=False)

    def distance(model: nn.Module, batch: float, generator: torch.Generator) -> LossSum:
        return LossSum((model.get_parameter("weight") - batch).abs().sum(), 1)

    keep = KeepBest(distance, n_batches=2)
    for weight in (5.0, 2.0, 3.0):
        nn.init.constant_(model.weight, weight)
        model.train()
        keep(model, 0.0, make_generator(0))  # training is not looked at
        model.eval()
        keep(model, 1.0, make_generator(0))
        keep(model, 2.0, make_generator(0))
    keep.restore(model)
    assert model.weight.item() == 2.0


def test_chance_is_the_same_for_the_same_seed_and_nothing_outside_is_touched() -> None:
    drawn = []

    def fit() -> History:
        drawn.append(torch.rand(()).item())
        evaluations = [
            Evaluation(step=s, nats=n, n_tokens=2) for s, n in ((3, 5.0), (6, 4.0), (9, 4.5))
        ]
        return History(losses=[1.0], evaluations=evaluations)

    state = torch.random.get_rng_state()
    fitted = fit_repeatably(fit, seed=1)
    fit_repeatably(fit, seed=1)
    fit_repeatably(fit, seed=2)
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(state, torch.random.get_rng_state())
    assert fitted.best_step == 6
    assert fit_repeatably(History, seed=0).best_step is None


def test_histories_join_with_their_steps() -> None:
    first = History(losses=[3.0, 2.0], evaluations=[Evaluation(step=2, nats=1.0, n_tokens=1)])
    second = History(losses=[1.0], evaluations=[Evaluation(step=1, nats=0.5, n_tokens=1)])
    second.stopped_by = "n_steps"
    joined = join_histories([first, second])
    assert joined.losses == [3.0, 2.0, 1.0]
    assert [evaluation.step for evaluation in joined.evaluations] == [2, 3]
    assert joined.stopped_by == "n_steps"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_epochs": 0}, "n_epochs must be ≥ 1; got n_epochs=0"),
        ({"patience": -1}, "patience must be ≥ 0; got patience=-1"),
        ({"warmup_share": 1.0}, r"warmup_share must be in \[0, 1\); got warmup_share=1.0"),
    ],
)
def test_bad_plans_are_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingPlan(**settings)  # pyright: ignore
