import shutil
from pathlib import Path
from typing import Final

import pytest

from carryover.paths import StateDir
from support.hook_script import HookScript, Line, installed


@pytest.fixture
def state(home: Path) -> StateDir:
    return installed(home / ".carryover")


SHELLS: Final = [found for name in ("dash", "bash", "busybox") if (found := shutil.which(name))]


@pytest.fixture(
    params=[*SHELLS[:1], *(pytest.param(path, marks=pytest.mark.night) for path in SHELLS[1:])],
    ids=lambda path: Path(path).name,
)
def shell_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """With a shell of this machine: the others in the tests of the night."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to(request.param)
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
