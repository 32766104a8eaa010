"""Gemini CLI in a box: get it, start it, see what it sent to the model and what it wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from real_agents.gemini_cli.requests import told
from real_agents.lab import npm, product
from real_agents.lab.box import ENVIRONMENT, HOME, OUT, Box, Ran, Started
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal

LATEST: Final = "0.61.0"
VERSIONS: Final = (LATEST, "0.44.0", "0.26.0")
"""Newest known; half a year older; one of the last that write a session as one document, and the first with hooks."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_GEMINI_CLI", "").split()) or VERSIONS
"""The versions that rows run with which ask for each."""

NEWEST: Final = tuple(version for version in CHOSEN if version == LATEST)
"""The version that all others run with."""


def of_version(*versions: str) -> pytest.MarkDecorator:
    """For a row that runs with these versions, as far as they were chosen."""
    return pytest.mark.parametrize("gemini", [chosen for chosen in CHOSEN if chosen in versions], indirect=True)


EACH_VERSION: Final = of_version(*CHOSEN)

OWN: Final = HOME / ".gemini"
PROJECT: Final = HOME / "shop"
READY: Final = r"Type your message"
"""The line of an interactive client that takes a prompt."""

SETTINGS: Final = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "disableAutoUpdate": True, "disableUpdateNag": True},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "ui": {"hideTips": True},
}
"""`settings.json` of a user who has chosen how to sign in, and who wants no updates."""

VARIABLES: Final = {"GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{PORT}", "TZ": "UTC"}
MODEL: Final = "gemini-2.5-pro"
UNTRUSTED: Final = 55
"""The exit code of `-p` in a folder that is not trusted (0.61.0)."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client: the folder of its commands, and the folder that a box must show for that."""

    version: str
    commands: Path
    shown: Path


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises npm.NotInstalled."""
    modules = npm.installed("@google/gemini-cli", version).parents[1]
    return Client(version, modules / ".bin", modules)


@contextmanager
def boxed(client: Client, *others: Client, trusted: bool = True) -> Iterator[GeminiBox]:
    """A box in which `gemini` is that client; `others` can be started by `GeminiBox.with_client`.

    `trusted`: its user trusts the project's folder.
    """
    path = f"{client.commands}:{ENVIRONMENT['PATH']}"
    environment = {**product.ENVIRONMENT, **VARIABLES, "PATH": path}
    shown = [*product.SHOWN, *(one.shown for one in (client, *others))]
    with Box(npm.cache_dir() / "runs", shown, environment) as box:
        yield GeminiBox(box, client, trusted=trusted)


class GeminiBox:
    """A box with one client, the fake Gemini API and a project, `/home/dev/shop`, that is a git repository."""

    def __init__(self, box: Box, client: Client, *, trusted: bool) -> None:
        self.box = box
        self.with_client(client)
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        box.write(OWN / "settings.json", json.dumps(SETTINGS, indent=2) + "\n")
        self.trust(PROJECT, "TRUST_FOLDER" if trusted else "DO_NOT_TRUST")
        server = box.start(product.PYTHON, "-m", "real_agents.gemini_cli.generate_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError(f"the fake Gemini API did not start: {server.said()}")

    def with_client(self, client: Client) -> None:
        """From now on the user has this version."""
        self.version = client.version
        self._gemini = str(client.commands / "gemini")

    def trust(self, folder: Path, how: str) -> None:
        """What the user answered when the client was first started in a folder."""
        self.box.write(OWN / "trustedFolders.json", json.dumps({str(folder): how}))

    @property
    def command(self) -> str:
        """The client's command."""
        return self._gemini

    def settings(self, **more: Any) -> None:
        """Adds these to the user's settings."""
        path = self.box.here(OWN / "settings.json")
        self.box.write(OWN / "settings.json", json.dumps(json.loads(path.read_text("utf-8")) | more, indent=2) + "\n")

    def make_project(self, files: dict[str, str], root: Path = PROJECT) -> None:
        """The project with these files, committed."""
        for name, text in files.items():
            self.box.write(root / name, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)

    def script(self, *replies: Any) -> None:
        """What the model will say next, in this order (`generate_api.py`); after that it says "OK."."""
        with self.box.here(OUT / "replies.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(json.dumps(reply) + "\n" for reply in replies)

    def run(self, prompt: str, *options: str, cwd: Path = PROJECT) -> Ran:
        """One `gemini -p`, however it ends."""
        return self.box.run(self._gemini, "-m", MODEL, "-y", *options, "-p", prompt, cwd=cwd)

    def ask(self, prompt: str, *options: str, cwd: Path = PROJECT) -> Ran:
        """One `gemini -p`. Raises RuntimeError when it ends badly."""
        ran = self.run(prompt, *options, cwd=cwd)
        if ran.code:
            raise RuntimeError(f"gemini ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def start(self, prompt: str) -> Started:
        """One `gemini -p` that goes on until it is stopped."""
        return self.box.start(self._gemini, "-m", MODEL, "-y", "-p", prompt, cwd=PROJECT)

    def terminal(self, *options: str, cwd: Path = PROJECT) -> Terminal:
        """The interactive client."""
        return Terminal(self.box, self._gemini, "-m", MODEL, "-y", *options, cwd=cwd)

    def requests(self) -> list[dict[str, Any]]:
        """Bodies of the conversations' requests so far, oldest first."""
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [entry["body"] for entry in map(json.loads, lines) if entry["asked"]]

    def told(self) -> str:
        """Everything the model was told by the last request."""
        return told(self.requests()[-1])

    def first_request(self, prompt: str, *options: str, cwd: Path = PROJECT) -> str:
        """What the first request of one `gemini -p` told the model."""
        before = len(self.requests())
        self.ask(prompt, *options, cwd=cwd)
        return told(self.requests()[before])

    def transcripts(self) -> list[Path]:
        """The transcripts of main conversations so far, as seen from outside; oldest first."""
        return sorted(self.box.here(OWN / "tmp").glob("*/chats/session-*.json*"), key=lambda path: path.name)
