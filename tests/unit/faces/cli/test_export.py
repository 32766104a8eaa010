"""A project as one document: what it holds, what is listed, where it goes, and what is never done unasked."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from carryover.actions.output_file import unwritable
from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.forked import CARRYOVER
from support.recorded_shop import DISCOUNT, Run
from support.terminal import ENTER, played
from support.tools import program


@pytest.fixture
def clipboard(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a program puts on the clipboard lands in this file, which is not there yet."""
    taken = home / "taken"
    program(home / "bin" / "pbcopy", f"/bin/cat > '{taken}'")
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / "bin"), "/usr/bin", "/bin"]))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return taken


@pytest.mark.parametrize("where", ["recorded", "shop"], ids=["from the ledger", "straight from disk"])
def test_the_document_is_printed_and_its_files_are_listed_beside_it(
    where: str, run: Run, request: pytest.FixtureRequest
) -> None:
    shop: Path = request.getfixturevalue(where)
    (shop / ".env").write_text("KEY=abcdef\n")

    code, out, err = run("export", str(shop), "--for", "chatgpt", "--question", "Is `discount` right?")

    assert (code, "KEY=abcdef" in out, (shop / ".carryover").exists()) == (ExitCode.OK, False, False)
    assert out.startswith("# [CARRYOVER EXPORT ") and out.endswith("\n\nIs `discount` right?\n")
    for part in ("Wire discount into checkout", "Do not cap it.", "+def discount(amount, percent):", "# Shop"):
        assert part in out
    first, *listed = err.splitlines()
    assert " of 24,000 tokens. Files in it" in first
    files = [line.split()[1] for line in listed if line.startswith("   ")]
    assert files == ["CLAUDE.md", "cart.py", "checkout.py", "test_cart.py"]
    assert "  .env: its name says that it holds secrets" in listed


def test_a_file_is_written_that_only_the_user_can_read(recorded: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "shop.md"

    assert "only you can read" in run.err(ExitCode.OK, "export", str(recorded), "-o", str(target))

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "is Carryover's own" in run.err(ExitCode.NOTHING_FOUND, "note", str(target), "--project", str(recorded))
    assert run("export", str(recorded), "-o", str(tmp_path))[0] == ExitCode.REFUSED

    for place in (tmp_path / "no", target):  # is known before the document is made, and listed
        said = run.err(ExitCode.FAILED, "export", str(recorded), "-o", str(place / "x.md"))
        assert said.startswith(f"carryover: {place}/x.md can't be written") and said.count("\n") == 1


def test_where_a_disk_is_full_the_error_asks_for_room(tmp_path: Path) -> None:
    full, missing = (
        str(unwritable(tmp_path, OSError(code, os.strerror(code)))) for code in (errno.ENOSPC, errno.ENOENT)
    )

    assert full.endswith("No space left on device. Make room there, or name another file.")
    assert missing.endswith("No such file or directory. Name another file.")


def test_on_a_terminal_it_asks_before_a_file_is_replaced(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "notes.md"
    target.write_text("mine")

    code, _ = played((*CARRYOVER, "export", str(recorded), "-o", str(target)), ("Replace it? [y/N]", f"n{ENTER}"))

    assert (code, target.read_text()) == (ExitCode.INTERRUPTED, "mine")


def test_a_symlink_is_not_followed(recorded: Path, run: Run, tmp_path: Path) -> None:
    """One that came with a repository may lead to any file of the user's."""
    own, nothing = tmp_path / "own", tmp_path / "nothing there"
    own.write_text("mine")
    for target in (own, nothing):
        link = recorded / f"to {target.name}"
        link.symlink_to(target)

        code, _, err = run("export", str(recorded), "-o", str(link))

        assert (code, "is a symlink, so nothing was written." in err) == (ExitCode.REFUSED, True)
    assert (own.read_text(), nothing.exists()) == ("mine", False)


def test_without_a_terminal_nothing_is_copied_unasked(recorded: Path, run: Run, clipboard: Path) -> None:
    err = run.err(ExitCode.REFUSED, "export", str(recorded), "--copy")
    assert "cart.py" in err
    assert not clipboard.exists()

    assert run("export", str(recorded), "--copy", "--yes")[0] == ExitCode.OK
    assert clipboard.read_text().startswith("# [CARRYOVER EXPORT ")


def test_what_a_mac_copies_is_utf8_whatever_the_locale(
    recorded: Path, run: Run, clipboard: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH there may be none, and then `pbcopy` takes text for Mac Roman."""
    program(home / "bin" / "pbcopy", f"/bin/cat > /dev/null; echo \"$LC_ALL $LANG\" > '{clipboard}'")
    monkeypatch.setenv("LC_ALL", "C")

    assert run("export", str(recorded), "--copy", "--yes")[0] == ExitCode.OK
    assert clipboard.read_text() == "en_US.UTF-8 en_US.UTF-8\n"


def test_on_a_terminal_the_list_is_shown_and_then_it_asks_once(recorded: Path, clipboard: Path) -> None:
    question = "Copy this? It leaves this machine where you paste it. [y/N]"

    code, shown = played((*CARRYOVER, "export", str(recorded), "--copy"), (question, f"y{ENTER}"))

    assert (code, "cart.py" in shown.partition(question)[0], clipboard.exists()) == (ExitCode.OK, True, True)


def test_a_project_that_no_agent_worked_in_is_its_files_and_an_empty_one_is_nothing(run: Run, tmp_path: Path) -> None:
    for name in ("empty", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "README.md").write_text("# new\n\nSells bread.\n")

    code, out, err = run("export", str(tmp_path / "new"))

    assert (code, "Sells bread." in out, "has only its layout" in err) == (ExitCode.OK, True, True)
    for name in ("empty", "gone"):
        assert run("export", str(tmp_path / name))[0] == ExitCode.NOTHING_FOUND


def test_an_export_says_what_was_done_about_secrets_and_not_that_there_are_none(
    shop: Path, home: Path, run: Run
) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    session.prompt("The wifi password is correcthorse, the key AKIAQ7ZT4WOCM3LDUV5X.")

    out = run("export", "--session", session.session)[1]

    assert ("correcthorse" in out, "AKIAQ7ZT4WOCM3LDUV5X" in out, "without secrets" in out) == (True, False, False)
    assert "read it before you share it" in out


def test_a_document_as_data_says_what_is_in_it(recorded: Path, run: Run, tmp_path: Path) -> None:
    (recorded / ".env").write_text("KEY=abc\n")
    document = json.loads(run.out("export", str(recorded), "--json"))

    assert document["left_out"] == [{"what": ".env", "why": "its name says that it holds secrets"}]
    assert set(document) == {"tokens", "budget", "files", "left_out", "output", "text"}
    assert document["text"].startswith("# ") and document["output"] is None
    _, out, _ = run("export", "--session", DISCOUNT, "-o", str(tmp_path / "s.md"), "--json")
    assert set(json.loads(out)) == {"session", "output", "text"}
    title = "# Add a discount function to cart.py and test it.\n\n- Agent: `Claude Code 2.1.328`\n"
    assert run.out("export", "--session", DISCOUNT).startswith(title)
