"""opencode in a box: get it, start it, see what it sent to the model and what it wrote."""

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

from real_agents.lab import npm, product
from real_agents.lab.box import ENVIRONMENT, HOME, OUT, Box, Ran, Started
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal

LATEST: Final = "1.18.33"
VERSIONS: Final = (LATEST, "1.2.27")
"""Newest known; half a year older, with a database but without a log of events in it."""
WITH_FILES: Final = "1.1.65"
"""One of the last that wrote a file for each record instead of a database."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_OPENCODE", "").split()) or VERSIONS
"""The versions that rows run with which ask for each."""

NEWEST: Final = tuple(version for version in CHOSEN if version == LATEST)
"""The version that all others run with."""


def of_version(*versions: str) -> pytest.MarkDecorator:
    """For a row that runs with these versions, whatever was chosen."""
    return pytest.mark.parametrize("opencode", versions, indirect=True)


EACH_VERSION: Final = of_version(*CHOSEN)

DATA: Final = HOME / ".local" / "share" / "opencode"
CONFIG_DIR: Final = HOME / ".config" / "opencode"
CONFIG: Final = CONFIG_DIR / "opencode.json"
PROJECT: Final = HOME / "shop"

SETTINGS: Final[dict[str, Any]] = {
    "model": "fake/fake-model",
    "small_model": "fake/fake-model",
    "autoupdate": False,
    "share": "disabled",
    "provider": {
        "fake": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Fake",
            "options": {"baseURL": f"http://127.0.0.1:{PORT}/v1", "apiKey": "dummy"},
            "models": {"fake-model": {"name": "Fake", "tool_call": True, "limit": {"context": 200000, "output": 8000}}},
        }
    },
}
"""The settings of a user with a provider of their own."""

OFFLINE: Final = {
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
}
"""Without these the client tries for up to a minute to reach the network."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client: how to start it, and the folder that a box must show for that."""

    version: str
    command: Path
    shown: Path


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises npm.NotInstalled."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    folder = npm.installed(f"opencode-linux-{machine}", version)
    return Client(version, folder / "bin" / "opencode", folder)


@contextmanager
def boxed(client: Client, *others: Client) -> Iterator[OpencodeBox]:
    """A box in which `opencode` is that client; `others` can be started by their paths."""
    path = f"{client.command.parent}:{ENVIRONMENT['PATH']}"
    environment = {**product.ENVIRONMENT, **OFFLINE, "PATH": path, "TZ": "UTC"}
    shown = [*product.SHOWN, *(one.shown for one in (client, *others))]
    with Box(npm.cache_dir() / "runs", shown, environment) as box:
        yield OpencodeBox(box, client)


class OpencodeBox:
    """A box with one client, the fake chat API and a project, `/home/dev/shop`, that is a git repository."""

    def __init__(self, box: Box, client: Client) -> None:
        self.box = box
        self.client = client
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        box.write(CONFIG, json.dumps(SETTINGS, indent=2) + "\n")
        server = box.start(product.PYTHON, "-m", "real_agents.opencode.chat_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError(f"the fake chat API did not start: {server.said()}")

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

    def run(self, prompt: str, *options: str, cwd: Path = PROJECT, code: int = 0) -> Ran:
        """One `opencode run`; `options` stand before the prompt. Raises RuntimeError when it ends otherwise."""
        ran = self.box.run(str(self.client.command), "run", *options, prompt, cwd=cwd)
        if ran.code != code:
            raise RuntimeError(f"opencode run ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def start_run(self, prompt: str, *options: str) -> Started:
        """One `opencode run` that goes on until it is stopped."""
        return self.box.start(str(self.client.command), "run", *options, prompt, cwd=PROJECT)

    def terminal(self, *options: str, cwd: Path = PROJECT) -> Terminal:
        """The interactive client."""
        return Terminal(self.box, str(self.client.command), *options, cwd=cwd)

    def requests(self) -> list[dict[str, Any]]:
        """Bodies of the conversations' requests so far, oldest first."""
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [entry["body"] for entry in map(json.loads, lines) if entry["asked"]]
