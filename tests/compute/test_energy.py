import pytest

from course_lib.compute import Sourced, estimate_energy


def estimate(**changes: Sourced):
    inputs = {
        "device_hours": Sourced(3.0, "clock"),
        "watts": Sourced(500.0, "data sheet"),
        "pue": Sourced(1.2, "operator"),
        "g_per_kwh": Sourced(50.0, "table"),
    }
    return estimate_energy(**{**inputs, **changes})


def test_by_hand() -> None:
    result = estimate()
    assert result.kwh == pytest.approx(1.8)
    assert result.kg_co2e == pytest.approx(0.09)


def test_the_report_names_each_input_and_its_source() -> None:
    assert estimate().report().splitlines() == [
        "1.8 kWh, 0.09 kg CO2e",
        "  hours · devices: 3 (clock)",
        "  watts: 500 (data sheet)",
        "  PUE: 1.2 (operator)",
        "  g CO2e per kWh: 50 (table)",
    ]


@pytest.mark.parametrize(
    ("name", "value", "lowest"),
    [("device_hours", -1.0, 0), ("watts", -0.1, 0), ("pue", 0.9, 1), ("g_per_kwh", -5.0, 0)],
)
def test_a_number_out_of_range_is_refused(name: str, value: float, lowest: int) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be ≥ {lowest}; got {name}={value}"):
        estimate(**{name: Sourced(value, "clock")})
    estimate(**{name: Sourced(float(lowest), "clock")})


@pytest.mark.parametrize("name", ["device_hours", "watts", "pue", "g_per_kwh"])
def test_a_number_without_a_source_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must say where it comes from"):
        estimate(**{name: Sourced(1.0, "  ")})
