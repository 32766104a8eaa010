from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import aiohttp
import pytest

from carryover.daemon.crash_files import SIGNAL, CrashReport, crash_reports
from carryover.daemon.crashes import MOST_REPORTS, CrashReports
from carryover.ledger.codec import decode_body

MARKER = "xylophonic-secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "crashes"


@pytest.fixture
def crashes(folder: Path, tmp_path: Path) -> CrashReports:
    (tmp_path / "carryoverd.log").write_text("".join(f"line {n}\n" for n in range(100)))
    return CrashReports(folder, tmp_path / "carryoverd.log")


def failed() -> Exception:
    """An error that was raised, with content in its message and in a variable."""
    content = f"{MARKER} 0"
    try:
        decode_body(content)
    except Exception as error:
        return error
    raise AssertionError


def wrapped() -> Exception:
    try:
        try:
            raise KeyError(MARKER)
        except KeyError as error:
            raise ValueError(MARKER) from error
    except ValueError as error:
        return error


def test_a_report_has_the_place_the_versions_and_the_log_and_nothing_else(crashes: CrashReports, folder: Path) -> None:
    path = crashes.report(failed(), "reader-1")
    assert path is not None
    text = path.read_text()

    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    assert re.search(r"^what      reader-1 failed: \w+ at carryover\.ledger\.codec:\d+, after 0 s$", text, re.MULTILINE)
    assert re.search(r"^  carryover/ledger/codec\.py:\d+ in decode_body$", text, re.MULTILINE)
    assert re.search(r"^version   carryover .*, Python 3\.\d+\.\d+, SQLite \d", text, re.MULTILINE)
    assert text.endswith("line 98\nline 99\n")
    assert "line 69\n" not in text
    assert MARKER not in text
    assert str(Path.home()) not in text


def test_what_led_to_an_error_is_in_its_report(crashes: CrashReports) -> None:
    path = crashes.report(ExceptionGroup(MARKER, [wrapped(), OSError(28, MARKER)]), "carryoverd")
    assert path is not None
    text = path.read_text()
    lines = [line for line in text.splitlines() if line.endswith(("(message left out)", ":")) and line[0] != " "]

    assert lines[1:] == [
        "ExceptionGroup (message left out)",
        "one of its errors:",
        "ValueError (message left out)",
        "one of its errors:",
        "OSError[ENOSPC] (message left out)",
        "caused by:",
        "KeyError (message left out)",
        "last lines of the log:",
    ]
    assert MARKER not in text


def test_only_the_newest_reports_are_kept(crashes: CrashReports, folder: Path) -> None:
    paths = [crashes.report(failed(), f"task-{n}") for n in range(MOST_REPORTS + 3)]

    assert sorted(folder.iterdir()) == sorted(path for path in paths[3:] if path is not None)


def test_a_state_folder_that_was_removed_is_not_made_again(tmp_path: Path) -> None:
    gone = tmp_path / "state"

    assert CrashReports(gone / "crashes", gone / "carryoverd.log").report(failed(), "reader-1") is None
    assert not gone.exists()


def test_reports_are_listed_the_newest_first_and_other_files_are_not(crashes: CrashReports, folder: Path) -> None:
    assert crash_reports(folder) == ()
    for task in ("first", "second"):
        crashes.report(failed(), task)
    (folder / "notes.txt").write_text("what      mine\n")
    (folder / "20261120T060226.000001Z.txt").write_bytes(b"\0\xff" * 1000)
    (folder / "20261120T060226.000002Z.txt").symlink_to(folder / "notes.txt")
    (folder / "20261120T060226.000003Z.txt").mkdir()

    found = crash_reports(folder)
    assert [report.what.split()[0] for report in found] == ["second", "first"]
    assert found[0].at_ms >= found[1].at_ms > 1_700_000_000_000


DUMP = f"""\
Fatal Python error: Segmentation fault

Current thread 0x1 (most recent call first):
  File "{Path(aiohttp.__file__).parent}/web.py", line 8 in run
  File "/home/dev/.venv/bin/carryoverd", line 3 in <module>

Current thread's C stack trace (most recent call first):
  Binary file "/home/dev/.venv/bin/python", at _Py_DumpStack+0x4a [0x499c1d]
"""


def test_what_a_fatal_signal_left_is_completed_by_the_next_start(crashes: CrashReports, folder: Path) -> None:
    folder.mkdir()
    left = folder / SIGNAL
    left.write_text(DUMP)
    os.utime(left, (1_795_155_661, 1_795_155_661))
    before = crash_reports(folder)
    crashes.complete_earlier()
    crashes.complete_earlier()

    [after] = crash_reports(folder)
    assert before == (CrashReport(str(left), 1_795_155_661_000, "Fatal Python error: Segmentation fault"),)
    assert after == CrashReport(str(folder / "20261120T062101.000000Z.txt"), before[0].at_ms, before[0].what)
    text = Path(after.path).read_text()
    assert "\n  aiohttp/web.py:8 in run\n  carryoverd:3 in <module>\n" in text
    assert '  Binary file "python", at _Py_DumpStack+0x4a' in text  # Python 3.14
    assert text.endswith("line 99\n")
    assert [path.name for path in folder.iterdir()] == ["20261120T062101.000000Z.txt"]
