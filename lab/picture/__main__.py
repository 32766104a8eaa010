"""Records the story and draws it: `make picture` writes the pictures, README's handoff and what `make run` replays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contract.table import with_tables
from picture.story import recorded
from picture.svg import drawn

README: Final = Path(__file__).parents[2] / "README.md"
DOCS: Final = Path(__file__).parents[2] / "docs"
EXAMPLE: Final = README.parent / "lab" / "demo" / "shop.jsonl"
PICTURE: Final = DOCS / "handover.svg"
LOOKING_UP: Final = "carryover search and carryover why name the turns behind a word and behind a line of code."
LOOKING_BACK: Final = "carryover log lists what two agents did, newest first, and carryover usage the tokens they took."
TITLE: Final = "Claude Code reaches its usage limit, one command starts Codex, and Codex carries on with the handoff."


def documents(folder: Path) -> dict[Path, str]:
    """Returns the pictures, the README and the example of `make run` as they are after a run below `folder`, which is
    empty."""
    story = recorded(folder)
    shown = f"```markdown\n{story.handoff.strip()}\n```\n"
    return {
        PICTURE: drawn(TITLE, story.scenes),
        DOCS / "looking-up.svg": drawn(LOOKING_UP, story.looked_up),
        DOCS / "looking-back.svg": drawn(LOOKING_BACK, story.looked_back),
        README: with_tables(README.read_text("utf-8"), {"handoff": shown}),
        EXAMPLE: story.recording,
    }


def main() -> None:
    """Writes all of them."""
    with TemporaryDirectory(prefix="carryover-picture-") as folder:
        made = documents(Path(folder).resolve())
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {len(text.splitlines())} lines.")


if __name__ == "__main__":
    main()
