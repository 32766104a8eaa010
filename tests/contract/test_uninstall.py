"""Every agent: what uninstall leaves is what install found, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import Agent
from carryover.adapter.spec import AgentSpec
from carryover.errors import ExitCode
from carryover.faces.cli.main import main
from support.agent_here import only_this_path
from support.tools import versioned

SETTINGS: Final[dict[str, dict[str, str]]] = {
    ".json": {
        "no file": "",
        "no hooks": '{\n   VERSION"hooks" : {}\n }',
        "on one line": '{VERSION"hooks":{}}\n',
        "line ends of Windows": '{\r\n\tVERSION"hooks": {}\r\n}\r\n',
        "no version": '{\n  "hooks": {}\n}\n',
        "an empty object": "{}",
        "blanks in an empty object": " { \n\t} \n\n",
        "members after the hooks": '{"a": [1, 2], VERSION"hooks": {}, "b": {"hooks": {"c": []}}}',
        "no hooks, and members": '{\n    VERSION"permissions": {"allow": []}\n}',
        "a version, no hooks": '{"version": 1}\n',
        "a version after the hooks": '{"hooks": {}, "version": 1}\n',
        "letters beyond ASCII": '{"k\\u00fcche": "\u00fc\U0001f600", VERSION"hooks": {}}\n',
        "a list where servers would be": '{"mcpServers": [], VERSION"hooks": {}}',
        "numbers as they are": '{"big": 123456789012345678901234567890, "e": 1.0E+2, VERSION"hooks": {}}',
    },
    ".toml": {"no file": "", "own settings": 'model = "x"  # mine\n\n[own]\nkey = 1\n', "no last line end": "a = 1"},
}
"""By the ending of a file: what it may hold before install, as each agent's rules allow it. VERSION is left out where
the form of the file has none."""
STRICT: Final = ("codex",)
"""Agents that take no member they do not know."""
CASES: Final = sorted({name for texts in SETTINGS.values() for name in texts})


@pytest.mark.parametrize("before", CASES)
def test_uninstall_leaves_the_settings_as_they_were(
    spec: AgentSpec,
    agent: Agent,
    before: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The version is one that nobody can read, so the hooks are those that every version takes."""
    places = {place.at(home, {}) for place in spec.hooks.config_files}
    if before != "no file" and not any(before in SETTINGS.get(path.suffix, {}) for path in places):
        pytest.skip("it has no settings of that form")
    only_this_path(home, monkeypatch)
    versioned(home / "bin" / spec.binaries[0], "no version")
    for folder in spec.folders:
        folder.at(home, {}).mkdir(parents=True, exist_ok=True)
    for path in places:
        if text := SETTINGS.get(path.suffix, {}).get(before):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.replace("VERSION", '"version": 1, ' if spec.hooks.form == "flat" else "").encode())
    found = contents(home)

    installed = main(("install", "--yes", "--agents", spec.id, "--no-service"))
    if installed != 0:  # an agent that ignores its settings with members of that kind is left alone
        assert (installed, spec.id in STRICT) == (ExitCode.FAILED, True), capsys.readouterr()
    assert (contents(home) != found) is (installed == 0) or not spec.hooks.sets
    assert main(("uninstall", "--purge", "--yes")) == 0, capsys.readouterr()

    assert contents(home) == found


def contents(home: Path) -> dict[str, bytes | None]:
    """Every file below `home` with its bytes, every folder with None; but for Carryover's own."""
    own = home / ".carryover"
    paths = (path for path in home.rglob("*") if path != own and not path.is_relative_to(own))
    return {str(path.relative_to(home)): path.read_bytes() if path.is_file() else None for path in paths}
