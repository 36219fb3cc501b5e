from pathlib import Path
from typing import Any

import pytest

from course_lib.compute import meters
from course_lib.compute.meters import NvmlMeter, RaplMeter


@pytest.fixture
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two processors, their platform, one's cores, and the same counter by another road."""
    monkeypatch.setattr(meters, "POWERCAP", tmp_path)
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl:0:0": "core",
        "intel-rapl-mmio:0": "package-0",
    }
    for zone, name in zones.items():
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "energy_uj").write_text("1000000\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("9000000\n")
    return tmp_path


def test_packages_add_up_and_nothing_counts_twice(powercap: Path) -> None:
    meter = RaplMeter()
    assert [zone.name for zone in meter.packages] == ["intel-rapl:0", "intel-rapl:1"]
    assert meter.joules() == 0
    for zone in powercap.iterdir():
        (zone / "energy_uj").write_text("3500000")
    assert meter.joules() == pytest.approx(5.0)


def test_a_counter_that_comes_back_to_0_counts_on(powercap: Path) -> None:
    meter = RaplMeter()
    (powercap / "intel-rapl:0" / "energy_uj").write_text("500000")
    assert meter.joules() == pytest.approx(8.5)


def test_a_counter_that_is_not_for_everyone_is_left_out(powercap: Path) -> None:
    (powercap / "intel-rapl:1" / "energy_uj").unlink()  # root reads everything, so no chmod
    assert [zone.name for zone in RaplMeter().packages] == ["intel-rapl:0"]


def test_a_machine_without_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "POWERCAP", tmp_path / "nothing")
    monkeypatch.setattr(meters, "NVML_FILE", "no-such-library.so")
    assert RaplMeter().packages == []
    assert RaplMeter().joules() == 0
    cards = NvmlMeter()
    assert (cards.n_cards, cards.n_readable, cards.joules()) == (0, 0, 0)


class FakeNvml:
    """Cards with these counters, in millijoules; None for one that has none."""

    def __init__(self, *millijoules: int | None, starts: bool = True) -> None:
        self.millijoules = list(millijoules)
        self.starts = starts

    def nvmlInit_v2(self) -> int:
        return 0 if self.starts else 9

    def nvmlDeviceGetCount_v2(self, number: Any) -> int:
        number._obj.value = len(self.millijoules)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, card: int, handle: Any) -> int:
        handle._obj.value = card + 1
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, energy: Any) -> int:
        counter = self.millijoules[handle.value - 1]
        energy._obj.value = counter or 0
        return 3 if counter is None else 0


def test_cards_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeNvml(7_000, 100)
    monkeypatch.setattr(meters, "_load_nvml", lambda: library)
    meter = NvmlMeter()
    library.millijoules = [9_500, 1_100]
    assert (meter.n_cards, meter.n_readable) == (2, 2)
    assert meter.joules() == pytest.approx(3.5)


def test_a_card_without_a_counter_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeNvml(None, 100)
    monkeypatch.setattr(meters, "_load_nvml", lambda: library)
    meter = NvmlMeter()
    library.millijoules[1] = 1_100
    assert (meter.n_cards, meter.n_readable) == (2, 1)
    assert meter.joules() == pytest.approx(1.0)


def test_a_driver_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "_load_nvml", lambda: FakeNvml(7, starts=False))
    assert NvmlMeter().n_cards == 0
