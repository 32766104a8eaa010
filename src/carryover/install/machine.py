"""The machine as the installer sees it: everything it would otherwise ask the process for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look. `root` stands before the folders that belong to the system (`/usr/local/bin`)."""

    home: Path
    env: Mapping[str, str] = field(default_factory=dict)
    platform: str = sys.platform
    root: Path = Path("/")

    @classmethod
    def here(cls, recorded: Mapping[str, str] | None = None) -> Self:
        """This machine. `recorded`: variables an earlier install saw; the environment of today goes before them."""
        return cls(home=Path.home(), env={**(recorded or {}), **os.environ})
