"""What the plugins for agents run, in a shell: `hook.sh` once, or nothing. `lab/real_agents` has the clients."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.edits.hooks import hook_command
from carryover.how_installed import PACKAGE
from contract.plugins import HOOKS, MANIFESTS, MARKETPLACES, PLUGINS, REGISTRY, SERVERS, command
from support.forked import CARRYOVERD, run

EACH = [spec for spec in specs() if spec.id in HOOKS]
each_agent = pytest.mark.parametrize("spec", EACH, ids=lambda spec: spec.id)


def ran(spec: AgentSpec, home: Path, **env: str) -> str:
    """What the hook of a plugin prints at a session's start; it must end without an error or a word of one."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), **env}
    line = command(spec, "SessionStart")
    done = subprocess.run(["/bin/sh", "-c", line], input="{}\n", env=clean, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A home folder in which Carryover's script says how it was called."""
    folder = tmp_path / "a user"
    (folder / ".carryover").mkdir(parents=True)
    (folder / ".carryover" / "hook.sh").write_text('echo "$@ $(cat)"\n')
    return folder


def write_settings(spec: AgentSpec, home: Path, env: dict[str, str]) -> None:
    """The agent's settings as `carryover install` leaves them, as far as a plugin reads them."""
    path = spec.hooks.config_files[0].at(home, env)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"command": hook_command(home / ".carryover", spec.id, "SessionStart")}))


@each_agent
def test_a_plugin_runs_the_users_own_script_and_none_that_a_variable_names(
    spec: AgentSpec, user: Path, tmp_path: Path
) -> None:
    """Agents may take variables from a project's files (Gemini CLI 0.61.0 from `.env`)."""
    (tmp_path / "hook.sh").write_text("echo of a project\n")

    assert ran(spec, user, CARRYOVER_HOME=str(tmp_path)) == f"{spec.id} SessionStart {{}}\n"


@each_agent
def test_a_plugin_says_nothing_where_carryover_is_not_installed(spec: AgentSpec, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    assert ran(spec, empty) == ""
    assert list(empty.iterdir()) == []


@each_agent
def test_a_plugin_says_nothing_where_install_has_put_the_same_hook(spec: AgentSpec, user: Path, tmp_path: Path) -> None:
    assert ran(spec, user) != ""
    write_settings(spec, user, {})
    assert ran(spec, user) == ""

    variable = spec.hooks.config_files[0].env
    assert variable is not None
    moved = {variable: str(tmp_path / "other place")}
    assert ran(spec, user, **moved) != ""
    write_settings(spec, user, moved)
    assert ran(spec, user, **moved) == ""


def test_the_files_of_the_plugins_name_each_other() -> None:
    read = {path: json.loads(path.read_text("utf-8")) for path in (*MARKETPLACES, *MANIFESTS, *SERVERS)}
    claude, codex, gemini, pi = (read[path] for path in MANIFESTS)
    for_claude, for_codex = (read[path]["plugins"] for path in MARKETPLACES)
    folder = PLUGINS / "carryover"
    server = {"carryover": {"command": "carryover", "args": ["mcp"]}}

    assert [entry["source"] for entry in for_claude] == ["./plugins/carryover"]
    assert [entry["source"]["path"] for entry in for_codex] == ["./plugins/carryover"]
    assert {manifest["name"] for manifest in (claude, codex, gemini)} == {"carryover"}
    assert (folder / codex["hooks"]).resolve() == HOOKS["codex"]
    assert (folder / codex["mcpServers"]).resolve() == SERVERS[0]
    assert read[SERVERS[0]]["mcpServers"] == gemini["mcpServers"] == server
    assert [(PLUGINS.parent / path).resolve() for path in pi["pi"]["extensions"]] == [HOOKS["pi"]]


def test_the_entry_of_the_registry_names_the_package_and_how_it_serves(tmp_path: Path) -> None:
    """A client runs `uvx carryoverd==VERSION mcp`, and knows the package by a line of its README."""
    entry = json.loads(REGISTRY.read_text("utf-8"))
    [package] = entry["packages"]
    readme = (REGISTRY.parent / "README.md").read_text("utf-8")

    assert f"<!-- mcp-name: {entry['name']} -->" in readme
    assert len(entry["description"]) <= 100
    assert (package["identifier"], package["version"]) == (PACKAGE, entry["version"])
    served = run((*CARRYOVERD, *(each["value"] for each in package["packageArguments"])), cwd=tmp_path, limit_s=60)
    assert (served.returncode, served.stdout) == (0, "")
    assert not (Path.home() / ".carryover").exists()
