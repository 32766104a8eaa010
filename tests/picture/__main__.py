"""Records the story and draws it: `make picture` writes the picture and the handoff that the README shows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contract.table import with_tables
from picture.story import recorded
from picture.svg import drawn

README: Final = Path(__file__).parents[2] / "README.md"
PICTURE: Final = Path(__file__).parents[2] / "docs" / "handover.svg"
TITLE: Final = "Claude Code reaches its usage limit, one command starts Codex, and Codex carries on with the handoff."


def documents(folder: Path) -> dict[Path, str]:
    """Returns the picture and the README as they are after a run below `folder`, which is empty."""
    story = recorded(folder)
    shown = f"```markdown\n{story.handoff.strip()}\n```\n"
    return {
        PICTURE: drawn(TITLE, story.scenes),
        README: with_tables(README.read_text("utf-8"), {"handoff": shown}),
    }


def main() -> None:
    """Writes both."""
    with TemporaryDirectory(prefix="carryover-picture-") as folder:
        made = documents(Path(folder).resolve())
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {len(text.splitlines())} lines.")


if __name__ == "__main__":
    main()
