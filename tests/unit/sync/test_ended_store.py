"""How work in a git store ends when the daemon stops."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.errors import UserError
from carryover.probe.git_command import GitAnswer, in_store
from carryover.sync.git_store import GitStore
from support.daemon_process import wait_until

ME: Final = "0123456789abcdef"


def test_work_in_git_ends_when_the_daemon_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {asked}; sleep 600; :")
    store = GitStore(tmp_path / "store", "ssh://host/store", ME)

    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(store.fetch)
        wait_until("git to ask", asked.exists)
        store.end()
        assert isinstance(fetching.exception(), UserError)


def test_work_in_git_ends_that_begins_just_when_the_daemon_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 600; :")

    def late(folder: Path, *command: str, **given: Any) -> GitAnswer:
        if command[0] == "ls-remote":
            begun.end()
        return in_store(folder, *command, **{**given, "timeout_s": min(given["timeout_s"], 20.0)})

    begun = GitStore(tmp_path / "store", "ssh://host/store", ME, git=late)

    with pytest.raises(UserError) as caught:
        begun.fetch()
    assert "in time" not in str(caught.value)
