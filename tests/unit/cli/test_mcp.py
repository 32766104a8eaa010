"""`carryover install --mcp`, and what is said where the server can't run. Its answers: tests/e2e/test_mcp.py."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from carryover.install import how_installed
from carryover.install.how_installed import MCP_SDK, own_scripts
from support.agent_here import everything
from support.recorded_shop import Run

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"
SERVER = {"type": "stdio", "command": str(own_scripts() / "carryover"), "args": ["mcp"]}


@pytest.fixture
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(how_installed, "_MODULE_OF_SDK", "no_such_module")


def test_it_is_entered_where_asked_for_and_said_so(claude: Path, home: Path, run: Run) -> None:
    pytest.importorskip("mcp_types")
    state = home / ".claude.json"
    state.write_text('{"numStartups": 4}')

    assert "MCP" not in run("install", "--yes", "--no-service")[1]
    code, out, err = run("install", "--yes", "--no-service", "--mcp")
    assert (code, err) == (ExitCode.OK, "")
    assert "✓ MCP server entered into ~/.claude.json\n" in out
    moved = {"env": {"CARRYOVER_HOME": str(state_dir().root)}}  # some agents start servers without such variables
    assert json.loads(state.read_text()) == {"numStartups": 4, "mcpServers": {"carryover": {**SERVER, **moved}}}

    assert run("refresh", "--yes", "--no-service")[1].startswith("Nothing changed")
    assert "✓ MCP server removed from ~/.claude.json\n" in run("refresh", "--yes", "--no-service", "--no-mcp")[1]
    assert state.read_text() == '{"numStartups": 4}'


def test_what_the_agent_writes_meanwhile_stays(claude: Path, home: Path, run: Run) -> None:
    """Claude Code writes the file anew at each start, in a form of its own."""
    pytest.importorskip("mcp_types")
    state = home / ".claude.json"
    run("install", "--yes", "--no-service", "--mcp")
    known = {"numStartups": 5, **json.loads(state.read_text()), "projects": {"/work": {"hasTrustDialogAccepted": True}}}
    state.write_text(json.dumps(known, indent=4))

    assert run("uninstall", "--yes")[0] == ExitCode.OK
    known.pop("mcpServers")
    assert json.loads(state.read_text()) == known


def test_a_server_of_the_user_with_that_name_is_left_alone(claude: Path, home: Path, run: Run) -> None:
    pytest.importorskip("mcp_types")
    state = home / ".claude.json"
    state.write_text('{"mcpServers": {"carryover": {"url": "https://example.com"}}}')
    before = state.read_text()

    code, out, _ = run("install", "--yes", "--no-service", "--mcp")

    assert code == ExitCode.FAILED
    assert f'✗ {state} is left alone: "mcpServers" already has another server with the name "carryover".' in out
    assert state.read_text() == before


def test_without_the_sdk_nothing_is_entered_and_the_command_that_brings_it_is_named(
    claude: Path, home: Path, run: Run, without_sdk: None
) -> None:
    before = everything(home)
    for command in (("mcp",), ("install", "--yes", "--no-service", "--mcp")):
        code, out, err = run(*command)

        assert (code, out) == (ExitCode.REFUSED, "")
        assert f"needs the package '{MCP_SDK}', which is not installed beside Carryover. Nothing was changed." in err
        assert MCP_SDK in err.partition("Run `")[2].partition("`")[0]
    assert everything(home) == before


def test_the_command_asks_for_what_the_extra_asks_for() -> None:
    assert tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["mcp"] == [MCP_SDK]
