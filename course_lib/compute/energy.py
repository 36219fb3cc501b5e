"""From hours of a device to kilowatt-hours and carbon dioxide, with the source of every input."""

from dataclasses import dataclass
from typing import NamedTuple

WATTS_PER_KILOWATT = 1000
GRAMS_PER_KG = 1000


class Sourced(NamedTuple):
    """A number and where it comes from: a data sheet, a page, a measurement, your own guess."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class EnergyEstimate:
    """Electricity and emissions of a run, and the four inputs that they follow from.

    Attributes:
        device_hours: Hours, times the number of devices.
        watts: Power that one device draws.
        pue: Power usage effectiveness: all power of the data centre over that of its computers.
        g_per_kwh: Grams of carbon dioxide per kilowatt-hour.
    """

    device_hours: Sourced
    watts: Sourced
    pue: Sourced
    g_per_kwh: Sourced

    @property
    def kwh(self) -> float:
        """Electricity, in kilowatt-hours."""
        watt_hours = self.device_hours.value * self.watts.value * self.pue.value
        return watt_hours / WATTS_PER_KILOWATT

    @property
    def kg_co2e(self) -> float:
        """Emissions, in kg of carbon dioxide; other gases count by their effect."""
        return self.kwh * self.g_per_kwh.value / GRAMS_PER_KG

    def report(self) -> str:
        """Write the two results, and a line for each input with its source."""
        inputs = (
            ("hours · devices", self.device_hours),
            ("watts", self.watts),
            ("PUE", self.pue),
            ("g CO2e per kWh", self.g_per_kwh),
        )
        lines = [f"{self.kwh:,.4g} kWh, {self.kg_co2e:,.4g} kg CO2e"]
        lines += [f"  {name}: {number.value:,g} ({number.source})" for name, number in inputs]
        return "\n".join(lines)


def estimate_energy(
    *, device_hours: Sourced, watts: Sourced, pue: Sourced, g_per_kwh: Sourced
) -> EnergyEstimate:
    """Estimate electricity and emissions: hours × W × PUE → kWh, × intensity → kg CO2e.

    What making the machines took, and what they draw while idle, is left out.

    Args:
        device_hours: Hours, times the number of devices (≥ 0).
        watts: Power that one device draws (≥ 0). The figure of a data sheet is the highest that it
            may draw, and leaves out the processor and the memory beside it.
        pue: Power usage effectiveness (≥ 1); 1 at home.
        g_per_kwh: Of the grid, as from `grid_intensity` (≥ 0).

    Raises:
        ValueError: If a number is out of range, or a source is empty.

    Reference:
        Patterson et al. 2021, "Carbon Emissions and Large Neural Network Training", section 2,
        https://arxiv.org/abs/2104.10350. To compare: the package codecarbon samples the same
        quantities while a program runs.

    Example:
        >>> estimate = estimate_energy(
        ...     device_hours=Sourced(1_720_320, "model card"),
        ...     watts=Sourced(400, "model card"),
        ...     pue=Sourced(1.1, "LLaMA paper"),
        ...     g_per_kwh=Sourced(385, "LLaMA paper"),
        ... )
        >>> print(estimate.report())  # Llama 2 70B; its card says 291.42 tonnes
        7.569e+05 kWh, 2.914e+05 kg CO2e
          hours · devices: 1.72032e+06 (model card)
          watts: 400 (model card)
          PUE: 1.1 (LLaMA paper)
          g CO2e per kWh: 385 (LLaMA paper)
    """
    inputs = {"device_hours": device_hours, "watts": watts, "pue": pue, "g_per_kwh": g_per_kwh}
    for name, number in inputs.items():
        lowest = 1 if name == "pue" else 0
        if number.value < lowest:
            raise ValueError(f"{name} must be ≥ {lowest}; got {name}={number.value}.")
        if not number.source.strip():
            raise ValueError(f"{name} must say where it comes from; got an empty source.")
    return EnergyEstimate(device_hours=device_hours, watts=watts, pue=pue, g_per_kwh=g_per_kwh)
