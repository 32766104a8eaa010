"""Builds the documentation site into build/site: `make site`. Pages open from the disk; the search needs a server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from website.pages import problems, stage

CHECKOUT: Final = Path(__file__).parents[2]


def build(checkout: Path) -> list[str]:
    """Writes the site below `checkout`, as zensical.toml there says, and returns what is wrong with its pages."""
    for name in ("pages", "site"):
        shutil.rmtree(checkout / "build" / name, ignore_errors=True)
    stage(checkout, checkout / "build" / "pages")
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=checkout, check=True)
    return problems(checkout / "build" / "site")


def main() -> None:
    """Builds the site; ends with 1 if a page has a link that leads nowhere, or may load anything from another host."""
    found = build(CHECKOUT)
    shown = "Open build/site/index.html; with the search: python3 -m http.server --bind 127.0.0.1 -d build/site"
    print("\n".join(found) or shown)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
