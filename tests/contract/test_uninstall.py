"""Every agent: what uninstall leaves is what install found, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.spec import AgentSpec
from carryover.errors import ExitCode
from carryover.faces.cli.main import main
from support.agent_here import only_this_path
from support.tools import versioned

SETTINGS: Final[dict[str, dict[str, str]]] = {
    ".json": {
        "no file": "",
        "line ends of Windows": '{\r\n\tVERSION"hooks": {}\r\n}\r\n',
        "an empty object": "{}",
        "no hooks, and members": '{\n    VERSION"permissions": {"allow": []}\n}',
        "a version, no hooks": '{"version": 1}\n',
        "numbers as they are": '{"big": 123456789012345678901234567890, "e": 1.0E+2, VERSION"hooks": {}}',
    },
    ".toml": {"no file": "", "own settings": 'model = "x"  # mine\n\n[own]\nkey = 1\n', "no last line end": "a = 1"},
}
"""What a file may hold before install, as far as each agent's rules allow it, by the file's suffix. Layouts are tested
in `unit/edits/test_any_form.py`. VERSION is left out where the form of the file has none."""
STRICT: Final = ("codex",)
"""Agents that take no member they do not know."""
COMMON: Final = ("no file", "no hooks, and members")
"""What agents whose settings have the form of another's begin with; that one begins with all."""


def rows(specs: Iterable[AgentSpec]) -> list[tuple[str, str]]:
    """Each agent's id with the names of the settings that it begins with."""
    found, forms = [], set()
    for spec in specs:
        endings = {Path(place.path).suffix for place in spec.hooks.config_files}
        form = (spec.hooks.form, *sorted(endings))
        able = sorted({"no file", *(name for ending in endings for name in SETTINGS.get(ending, {}))})
        found += [(spec.id, name) for name in able if form not in forms or name in COMMON]
        forms.add(form)
    return found


def test_uninstall_leaves_the_settings_as_they_were(
    spec: AgentSpec,
    before: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The version is one that nobody can read, so the hooks are those that every version takes."""
    places = {place.at(home, {}) for place in spec.hooks.config_files}
    only_this_path(home, monkeypatch, system=())
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
