from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.past.context import state_dir
from support.recorded_shop import Run

ran = partial(subprocess.run, stderr=subprocess.PIPE, text=True, timeout=60)
UNKNOWN_MODE = ".carryover.toml: resume.mode must be one of ask, brief, silent; it is ignored, and brief holds"


@pytest.fixture
def config_file(home: Path) -> Path:
    state_dir().root.mkdir(mode=0o700, exist_ok=True)
    state_dir().config.write_text("")
    return state_dir().config


def test_what_a_settings_file_says_in_vain_is_named_by_config_status_and_doctor(
    config_file: Path, recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file.write_text('[resume]\nmode = "brief"\nmod = "ask"\n')
    (recorded / ".carryover.toml").write_text('[resume]\nmode = "loud"\n')
    monkeypatch.chdir(recorded)

    code, _, listed = run("config")
    status = run.out("status")
    _, doctor, _ = run("doctor")

    assert (code, listed) == (
        ExitCode.OK,
        f"⚠ {config_file}: resume.mod (line 3) is unknown; it is ignored, and the default holds\n"
        f"⚠ {recorded}/{UNKNOWN_MODE}\n",
    )
    assert f"~/shop: {UNKNOWN_MODE}." in status and status.count("brief holds") == 1
    assert "config.toml has an unknown key: resume.mod (line 3). It is ignored, and the default holds." in status
    assert f"~/shop: {UNKNOWN_MODE}." in doctor


def test_of_settings_that_cannot_be_used_status_says_what_holds_until_then(config_file: Path, run: Run) -> None:
    config_file.write_text('[resume]\nmode = "loud"\n')

    status = run.out("status")

    assert f"{config_file}: resume.mode (line 2): it must be one of ask, brief, silent." in status
    assert status.count("Until then carryoverd does not start.") == 1


def test_doctor_does_not_send_to_a_start_that_such_settings_prevent(installed: Path, run: Run) -> None:
    assert "✗ carryoverd is not running." in run("doctor")[1]
    state_dir().config.write_text("[publish\n")

    found = [line for line in run("doctor")[1].splitlines() if line.startswith("✗ ")]

    assert len(found) == 1 and found[0].endswith("Until then carryoverd does not start.")
