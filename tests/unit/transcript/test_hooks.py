from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.transcript import hooks
from carryover.transcript.hooks import MOST_LEVELS, root_above


@pytest.mark.parametrize(("levels", "most"), [(1_000, MOST_LEVELS), (10_000, 0)], ids=["a deep path", "no path"])
def test_a_strangers_path_is_looked_at_in_few_places(levels: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone who reaches the port names it, and the daemon answers nobody else meanwhile."""
    looked: list[Path] = []

    def look(_agent: str, _layouts: object, _transcript: Path, root: Path) -> Source | None:
        looked.append(root)
        return None

    monkeypatch.setattr(hooks, "source_at", look)

    assert root_above(Path("/" + "a/" * levels + "x.jsonl"), ()) is None
    assert len(looked) == most
