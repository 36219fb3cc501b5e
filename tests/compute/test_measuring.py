import time
from pathlib import Path

import pytest

from course_lib.compute import EnergyMeasurement, measure_energy, meters
from course_lib.compute.measuring import EnergyPart
from course_lib.compute.meters import NvmlMeter


class FakeCards(NvmlMeter):
    def __init__(self) -> None:
        self.n_cards, self.n_readable = 2, 2

    def joules(self) -> float:
        return 3.0


@pytest.fixture(autouse=True)
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No counter at all, whatever this machine has."""
    monkeypatch.setattr(meters, "POWERCAP", tmp_path)
    monkeypatch.setattr(meters, "NVML_FILE", "no-such-library.so")
    return tmp_path


def add_processor(powercap: Path) -> Path:
    zone = powercap / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0")
    (zone / "energy_uj").write_text("1000000")
    return zone / "energy_uj"


def test_without_counters_it_says_estimate_and_how() -> None:
    with measure_energy(watts_per_core=10.0) as energy:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
    assert energy.is_estimate
    assert 0.5 <= energy.joules < 1.0
    assert 0.05 <= energy.seconds < 60
    assert energy.report().startswith("estimate: ")
    assert "CPU seconds × 10 W a core, assumed" in energy.report()


def test_sleep_costs_no_cpu_seconds() -> None:
    with measure_energy(watts_per_core=1000.0) as energy:
        time.sleep(0.1)
    assert energy.joules < 50  # 100 if the clock on the wall counted
    assert energy.seconds >= 0.1


def test_with_a_counter_it_says_measured(powercap: Path) -> None:
    counter = add_processor(powercap)
    with measure_energy(watts_per_core=10.0) as energy:
        counter.write_text("4500000")
    assert energy.joules == pytest.approx(3.5)
    assert not energy.is_estimate
    assert energy.report().splitlines()[1] == "  3.5 J, measured: RAPL of 1 processor(s)"


def test_cards_come_on_top(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.compute.measuring.NvmlMeter", FakeCards)
    counter = add_processor(powercap)
    with measure_energy(watts_per_core=10.0) as energy:
        counter.write_text("2000000")
    assert energy.joules == pytest.approx(4.0)
    assert energy.report().splitlines() == [
        f"measured: 4 J in {energy.seconds:,.3g} s",
        "  1 J, measured: RAPL of 1 processor(s)",
        "  3 J, measured: NVML of 2 card(s)",
    ]


def test_a_card_without_a_counter_makes_it_an_estimate(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HalfReadable(FakeCards):
        def __init__(self) -> None:
            self.n_cards, self.n_readable = 2, 1

    monkeypatch.setattr("course_lib.compute.measuring.NvmlMeter", HalfReadable)
    add_processor(powercap)
    with measure_energy(watts_per_core=10.0) as energy:
        pass
    assert energy.is_estimate
    assert energy.parts[1] == EnergyPart(3.0, "estimate: too low, 1 card(s) have no counter")


def test_a_power_below_one_watt_is_one() -> None:
    with measure_energy(watts_per_core=0.5) as energy:
        pass
    assert energy.parts[0].method.endswith("× 0.5 W a core, assumed")


def test_an_error_in_the_block_passes_through_and_the_energy_is_kept() -> None:
    with pytest.raises(KeyError), measure_energy(watts_per_core=10.0) as energy:
        raise KeyError
    assert energy.joules >= 0


def test_kilowatt_hours() -> None:
    parts = [EnergyPart(1_800_000.0, "measured: a"), EnergyPart(5_400_000.0, "measured: b")]
    assert EnergyMeasurement(parts=parts).kwh == 2.0


def test_before_the_end_there_is_nothing_to_read() -> None:
    with pytest.raises(ValueError, match="joules must be read after the end"):
        EnergyMeasurement().joules  # noqa: B018


@pytest.mark.parametrize("watts", [0.0, -5.0])
def test_a_power_that_cannot_be(watts: float) -> None:
    with (
        pytest.raises(ValueError, match="watts_per_core must be > 0"),
        measure_energy(watts_per_core=watts),
    ):
        pass
