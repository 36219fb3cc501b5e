"""Time and money of a training run, from a measured speed or from what a data sheet promises."""

from dataclasses import dataclass

from course_lib.compute.scaling import gpu_days

SECONDS_PER_HOUR = 3600
HOURS_PER_DAY = 24

LOWEST_MFU = 0.14
"""Of the runs in data/facts/models.csv, that of Llama 3.1 8B."""

HIGHEST_MFU = 0.51
"""Of the same runs, that of LLaMA 13B."""


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """What a run takes.

    Attributes:
        hours: From start to end, with all devices busy.
        device_hours: Hours, times the number of devices.
        price: For all of them, in the currency of the price that was given.
    """

    hours: float
    device_hours: float
    price: float


def cost_from_throughput(
    n_tokens: float,
    *,
    tokens_per_second: float,
    n_devices: int,
    price_per_device_hour: float,
) -> TrainingCost:
    """Compute time and money of a run from a speed that was measured in a short one.

    Args:
        n_tokens: Tokens to read, those read again included (> 0).
        tokens_per_second: Speed of all devices together (> 0).
        n_devices: How many devices (≥ 1).
        price_per_device_hour: Of one device (≥ 0), in any currency.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> cost = cost_from_throughput(  # LLaMA 65B, 380 tokens/s a GPU; its paper says 21 days
        ...     1.4e12, tokens_per_second=380.0 * 2048, n_devices=2048, price_per_device_hour=2.0
        ... )
        >>> round(cost.hours / 24, 1)
        20.8
    """
    _require(
        above_0={"n_tokens": n_tokens, "tokens_per_second": tokens_per_second},
        n_devices=n_devices,
        price_per_device_hour=price_per_device_hour,
    )
    hours = n_tokens / tokens_per_second / SECONDS_PER_HOUR
    return _cost(hours * n_devices, n_devices, price_per_device_hour)


def cost_from_peak(
    flops: float,
    *,
    peak_flops_per_second: float,
    mfu: float,
    n_devices: int,
    price_per_device_hour: float,
) -> TrainingCost:
    """Compute time and money of a run from its operations and the share of a promise.

    Args:
        flops: Operations of the run, as from `training_flops` (> 0).
        peak_flops_per_second: What one device's data sheet promises (> 0).
        mfu: The share of it that goes into these operations (above 0, at most 1).
        n_devices: How many devices (≥ 1).
        price_per_device_hour: Of one device (≥ 0), in any currency.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> cost_from_peak(
        ...     3.6e18, peak_flops_per_second=1e14, mfu=0.5, n_devices=4, price_per_device_hour=2.0
        ... )
        TrainingCost(hours=5.0, device_hours=20.0, price=40.0)
    """
    _require(above_0={}, n_devices=n_devices, price_per_device_hour=price_per_device_hour)
    days = gpu_days(flops, peak_flops_per_second=peak_flops_per_second, utilisation=mfu)
    return _cost(days * HOURS_PER_DAY, n_devices, price_per_device_hour)


def cost_range(
    flops: float,
    *,
    peak_flops_per_second: float,
    n_devices: int,
    price_per_device_hour: float,
) -> tuple[TrainingCost, TrainingCost]:
    """Give the honest range of `cost_from_peak`: the best and the worst of the published runs.

    Without a measured speed nobody knows the share of the peak. Of the runs in `published_runs` it
    goes from 14 to 51 %, so the dearest end costs 3.6 times the cheapest.

    Args:
        flops: Operations of the run (> 0).
        peak_flops_per_second: What one device's data sheet promises (> 0).
        n_devices: How many devices (≥ 1).
        price_per_device_hour: Of one device (≥ 0), in any currency.

    Returns:
        The cost with the highest share, and with the lowest.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> low, high = cost_range(
        ...     3.6e18, peak_flops_per_second=1e14, n_devices=1, price_per_device_hour=2.0
        ... )
        >>> round(low.device_hours, 1), round(high.device_hours, 1)
        (19.6, 71.4)
    """
    low, high = (
        cost_from_peak(
            flops,
            peak_flops_per_second=peak_flops_per_second,
            mfu=mfu,
            n_devices=n_devices,
            price_per_device_hour=price_per_device_hour,
        )
        for mfu in (HIGHEST_MFU, LOWEST_MFU)
    )
    return low, high


def _cost(device_hours: float, n_devices: int, price_per_device_hour: float) -> TrainingCost:
    return TrainingCost(
        hours=device_hours / n_devices,
        device_hours=device_hours,
        price=device_hours * price_per_device_hour,
    )


def _require(*, above_0: dict[str, float], n_devices: int, price_per_device_hour: float) -> None:
    for name, number in above_0.items():
        if number <= 0:
            raise ValueError(f"{name} must be > 0; got {name}={number}.")
    if n_devices < 1:
        raise ValueError(f"n_devices must be ≥ 1; got n_devices={n_devices}.")
    if price_per_device_hour < 0:
        raise ValueError(f"price_per_device_hour must be ≥ 0; got {price_per_device_hour}.")
