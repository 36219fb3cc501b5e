"""Build hook: a wheel carries data and lessons; an editable install reads them in place."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarryData(BuildHookInterface):
    """Adds `data/` and `notebooks/` to a standard wheel, under `course_lib`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders, unless this is an editable install."""
        if version == "standard":
            build_data["force_include"] = {
                "data": "course_lib/_data",
                "notebooks": "course_lib/_notebooks",
            }
