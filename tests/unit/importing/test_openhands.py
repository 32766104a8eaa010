"""Events that OpenHands exports as a trajectory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document


def test_events_that_openhands_exports_are_no_chat(tmp_path: Path) -> None:
    """As it exported them in 2025: what it recalls for a prompt has the user's source, what a call printed the
    agent's."""
    events = [
        {"source": "user", "action": "message", "message": "Fix the test.", "args": {"content": "Fix the test."}},
        {"source": "user", "action": "recall", "message": "Retrieving content for: Fix the test.", "args": {}},
        {"source": "agent", "action": "run", "message": "Running command: pytest", "args": {"command": "pytest"}},
        {"source": "agent", "observation": "run", "message": "Done.", "content": "E   1 == 2", "extras": {}},
    ]
    path = tmp_path / "trajectory.json"
    path.write_text(json.dumps(events), encoding="utf-8")

    with pytest.raises(UserError, match="is not recognised"):
        open_document(Candidate(path, project="/home/ann/shop"))
