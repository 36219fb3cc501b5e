"""The counters of energy that a machine may have: RAPL of the processor, NVML of graphics cards."""

import ctypes
import re
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
MICROJOULES = 1e-6
MILLIJOULES = 1e-3
NVML_FILE = "libnvidia-ml.so.1"


class RaplMeter:
    """Reads the counters of all processors that this user may read (Linux; often root only).

    Attributes:
        packages: Folder of each processor whose counter is readable.
    """

    def __init__(self) -> None:
        zones = sorted(path for path in POWERCAP.glob("intel-rapl:*") if _is_package(path))
        self._start: dict[Path, int] = {}
        for zone in zones:
            try:
                self._start[zone] = _read_counter(zone)
            except OSError:  # most systems let only root read it
                continue
        self.packages = list(self._start)

    def joules(self) -> float:
        """Give the energy of all readable processors since this meter was made.

        A counter that has come back to 0 in between counts on; one that has done so twice cannot
        be told (that takes many minutes).
        """
        total = 0
        for zone, start in self._start.items():
            now = _read_counter(zone)
            if now < start:
                now += int((zone / "max_energy_range_uj").read_text())
            total += now - start
        return total * MICROJOULES


class NvmlMeter:
    """Reads the counters of all NVIDIA cards of the machine, whoever uses them.

    Attributes:
        n_cards: How many cards there are.
        n_readable: How many have a counter (from Volta on).
    """

    def __init__(self) -> None:
        self._library = _load_nvml()
        self.n_cards = 0
        self._start: dict[int, int] = {}
        if self._library is not None and self._library.nvmlInit_v2() == 0:
            number = ctypes.c_uint()
            self._library.nvmlDeviceGetCount_v2(ctypes.byref(number))
            self.n_cards = number.value
        for card in range(self.n_cards):
            energy = self._read(card)
            if energy is not None:
                self._start[card] = energy
        self.n_readable = len(self._start)

    def joules(self) -> float:
        """Give the energy of all readable cards since this meter was made."""
        total = sum((self._read(card) or start) - start for card, start in self._start.items())
        return total * MILLIJOULES

    def _read(self, card: int) -> int | None:
        library: Any = self._library
        handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
        if library.nvmlDeviceGetHandleByIndex_v2(card, ctypes.byref(handle)) != 0:
            return None
        if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy)) != 0:
            return None
        return energy.value


def _is_package(zone: Path) -> bool:
    """Say whether a folder is a whole processor: its cores and the platform would count twice."""
    if not re.fullmatch(r"intel-rapl:\d+", zone.name):
        return False
    return (zone / "name").read_text().startswith("package")


def _read_counter(zone: Path) -> int:
    return int((zone / "energy_uj").read_text())


def _load_nvml() -> Any | None:
    try:
        return ctypes.CDLL(NVML_FILE)
    except OSError:  # no NVIDIA driver
        return None
