"""Which files are sources."""

from __future__ import annotations

from pathlib import Path

from agents.opencode.stores import database
from carryover.agents.opencode import locate
from carryover.agents.opencode.adapter import AGENT


def test_a_variable_may_name_the_database_itself(tmp_path: Path) -> None:
    path = database(tmp_path)
    [_, root] = AGENT.roots(tmp_path, {"OPENCODE_DB": str(path)})

    assert root == path
    assert locate.sources(root) == [locate.source_of(path, root)]
    assert locate.source_of(path.with_name("opencode.db-wal"), root) == locate.source_of(path, root)
    assert locate.source_of(path.with_name("other.db"), root) is None
    assert locate.sources(tmp_path / "gone.db") == []
