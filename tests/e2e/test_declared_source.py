"""The daemon follows a source that the user declares, from the moment at which the settings name it."""

from __future__ import annotations

import json
from pathlib import Path

from carryover.daemon.client import reload_daemon
from support.daemon_process import DaemonProcess, handoff_of, wait_until

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"
DECLARED = """\
[server]
port = 0
[publish]
pointers = "shared"
[[sources]]
agent = "my-agent"
files = ["~/.my-agent/*.jsonl"]
"""


def test_a_declared_source_is_followed_while_it_grows_without_its_secrets(
    running: DaemonProcess, home: Path, project: Path
) -> None:
    log = home / ".my-agent" / "one.jsonl"
    log.parent.mkdir()
    config = home / ".carryover" / "config.toml"

    def say(text: str) -> None:
        with log.open("a") as file:
            file.write(json.dumps({"role": "user", "content": text, "cwd": str(project)}) + "\n")

    say(f"Add a discount, the token is {TOKEN}")
    config.write_text(DECLARED)
    reload_daemon(running.state)
    first = wait_until("the first words", lambda: handoff_of(project) or None)
    assert "Add a discount" in first
    assert TOKEN not in first

    say("Never below zero")
    wait_until("the next words", lambda: "Never below zero" in handoff_of(project))
