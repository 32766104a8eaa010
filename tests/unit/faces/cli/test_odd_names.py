"""Names that are not UTF-8, wherever Carryover lists a folder: told where that matters, and survived."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import only_this_path
from support.daemon_process import LIMIT_S, DaemonProcess
from support.recorded_shop import DISCOUNT, Run
from support.tools import program

ODD = b"odd\xff"
NAMES = (ODD, ODD + b".jsonl", ODD + b".json", ODD + b".html", b"." + ODD + b".tmp")
COMMANDS = (
    *("status -v", "handoff", "export", "export --session last -o {home}/page.md"),
    *("install --yes --no-service", "refresh", "uninstall --yes", "forget --all --yes"),
)


def plant(folder: Path) -> None:
    """Puts such files, and a folder of them, into each folder there is."""
    places = [os.fsencode(place) for place, _, _ in os.walk(folder) if "objects" not in place]
    for place in places:
        inner = os.path.join(place, ODD + b".d")  # noqa: PTH118
        os.mkdir(inner)  # noqa: PTH102
        for where in (place, inner):
            for name in NAMES:
                Path(os.fsdecode(os.path.join(where, name))).write_bytes(b"{}\n")  # noqa: PTH118


@pytest.fixture
def agents(home: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_this_path(home, monkeypatch)
    for name in ("claude", "codex"):
        program(home / "bin" / name, "echo 2.1.328")
    for folder in (".codex/sessions/2026", ".gemini/tmp", ".config/Code/User/workspaceStorage", ".cursor/projects"):
        (home / folder).mkdir(parents=True)
    monkeypatch.chdir(recorded)
    return recorded


def test_no_command_and_no_daemon_ends_for_them(agents: Path, home: Path, run: Run) -> None:
    plant(home)

    assert DaemonProcess().start("--once").process.wait(LIMIT_S) == ExitCode.OK
    assert {command: run(*command.format(home=home).split())[0] for command in COMMANDS} == dict.fromkeys(COMMANDS, 0)
    assert "which is not Carryover's" in run("uninstall", "--purge", "--yes")[1]


def test_a_locale_that_is_not_utf8_changes_no_name(agents: Path, home: Path, run: Run) -> None:
    """Python reads names as ASCII then; in ISO 8859-1 `ä` would be two letters."""
    other_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = home / "läden"
    folder.mkdir()

    def told(*command: str) -> str:
        command = (sys.executable, "-m", *command)
        return subprocess.run(command, cwd=folder, env=os.environ | other_locale, capture_output=True).stderr.decode()

    assert f"No agent's work is recorded for {folder}. " in told("carryover.faces.cli.main", "handoff")
    assert "unrecognized arguments: läden; " in told("carryover.faces.cli.carryoverd", "mcp", "läden")


def test_an_import_leaves_out_a_transcript_with_such_a_name_and_says_so(home: Path, shop: Path, run: Run) -> None:
    """One that was named itself is an error; another file with such a name is just another file."""
    transcripts = next((home / ".claude" / "projects").iterdir())
    odd = Path(os.fsdecode(os.fsencode(transcripts) + b"/" + ODD + b".jsonl"))
    shutil.copy(transcripts / f"{DISCOUNT}.jsonl", odd)
    odd.with_suffix(".jpg").write_bytes(b"\xff\xd8")

    code, out, err = run("import", str(transcripts))
    alone = run("import", str(odd))
    (transcripts / f"{DISCOUNT}.jsonl").unlink()
    listed = json.loads(run("import", "--dry-run", "--json", str(transcripts))[1])

    assert (code, "2 files: 2 sessions of Claude Code" in out) == (ExitCode.OK, True)
    assert "1 other file there: not a transcript" in out
    assert err.startswith(f"carryover: The name of {transcripts}/odd\\udcff.jsonl is not UTF-8. Rename the file")
    assert (alone[0], alone[2]) == (ExitCode.FAILED, err)
    assert [file["problem"] is None for file in listed["files"]] == [True, False]
    assert odd.exists()
