"""How much carbon dioxide a kilowatt-hour stands for, country by country."""

from dataclasses import dataclass
from functools import cache

from course_lib.data.paths import read_facts


@dataclass(frozen=True, kw_only=True)
class GridIntensity:
    """What the electricity of a country emitted, over a year.

    Attributes:
        code: The country in two letters (ISO 3166), such as "FR".
        country: Its name.
        g_per_kwh: Grams of carbon dioxide, and of other gases by their effect, per kilowatt-hour.
        year: Of the figure.
        source: Address of the table that it is taken from.
    """

    code: str
    country: str
    g_per_kwh: float
    year: int
    source: str


def grid_intensity(code: str) -> GridIntensity:
    """Look up the carbon intensity of a country's electricity.

    It is the mean of a year: at night, in winter, or in the next region it may differ by more than
    a factor of two. For a data centre, take the figure of its region if it tells one.

    Args:
        code: The country in two or three capital letters (ISO 3166), such as "FR" or "FRA".

    Raises:
        ValueError: If the table has no such country.

    Reference:
        The file global_energy_mix.json of codecarbon (MIT licence), at the commit that `source`
        names; a country with 0 g/kWh is left out.

    Example:
        >>> france = grid_intensity("FR")
        >>> france.g_per_kwh, france.year
        (56.039, 2023)
    """
    found = _table().get(code)
    if found is None:
        raise ValueError(
            'code must be a country in two or three capital letters, such as "FR" or "FRA"; '
            f"got code={code!r}."
        )
    return found


@cache
def _table() -> dict[str, GridIntensity]:
    table = {}
    for row in read_facts("grid_intensity"):
        intensity = GridIntensity(
            code=row["code"],
            country=row["country"],
            g_per_kwh=float(row["g_per_kwh"]),
            year=int(row["year"]),
            source=row["source"],
        )
        table[row["code"]] = table[row["code3"]] = intensity
    return table
