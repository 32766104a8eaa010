"""Kilo in a box."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from real_agents.lab.box import HOME
from real_agents.lab.packages import MACHINE
from real_agents.opencode.client import Opencode

VERSIONS: Final = ("7.7.9",)


class Kilo(Opencode):
    id = "kilo"
    NAME = "Kilo"
    RELEASED = "npm @kilocode/cli-linux-x64"
    OLDEST = "7.7.9"
    STARTS_S = 180.0
    RUNS_S = 400.0
    PACKAGE = f"@kilocode/cli-linux-{MACHINE}"
    BINARY = "kilo"
    DATABASE = HOME / ".local" / "share" / "kilo" / "kilo.db"
    CONFIG = HOME / ".config" / "kilo" / "kilo.jsonc"
    OFFLINE: ClassVar[Mapping[str, str]] = {
        "KILO_DISABLE_MODELS_FETCH": "1",
        "KILO_DISABLE_AUTOUPDATE": "1",
        "KILO_DISABLE_LSP_DOWNLOAD": "1",
        "KILO_DISABLE_CODEBASE_INDEXING": "1",
        "KILO_DISABLE_SESSION_INGEST": "1",
    }
    RUNS: ClassVar[Sequence[str]] = ("run", "--auto")
    """Otherwise each command is refused, since nobody can be asked."""


TOOL = Kilo
