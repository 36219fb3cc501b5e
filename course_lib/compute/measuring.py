"""Measure the energy of a piece of a program; where nothing can be read, say that it is a guess."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from course_lib.compute.meters import NvmlMeter, RaplMeter

JOULES_PER_KWH = 3_600_000


class EnergyPart(NamedTuple):
    """Energy of one part of the machine.

    Attributes:
        joules: How much.
        method: How it is known, in words that begin with "measured" or "estimate".
    """

    joules: float
    method: str


@dataclass
class EnergyMeasurement:
    """What `measure_energy` found; filled at the end of its `with` block.

    Attributes:
        seconds: How long the block took.
        parts: The parts of the machine, each with its energy and the method.
    """

    seconds: float = 0.0
    parts: list[EnergyPart] = field(default_factory=list)

    @property
    def joules(self) -> float:
        """Energy of all parts.

        Raises:
            ValueError: If the `with` block has not ended.
        """
        if not self.parts:
            raise ValueError("joules must be read after the end of the `with` block.")
        return sum(part.joules for part in self.parts)

    @property
    def kwh(self) -> float:
        """The same in kilowatt-hours."""
        return self.joules / JOULES_PER_KWH

    @property
    def is_estimate(self) -> bool:
        """Whether any part of it is not measured."""
        return any(not part.method.startswith("measured") for part in self.parts)

    def report(self) -> str:
        """Write the total and a line for each part; the word "estimate" is in it if it is one."""
        head = "estimate" if self.is_estimate else "measured"
        lines = [f"{head}: {self.joules:,.3g} J in {self.seconds:,.3g} s"]
        return "\n".join(lines + [f"  {joules:,.3g} J, {method}" for joules, method in self.parts])


@contextmanager
def measure_energy(*, watts_per_core: float) -> Iterator[EnergyMeasurement]:
    """Measure the energy that the machine takes during a `with` block.

    The processor's counter (RAPL) and those of NVIDIA cards (NVML) are read where they are
    readable; they count all programs of the machine, not memory, disks and fans. Where the
    processor has no readable counter, the time that this program's threads were busy is multiplied
    by a power that you must name, and the result says "estimate".

    Args:
        watts_per_core: Power of a busy core, for that case (> 0). A processor's data sheet gives
            the power of all cores together (TDP); divide it by their number.

    Yields:
        The measurement, filled at the end of the block.

    Raises:
        ValueError: If `watts_per_core` is not above 0.

    Reference:
        The Linux kernel's documentation of the power capping framework,
        https://docs.kernel.org/power/powercap/powercap.html; NVIDIA's NVML,
        nvmlDeviceGetTotalEnergyConsumption.

    Example:
        >>> with measure_energy(watts_per_core=10.0) as energy:
        ...     total = sum(range(100_000))
        >>> energy.is_estimate or energy.parts[0].method.startswith("measured")
        True
    """
    if watts_per_core <= 0:
        raise ValueError(f"watts_per_core must be > 0; got watts_per_core={watts_per_core}.")
    measurement = EnergyMeasurement()
    rapl, nvml = RaplMeter(), NvmlMeter()
    start, cpu_start = time.perf_counter(), time.process_time()
    try:
        yield measurement
    finally:
        measurement.seconds = time.perf_counter() - start
        cpu_seconds = time.process_time() - cpu_start
        measurement.parts.append(_of_processor(rapl, cpu_seconds, watts_per_core))
        if nvml.n_cards:
            measurement.parts.append(_of_cards(nvml))


def _of_processor(rapl: RaplMeter, cpu_seconds: float, watts_per_core: float) -> EnergyPart:
    if rapl.packages:
        return EnergyPart(rapl.joules(), f"measured: RAPL of {len(rapl.packages)} processor(s)")
    method = f"estimate: {cpu_seconds:.3g} CPU seconds × {watts_per_core:g} W a core, assumed"
    return EnergyPart(cpu_seconds * watts_per_core, method)


def _of_cards(nvml: NvmlMeter) -> EnergyPart:
    if nvml.n_readable == nvml.n_cards:
        return EnergyPart(nvml.joules(), f"measured: NVML of {nvml.n_cards} card(s)")
    missing = nvml.n_cards - nvml.n_readable
    return EnergyPart(nvml.joules(), f"estimate: too low, {missing} card(s) have no counter")
