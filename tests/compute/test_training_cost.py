import pytest

from course_lib.compute import (
    TrainingCost,
    cost_from_peak,
    cost_from_throughput,
    cost_range,
    published_runs,
    training_flops,
)
from course_lib.compute.training_cost import HIGHEST_MFU, LOWEST_MFU

ON_FOUR = {"n_devices": 4, "price_per_device_hour": 3.0}


def test_from_a_measured_speed_by_hand() -> None:
    cost = cost_from_throughput(7.2e6, tokens_per_second=1000.0, **ON_FOUR)
    assert cost == TrainingCost(hours=2.0, device_hours=8.0, price=24.0)


def test_from_a_promise_by_hand() -> None:
    cost = cost_from_peak(1.44e17, peak_flops_per_second=1e13, mfu=0.5, **ON_FOUR)
    assert vars(cost) == pytest.approx({"hours": 2.0, "device_hours": 8.0, "price": 24.0})


def test_more_devices_take_less_time_and_the_same_money() -> None:
    one, ten = (
        cost_from_peak(
            1e20, peak_flops_per_second=1e14, mfu=0.4, n_devices=n, price_per_device_hour=2.0
        )
        for n in (1, 10)
    )
    assert ten.hours == pytest.approx(one.hours / 10)
    assert ten.price == pytest.approx(one.price)


def test_the_price_of_deepseek_v3() -> None:
    run = published_runs()["DeepSeek-V3"]
    mfu = run.implied_mfu()
    cost = cost_from_peak(
        training_flops(run.number("parameters"), run.number("tokens")),
        peak_flops_per_second=run.number("peak_flops_per_second"),
        mfu=mfu,
        n_devices=2048,
        price_per_device_hour=run.number("dollars_per_gpu_hour"),
    )
    assert cost.device_hours == pytest.approx(2.664e6)
    assert cost.price == pytest.approx(5.328e6)
    assert cost.hours / 24 == pytest.approx(54.2, abs=0.05)  # "less than two months"


def test_the_range_is_that_of_the_published_runs() -> None:
    shares = [run.implied_mfu() for run in published_runs().values()]
    assert round(min(shares), 2) == LOWEST_MFU
    assert round(max(shares), 2) == HIGHEST_MFU


def test_the_range_holds_the_truth_of_every_published_run() -> None:
    for run in published_runs().values():
        low, high = cost_range(
            training_flops(run.number("parameters"), run.number("tokens")),
            peak_flops_per_second=run.number("peak_flops_per_second"),
            n_devices=1,
            price_per_device_hour=0.0,
        )
        assert 0.98 * low.device_hours <= run.number("gpu_hours") <= 1.02 * high.device_hours


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_tokens": 0.0}, "n_tokens must be > 0"),
        ({"tokens_per_second": -1.0}, "tokens_per_second must be > 0"),
        ({"n_devices": 0}, "n_devices must be ≥ 1; got n_devices=0"),
        ({"price_per_device_hour": -0.5}, r"price_per_device_hour must be ≥ 0; got .*-0\.5"),
    ],
)
def test_numbers_out_of_range(changes: dict[str, float], message: str) -> None:
    arguments = {"n_tokens": 1.0, "tokens_per_second": 1.0, **ON_FOUR, **changes}
    with pytest.raises(ValueError, match=message):
        cost_from_throughput(arguments.pop("n_tokens"), **arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mfu": 1.1}, "utilisation must be above 0 and at most 1"),
        ({"n_devices": 0}, "n_devices must be ≥ 1"),
        ({"price_per_device_hour": -0.5}, "price_per_device_hour must be ≥ 0"),
    ],
)
def test_promises_out_of_range(changes: dict[str, float], message: str) -> None:
    arguments = {"peak_flops_per_second": 1e14, "mfu": 0.5, **ON_FOUR, **changes}
    with pytest.raises(ValueError, match=message):
        cost_from_peak(1e20, **arguments)
