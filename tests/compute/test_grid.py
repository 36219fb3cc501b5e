import re

import pytest

from course_lib.compute import grid_intensity
from course_lib.data.paths import read_facts


def test_figures_of_the_source() -> None:
    """As they stand in codecarbon's global_energy_mix.json."""
    expected = {"FR": 56.039, "DE": 380.95, "US": 369.473, "CN": 582.317, "PL": 661.926}
    assert {code: grid_intensity(code).g_per_kwh for code in expected} == expected
    assert {grid_intensity(code).year for code in expected} == {2023}


def test_three_letters_name_the_same_country() -> None:
    assert grid_intensity("GBR") is grid_intensity("GB")
    assert grid_intensity("GB").country == "United Kingdom"


@pytest.mark.parametrize("code", ["fr", "France", "", "XX"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=rf'such as "FR" or "FRA"; got code={code!r}'):
        grid_intensity(code)


def test_every_row_has_a_code_a_year_and_a_source() -> None:
    rows = read_facts("grid_intensity")
    for row in rows:
        assert re.fullmatch("[A-Z]{2}", row["code"])
        assert re.fullmatch("[A-Z]{3}", row["code3"])
        assert 0 < float(row["g_per_kwh"]) < 1400
        assert 2009 <= int(row["year"]) <= 2023
        assert re.search("/blob/[0-9a-f]{40}/", row["source"])
    for column in ("code", "code3", "country"):
        assert len({row[column] for row in rows}) == len(rows) == 212
