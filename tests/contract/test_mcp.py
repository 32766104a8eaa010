"""Every agent that knows MCP servers: `install --mcp` enters ours, and uninstall leaves what was there before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.adapter.spec import AgentSpec
from carryover.edits.entries import SERVER_NAME, is_ours, settings_in
from carryover.faces.cli.main import main
from carryover.install.agent_settings import server_files
from contract.test_uninstall import contents
from support.agent_here import only_this_path
from support.tools import versioned

SETTINGS: Final[dict[str, dict[str, str]]] = {
    ".json": {
        "no file": "",
        "an empty list": '{"KEY": {}}\n',
        "a server of the user": '{\n\t"a": 1,\r\n  "KEY": {"mine": {"command": "x"} }}',
    },
    ".toml": {
        "no file": "",
        "an empty list": "[KEY]\n",
        "a server of the user": 'model = "x"  # mine\n\n[KEY.mine]\ncommand = "x"\n\n[own]\nkey = 1',
    },
    "a list in .toml": {
        "no file": "",
        "an empty list": "KEY = []\n",
        "a server of the user": 'model = "x"  # mine\n\n[[KEY]]\nname = "mine"\ncommand = "x"\n\n[own]\nkey = 1',
    },
}
LAST: Final = "a server of the user"


def rows(specs: Iterable[AgentSpec]) -> list[tuple[str, str]]:
    """The ids of agents that know servers, with what is there before: for those of one form, all of it just once."""
    found: list[tuple[str, str]] = []
    forms: list[object] = []
    for spec in specs:
        form = [(servers.key, servers.also, [Path(file.path).suffix for file in servers.files]) for servers in spec.mcp]
        found += [(spec.id, name) for name in SETTINGS[".json"] if form and (form not in forms or name == LAST)]
        forms.append(form)
    return found


@pytest.fixture
def here(spec: AgentSpec, home: Path, monkeypatch: pytest.MonkeyPatch) -> AgentSpec:
    """The agent is on this machine, with a folder for each file in which it looks for servers."""
    if not spec.mcp:
        pytest.skip("knows no MCP servers")
    only_this_path(home, monkeypatch, system=())
    versioned(home / "bin" / spec.binaries[0], "no version")
    for folder in spec.folders:
        folder.at(home, {}).mkdir(parents=True, exist_ok=True)
    for path, _ in lists(spec, home):
        path.parent.mkdir(parents=True, exist_ok=True)
    return spec


def form(spec: AgentSpec, path: Path) -> str:
    return f"a list in {path.suffix}" if any("name" in servers.also for servers in spec.mcp) else path.suffix


def lists(spec: AgentSpec, home: Path) -> list[tuple[Path, str]]:
    """The file that gets the server, of each of the agent's programs, and the key of its list."""
    each = [(server_files(servers, home, {}), servers.key) for servers in spec.mcp]
    return [(files[0], key) for files, key in each]


def servers_in(path: Path, key: str) -> Any:
    """The servers by name."""
    servers = settings_in(path.read_bytes(), toml=path.suffix == ".toml").get(key) or {}
    return {server["name"]: server for server in servers} if isinstance(servers, list) else servers


def install(spec: AgentSpec, *options: str) -> int:
    return main(("install", "--yes", "--agents", spec.id, "--no-service", *options))


def test_uninstall_leaves_the_lists_of_servers_as_they_were(here: AgentSpec, home: Path, before: str) -> None:
    for path, key in lists(here, home):
        if text := SETTINGS[form(here, path)][before]:
            path.write_bytes(text.replace("KEY", key).encode())
    found = contents(home)

    assert install(here, "--mcp") == 0
    for path, key in lists(here, home):
        assert is_ours(servers_in(path, key)[SERVER_NAME])
    entered = contents(home)
    assert install(here) == 0, "what was asked for stays without being asked for again"
    assert contents(home) == entered
    assert main(("uninstall", "--purge", "--yes")) == 0

    assert contents(home) == found


def test_it_can_be_taken_out_alone_and_is_found_without_the_record(here: AgentSpec, home: Path) -> None:
    assert install(here) == 0
    hooks_alone = contents(home)
    assert install(here, "--mcp") == 0
    assert install(here, "--no-mcp") == 0
    assert contents(home) == hooks_alone

    assert install(here, "--mcp") == 0
    (home / ".carryover" / "journal.jsonl").unlink()
    assert main(("uninstall", "--yes")) == 0
    assert not [path for path, key in lists(here, home) if path.exists() and SERVER_NAME in servers_in(path, key)]
