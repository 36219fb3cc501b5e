"""What well-known models took to train, as published: every figure with the words it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from course_lib.compute.energy import EnergyEstimate, Sourced, estimate_energy
from course_lib.compute.flops import mfu
from course_lib.compute.scaling import OPERATIONS_PER_PARAMETER_AND_TOKEN
from course_lib.compute.training_cost import SECONDS_PER_HOUR
from course_lib.data.paths import read_facts

VERIFIED = "verified"
GRAMS_PER_KG = 1000


@dataclass(frozen=True, kw_only=True)
class PublishedFigure:
    """A figure about a training run.

    Attributes:
        name: What it is, such as "gpu_hours" or "reported_tonnes".
        value: As written: a number, or the name of a device.
        unit: Of a number; empty if it has none.
        source: The publication, and where in it.
        url: Its address.
        words: The words that the figure rests on, at most fifteen; "…" for words left out.
        seen: The day on which they were read.
        note: How the figure was had, or why it does not agree with the others; may be empty.
    """

    name: str
    value: str
    unit: str
    source: str
    url: str
    words: str
    seen: str
    note: str


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """A training run, as far as it is published and its sources were read.

    Attributes:
        model: Name of the model.
        figures: By name; what is not published, or was not seen at its source, is missing.
    """

    model: str
    figures: Mapping[str, PublishedFigure]

    def number(self, name: str) -> float:
        """Give a figure as a number.

        Args:
            name: Such as "parameters", "tokens", "gpu_hours", "watts", "pue", "kg_per_kwh",
                "peak_flops_per_second", "reported_mwh" or "reported_tonnes".

        Raises:
            ValueError: If the run has no such figure.
        """
        return float(self.figure(name).value)

    def figure(self, name: str) -> PublishedFigure:
        """Give a figure with its source.

        Args:
            name: As for `number`.

        Raises:
            ValueError: If the run has no such figure.
        """
        if name not in self.figures:
            raise ValueError(
                f"name must be a figure published for {self.model}: "
                f"{', '.join(self.figures)}; got {name!r}."
            )
        return self.figures[name]

    def implied_mfu(self) -> float:
        """Compute which share of the devices' peak went into 6 · N · D operations.

        Raises:
            ValueError: If N, D, the hours or the peak are not published.
        """
        flops_per_token = OPERATIONS_PER_PARAMETER_AND_TOKEN * self.number("parameters")
        device_seconds = self.number("gpu_hours") * SECONDS_PER_HOUR
        return mfu(
            self.number("tokens") / device_seconds,
            flops_per_token=flops_per_token,
            peak_flops_per_second=self.number("peak_flops_per_second"),
        )

    def estimated_energy(self) -> EnergyEstimate:
        """Compute electricity and emissions from hours, power, PUE and intensity.

        Raises:
            ValueError: If one of the four is not published.
        """
        kg_per_kwh = self._sourced("kg_per_kwh")
        return estimate_energy(
            device_hours=self._sourced("gpu_hours"),
            watts=self._sourced("watts"),
            pue=self._sourced("pue"),
            g_per_kwh=kg_per_kwh._replace(value=GRAMS_PER_KG * kg_per_kwh.value),
        )

    def _sourced(self, name: str) -> Sourced:
        figure = self.figure(name)
        return Sourced(float(figure.value), f"{figure.source}, {figure.url}")


def published_runs() -> dict[str, PublishedRun]:
    """Read the table of well-known training runs; what was not seen at its source is left out.

    Returns:
        The runs by the name of their model. Computed and reported figures need not agree: the
        notes say why, and one of them is an error of its model card.

    Example:
        >>> bloom = published_runs()["BLOOM"]
        >>> f"{bloom.estimated_energy().kg_co2e / 1000:.1f} t, MFU {bloom.implied_mfu():.0%}"
        '24.7 t, MFU 32%'
        >>> bloom.figure("kg_per_kwh").words
        'Carbon intensity of the energy grid 57 gCO2eq/kWh'
    """
    return runs_from(read_facts("models"))


def runs_from(rows: Sequence[Mapping[str, str]]) -> dict[str, PublishedRun]:
    """Gather rows of figures into runs.

    Args:
        rows: With the columns of data/facts/models.csv; those that are not "verified" are left
            out.
    """
    figures: dict[str, dict[str, PublishedFigure]] = {}
    for row in rows:
        if row["status"] != VERIFIED:
            continue
        figures.setdefault(row["model"], {})[row["figure"]] = PublishedFigure(
            name=row["figure"],
            value=row["value"],
            unit=row["unit"],
            source=row["source"],
            url=row["url"],
            words=row["words"],
            seen=row["seen"],
            note=row["note"],
        )
    return {model: PublishedRun(model=model, figures=found) for model, found in figures.items()}
