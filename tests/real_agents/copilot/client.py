"""Copilot CLI in a box: get it, start it, see what it sent to the model and what it wrote."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from real_agents.copilot.chat_api import MODEL
from real_agents.copilot.requests import told
from real_agents.lab import npm, product
from real_agents.lab.box import ENVIRONMENT, HOME, OUT, Box, Ran, Started
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal

LATEST: Final = "1.0.102"
VERSIONS: Final = (LATEST, "1.0.48")
"""Newest known; one of half a year before, which writes no exit codes."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_COPILOT", "").split()) or VERSIONS
"""The versions that rows run with which ask for each."""

NEWEST: Final = tuple(version for version in CHOSEN if version == LATEST)
"""The version that all others run with."""

EACH_VERSION: Final = pytest.mark.parametrize("copilot", CHOSEN, indirect=True)

COPILOT_HOME: Final = HOME / ".copilot"
PROJECT: Final = HOME / "shop"

TRUST: Final = "Do you trust the files in this folder"
"""What the interactive client asks first in a folder."""
READY: Final = r"(?m)^\s*❯"
"""The line that takes a prompt."""

ALLOWED: Final = ("--allow-all-tools", "--allow-all-paths")
"""Nobody is asked for anything."""

OFFLINE: Final = {
    "COPILOT_OFFLINE": "true",
    "COPILOT_AUTO_UPDATE": "false",
    "COPILOT_PROVIDER_BASE_URL": f"http://127.0.0.1:{PORT}/v1",
    "COPILOT_PROVIDER_API_KEY": "dummy-key",
    "COPILOT_MODEL": MODEL,
}
"""Makes the client use a provider of the user's own, and nothing else."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client: how to start it, and the folder that a box must show for that."""

    version: str
    command: Path
    shown: Path


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises npm.NotInstalled."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    folder = npm.installed(f"@github/copilot-linux-{machine}", version)
    command = folder / "copilot"
    command.chmod(0o755)
    return Client(version, command, folder)


@contextmanager
def boxed(client: Client, home: Path | None = None) -> Iterator[CopilotBox]:
    """A box in which `copilot` is that client. `home`: its `$COPILOT_HOME`."""
    path = f"{client.command.parent}:{ENVIRONMENT['PATH']}"
    moved = {"COPILOT_HOME": str(home)} if home else {}
    environment = {**product.ENVIRONMENT, **OFFLINE, "PATH": path, "TZ": "UTC", **moved}
    with Box(npm.cache_dir() / "runs", [*product.SHOWN, client.shown], environment) as box:
        yield CopilotBox(box, client, home or COPILOT_HOME)


class CopilotBox:
    """A box with one client, the fake chat completions API and a project, `/home/dev/shop`, that is a repository."""

    def __init__(self, box: Box, client: Client, home: Path) -> None:
        self.box = box
        self.client = client
        self.home = home
        """The client's own folder."""
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        server = box.start(product.PYTHON, "-m", "real_agents.copilot.chat_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError("the fake chat completions API did not start")

    def make_project(self, files: dict[str, str], root: Path = PROJECT) -> None:
        """The project with these files, committed."""
        for name, text in files.items():
            self.box.write(root / name, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)

    def script(self, *replies: Any) -> None:
        """What the model will say next, in this order (`chat_api.py`); after that it says "OK."."""
        with self.box.here(OUT / "replies.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(json.dumps(reply) + "\n" for reply in replies)

    def ask(self, prompt: str, *options: str, cwd: Path = PROJECT, code: int = 0) -> Ran:
        """One `copilot -p`. Raises RuntimeError when it does not end with `code`."""
        ran = self.box.run(str(self.client.command), "-p", prompt, *ALLOWED, *options, cwd=cwd)
        if ran.code != code:
            raise RuntimeError(f"copilot -p ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def start_ask(self, prompt: str) -> Started:
        """One `copilot -p` that goes on until it is stopped."""
        return self.box.start(str(self.client.command), "-p", prompt, *ALLOWED, cwd=PROJECT)

    @contextmanager
    def terminal(self, *options: str, cwd: Path = PROJECT) -> Iterator[Terminal]:
        """The interactive client, in a folder that its user trusts, when it takes a prompt."""
        with Terminal(self.box, str(self.client.command), *ALLOWED, *options, cwd=cwd) as terminal:
            terminal.wait(TRUST)
            terminal.key("Enter")
            terminal.wait(READY)
            yield terminal

    def requests(self) -> list[dict[str, Any]]:
        """Bodies of the conversations' requests so far, oldest first."""
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [entry["body"] for entry in map(json.loads, lines) if entry["asked"]]

    def told(self) -> str:
        """Everything the model was told by the last request."""
        return told(self.requests()[-1])

    def sessions(self) -> list[str]:
        """Ids of the sessions that have a log, oldest first."""
        return [path.parent.name for path in self.logs()]

    def logs(self) -> list[Path]:
        """The logs written so far, as seen from outside; oldest first."""
        found = self.box.here(self.home / "session-state").glob("*/events.jsonl")
        return sorted(found, key=lambda path: json.loads(path.read_text("utf-8").splitlines()[0])["timestamp"])
