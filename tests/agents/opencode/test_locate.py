"""Which files are sources."""

from __future__ import annotations

from pathlib import Path

from agents.opencode.stores import database
from carryover.agents.opencode.adapter import AGENT


def test_a_variable_may_name_the_database_itself(tmp_path: Path) -> None:
    path = database(tmp_path)
    [_, root] = AGENT.roots(tmp_path, {"OPENCODE_DB": str(path)})

    assert root == path
    assert AGENT.sources(root) == [AGENT.source_of(path, root)]
    assert AGENT.source_of(path.with_name("opencode.db-wal"), root) == AGENT.source_of(path, root)
    assert AGENT.source_of(path.with_name("other.db"), root) is None
    assert AGENT.sources(tmp_path / "gone.db") == []
