"""What the plugins for agents hold besides their names: hooks made of the agents' specs, and the version of Carryover.

A plugin is another way to the same `hook.sh`. It writes no settings and says nothing where `carryover install` has put
the same hook into the agent's settings, or where Carryover is not installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import carryover
from carryover.adapter.spec import AgentSpec, HookEntry, Place
from carryover.agents import specs
from carryover.edits.hooks import SCRIPT, Hook, Hooks, owner_by_script
from contract.folder import CHECKOUT

PLUGINS: Final = CHECKOUT / "plugins"
HOOKS: Final[Mapping[str, Path]] = {
    "claude-code": PLUGINS / "carryover" / "hooks" / "hooks.json",
    "codex": PLUGINS / "carryover" / "hooks" / "codex.json",
    "gemini-cli": CHECKOUT / "hooks" / "hooks.json",
    "pi": PLUGINS / "pi" / "carryover.js",
}
"""Where the plugin for each agent has its hooks."""
MANIFESTS: Final = (
    PLUGINS / "carryover" / ".claude-plugin" / "plugin.json",
    PLUGINS / "carryover" / ".codex-plugin" / "plugin.json",
    CHECKOUT / "gemini-extension.json",
    CHECKOUT / "package.json",
)
REGISTRY: Final = CHECKOUT / "server.json"
"""Carryover's entry in the registry of MCP servers."""
MARKETPLACES: Final = (
    CHECKOUT / ".claude-plugin" / "marketplace.json",
    CHECKOUT / ".agents" / "plugins" / "marketplace.json",
)
SERVERS: Final = (PLUGINS / "carryover" / ".mcp.json",)
_VERSION: Final = re.compile(r'^( *"version": )"[^"]*"', re.MULTILINE)
# Not the folder that CARRYOVER_HOME names: some agents take variables from a project's files, and would run its script.
_OURS: Final = f'"$HOME/.carryover/{SCRIPT}"'


def plugin_files() -> dict[Path, str]:
    """Returns the files of the plugins that follow from the agents' specs and from the version of Carryover."""
    by_id = {spec.id: spec for spec in specs()}
    hooks = {path: hooks_of(by_id[agent_id]) for agent_id, path in HOOKS.items()}
    return hooks | {
        path: _VERSION.sub(rf'\1"{carryover.__version__}"', path.read_text("utf-8")) for path in (*MANIFESTS, REGISTRY)
    }


def hooks_of(spec: AgentSpec) -> str:
    """Returns the hooks of the newest versions of an agent, in the form in which a plugin of it holds them."""
    entries = spec.hooks.sets[-1].hooks
    if spec.hooks.extension is not None:
        hooks = [Hook(event=entry.event, command=command(spec, entry.event)) for entry in entries]
        program = spec.hooks.extension.read_text("utf-8").partition("\n")[2]
        about = "// A package of pi, written by `make table`: what `carryover install` writes, with other commands.\n"
        return about + Hooks("extension", owner_by_script(), hooks, program=program).put(None).decode()
    groups = {entry.event: [_group(spec, entry)] for entry in entries}
    return json.dumps({"hooks": groups}, indent=2) + "\n"


def _group(spec: AgentSpec, entry: HookEntry) -> dict[str, Any]:
    limit = entry.timeout_s * (1000 if spec.hooks.timeout_unit == "ms" else 1)
    named = {"name": entry.also["name"]} if "name" in entry.also else {}
    hook = {**named, "type": "command", "command": command(spec, entry.event), "timeout": limit}
    matcher = entry.also.get("matcher")
    return {**({"matcher": matcher} if matcher else {}), "hooks": [hook]}


def command(spec: AgentSpec, event: str) -> str:
    """Returns what a plugin's hook runs: `hook.sh`, unless the user's settings hold the hook that runs it too."""
    settings = spec.hooks.config_files
    known = f"grep -qs '{SCRIPT}.* {spec.id} {event}' {' '.join(map(_in_shell, settings))}"
    return f"{known} || sh {_OURS} {spec.id} {event} 2>/dev/null || true"


def _in_shell(place: Place) -> str:
    """The place's path in a shell, where a variable may have moved it."""
    usual = place.path.removesuffix(place.below).rstrip("/").replace("~", "$HOME", 1)
    return f'"${{{place.env}:-{usual}}}/{place.below}"'
