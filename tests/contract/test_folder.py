"""Every agent: its folder lacks nothing. `checklist.py` says what each part is for."""

from __future__ import annotations

from contract.checklist import missing
from contract.folder import Folder


def test_nothing_is_missing(folder: Folder) -> None:
    assert missing(folder) == []
