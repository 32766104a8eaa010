import shutil
from pathlib import Path

import pytest

from carryover.paths import StateDir
from support.hook_script import HookScript, Line, installed


@pytest.fixture
def state(home: Path) -> StateDir:
    return installed(home / ".carryover")


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
def line(state: StateDir, home: Path, shell_folder: Path) -> Line:
    """Under each shell."""
    return lambda agent: HookScript(state, home, shell_folder, agent=agent)


@pytest.fixture
def line_here(state: StateDir, home: Path) -> Line:
    """Under this machine's own `sh`."""
    return lambda agent: HookScript(state, home, agent=agent)


@pytest.fixture
def sh(line: Line) -> HookScript:
    return line("claude-code")


@pytest.fixture
def stub_here(line_here: Line) -> HookScript:
    return line_here("claude-code")
