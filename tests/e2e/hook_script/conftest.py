from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from carryover.paths import StateDir
from support.hook_script import HookScript, installed


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"no {request.param} on this machine")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to(found)
    return folder


@pytest.fixture
def state(home: Path) -> StateDir:
    return installed(home / ".carryover")


@pytest.fixture
def sh(state: StateDir, home: Path, shell_folder: Path) -> HookScript:
    """The hook_script under each shell."""
    return HookScript(state, home, shell_folder)


@pytest.fixture
def stub_here(state: StateDir, home: Path) -> HookScript:
    """The hook_script under this machine's own `sh`."""
    return HookScript(state, home)
