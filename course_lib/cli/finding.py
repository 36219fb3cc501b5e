"""One thing that `course doctor` looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing the doctor looked at.

    Attributes:
        state: `missing` means the course cannot run without it, `note` that it can.
        subject: What was looked at.
        text: What was found.
        fix: What to do about it; empty if nothing is to be done.
    """

    state: Literal["ok", "note", "missing"]
    subject: str
    text: str
    fix: str = ""
