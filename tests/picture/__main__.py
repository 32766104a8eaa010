"""Records the story and draws it: `make picture` writes the picture that the README shows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from picture.story import recorded
from picture.svg import drawn

PICTURE: Final = Path(__file__).parents[2] / "docs" / "handover.svg"
TITLE: Final = "Claude Code reaches its usage limit, one command starts Codex, and Codex carries on with the handoff."


def picture(folder: Path) -> str:
    """Returns the picture of a run below `folder`, which is empty."""
    return drawn(TITLE, recorded(folder))


def main() -> None:
    """Writes the picture."""
    with TemporaryDirectory(prefix="carryover-picture-") as folder:
        text = picture(Path(folder).resolve())
    PICTURE.write_text(text, encoding="utf-8")
    print(f"{PICTURE.name}: {len(text.splitlines())} lines.")


if __name__ == "__main__":
    main()
