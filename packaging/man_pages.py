"""Takes the manual pages into a wheel where `make dist` wrote them beside the source; elsewhere there are none."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface[Any]):
    """Puts them where `man` finds them in an environment; pipx links them."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        if Path(self.root, "man").is_dir():
            build_data["shared_data"]["man"] = "share/man/man1"
