"""Where the terminal client keeps its sessions, and which files are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.copilot.contract_case import SESSION
from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.locate import source_of, sources

HOME = Path("/home/dev")


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({}, "/home/dev/.copilot"),
        ({"COPILOT_HOME": ""}, "/home/dev/.copilot"),
        ({"COPILOT_HOME": "/srv/copilot"}, "/srv/copilot"),
        ({"COPILOT_HOME": "~/conf/copilot"}, "/home/dev/conf/copilot"),
    ],
)
def test_the_folder_can_be_moved(env: dict[str, str], folder: str) -> None:
    assert AGENT.roots(HOME, env)[0] == Path(folder) / "session-state"


def test_a_log_is_its_folders_session() -> None:
    root = HOME / ".copilot/session-state"
    path = root / SESSION / "events.jsonl"

    assert source_of(path, root) == Source(agent="copilot", path=str(path), session=SESSION)


def test_sessions_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    root = tmp_path / "session-state"
    for name in ("b", "a"):
        log = root / f"{name}{SESSION[1:]}" / "events.jsonl"
        log.parent.mkdir(parents=True)
        log.touch()
    (root / SESSION).mkdir()

    assert [Path(source.path).parent.name[0] for source in sources(root)] == ["a", "b"]
