"""Where the terminal client keeps its sessions, and which files are one."""

from __future__ import annotations

from pathlib import Path

from agents.copilot.contract_case import SESSION
from carryover.agents.copilot.locate import sources

HOME = Path("/home/dev")


def test_sessions_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    root = tmp_path / "session-state"
    for name in ("b", "a"):
        log = root / f"{name}{SESSION[1:]}" / "events.jsonl"
        log.parent.mkdir(parents=True)
        log.touch()
    (root / SESSION).mkdir()

    assert [Path(source.path).parent.name[0] for source in sources(root)] == ["a", "b"]
