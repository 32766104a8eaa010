from __future__ import annotations

from pathlib import Path

import pytest

from carryover.install.launchd import Launchd
from carryover.install.service import NoManager
from carryover.install.service_here import registered, service_here
from carryover.install.systemd import SystemdUser


def command(folder: Path, name: str, code: int) -> dict[str, str]:
    """An environment in which the command `name` ends with `code`."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit {code}\n")
    path.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("platform", "name", "kind"), [("linux", "systemctl", SystemdUser), ("darwin", "launchctl", Launchd)]
)
def test_each_system_has_its_own(platform: str, name: str, kind: type, home: Path, tmp_path: Path) -> None:
    assert isinstance(service_here(command(tmp_path, name, 0), home, platform=platform), kind)


@pytest.mark.parametrize(("platform", "name"), [("linux", "systemctl"), ("darwin", "launchctl")])
def test_one_that_does_not_answer_is_as_good_as_none_and_says_why(
    platform: str, name: str, home: Path, tmp_path: Path
) -> None:
    nobody = service_here(command(tmp_path, name, 1), home, platform=platform)

    assert isinstance(nobody, NoManager)
    assert "programs for this user here (Failed to connect to bus)" in str(nobody.available())


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_where_there_is_none_nothing_is_registered(platform: str, home: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}

    assert isinstance(service_here(env, home, platform=platform), NoManager)
    assert registered(env, home, platform=platform) is None


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_registration_is_found_though_its_service_manager_is_gone(platform: str, home: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}
    known = SystemdUser(env, home) if platform == "linux" else Launchd(env, home)
    known.path.parent.mkdir(parents=True)
    known.path.touch()

    found = registered(env, home, platform=platform)

    assert found is not None
    assert (found.kind, found.uninstall()) == (known.kind, True)
    assert not known.path.exists()
