"""Where a client comes from, and where its newest version is asked for."""

from contextlib import suppress
from pathlib import Path

import pytest

from real_agents.lab import packages
from real_agents.lab.tool import tools

WRAPPED = ("claude-code", "copilot")
"""Their package of the same version names the one with the program."""


@pytest.mark.parametrize("agent_id", sorted(set(tools()) - set(WRAPPED)))
def test_the_newest_version_is_asked_of_the_package_that_is_fetched(
    agent_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`droid` was one release behind the package that has its program."""
    fetched: list[str] = []
    monkeypatch.setenv("CARRYOVER_AGENT_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "_interpreter", lambda _: "")
    monkeypatch.setattr(packages, "_fetch_from_npm", lambda _, home, *__: fetched.append(home.name))
    monkeypatch.setattr(packages, "_fetch_from_pypi", lambda _, __, home, *___: fetched.append(home.name))
    kind = tools()[agent_id]
    with suppress(OSError, ValueError):  # nothing is there
        kind.install(kind.versions()[0])

    asked = kind.RELEASED.split()[1].replace("/", "+").replace("x64", packages.MACHINE)
    assert any(name.startswith(f"{asked}@") for name in fetched)
