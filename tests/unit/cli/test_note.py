"""What a web chat answered comes back as what it is: named in the handoff, and in no one's name."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.cli.note import MOST_BYTES
from carryover.errors import ExitCode
from support.recorded_shop import Run
from support.stored_texts import compressed

Stdin = Callable[[bytes], None]

ANSWER = "The discount should be capped at `100`.\n\n1. Never go below zero.\n2. Should I write the test?\n"
KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Stdin:
    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.fixture
def noted(recorded: Path, run: Run, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a note in the project of `recorded`."""
    monkeypatch.chdir(recorded)
    stdin(ANSWER.encode())
    code, out, err = run("note", "--from", "chatgpt", "--json")
    assert (code, err) == (ExitCode.OK, "")
    return str(json.loads(out)["session"])


def everywhere(project: Path) -> bytes:
    """Every byte in files of Carryover and of the project, and the text of what the ledger holds compressed."""
    files = (path for folder in (state_dir().root, project) for path in folder.rglob("*") if path.is_file())
    return b"".join([*(path.read_bytes() for path in files), *compressed(state_dir().ledger).values()])


def test_the_handoff_names_it_once_as_not_the_users_word(noted: str, run: Run) -> None:
    _, handoff, _ = run("handoff")

    lines = [line for line in handoff.splitlines() if "Second opinion" in line or "be capped at `100`" in line]
    assert lines == [
        "- Second opinion from ChatGPT: The discount should be capped at `100`. (not checked, "
        f"not the user's word: `carryover show {noted}`)"
    ]
    assert "Never go below zero" not in handoff
    assert len(handoff.splitlines()) <= 50


def test_twice_is_once(noted: str, run: Run, stdin: Stdin) -> None:
    stdin(ANSWER.encode())
    code, out, _ = run("note", "--from", "ChatGPT")

    assert (code, out) == (ExitCode.OK, f"· Recorded already as {noted}; `carryover show {noted}` prints it.\n")


def test_from_a_file_with_a_title_and_without_secrets_and_nothing_is_left_behind(
    recorded: Path, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "answer.md"
    file.write_bytes(b"\xef\xbb\xbfUse \xe2\x80\xae" + KEY.encode() + b" \xff\n")

    code, out, _ = run("note", str(file), "--project", str(recorded), "--from", "My friend\n", "--title", f"On {KEY}")

    assert code == ExitCode.OK
    assert "Second opinion from My friend: On [redacted:anthropic]" in out
    assert KEY not in out + run("show", "note-")[1]
    assert [path for path in state_dir().root.rglob("*") if "note-" in path.name] == []
    assert KEY.encode() not in everywhere(recorded)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ExitCode.NOTHING_FOUND),
        (b" \n\xe2\x80\x8b", ExitCode.NOTHING_FOUND),
        (b"a\0b", ExitCode.REFUSED),
        (b"x" * (MOST_BYTES + 1), ExitCode.REFUSED),
    ],
)
def test_what_is_no_text_is_refused_and_nothing_is_recorded(
    data: bytes, code: ExitCode, shop: Path, run: Run, stdin: Stdin
) -> None:
    stdin(data)

    found, out, err = run("note", "--project", str(shop))

    assert (found, out) == (code, "")
    assert "Nothing was recorded." in err
    assert not state_dir().ledger.exists()


def test_a_file_that_is_not_there_a_pause_and_an_excluded_project_say_so(shop: Path, run: Run, stdin: Stdin) -> None:
    assert run("note", str(shop / "gone.md"), "--project", str(shop))[0] == ExitCode.NOTHING_FOUND
    assert run("note", "--project", str(shop), "--from", " ")[0] == ExitCode.USAGE
    run("pause")
    stdin(b"Cap it.")
    code, _, err = run("note", "--project", str(shop))
    assert (code, err.startswith("carryover: Carryover is paused, so nothing was recorded.")) == (
        ExitCode.REFUSED,
        True,
    )
    run("unpause")
    run("pause", str(shop))
    code, _, err = run("note", "--project", str(shop))
    assert (code, "is left out of Carryover" in err) == (ExitCode.REFUSED, True)
    assert not state_dir().ledger.exists()
