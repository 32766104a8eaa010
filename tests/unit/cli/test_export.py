"""A project as one document: what it holds, what is listed, where it goes, and what is never done unasked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from carryover.cli.main import main
from carryover.distill.own_text import without_handoffs
from carryover.errors import ExitCode
from support.forked import CARRYOVER
from support.recorded_shop import DISCOUNT, Run
from support.terminal import ENTER, Terminal
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

    assert code == ExitCode.OK
    assert out.startswith("# [CARRYOVER EXPORT ")
    assert out.endswith("\n\nIs `discount` right?\n")
    for part in ("Wire discount into checkout", "Do not cap it.", "+def discount(amount, percent):", "# Shop"):
        assert part in out
    assert "KEY=abcdef" not in out
    first, *listed = err.splitlines()
    assert " of 24,000 tokens. Files in it" in first
    assert [line.split()[1] for line in listed if line.startswith("   ")] == [
        "CLAUDE.md",
        "cart.py",
        "checkout.py",
        "test_cart.py",
    ]
    assert "  .env: its name says that it holds secrets" in listed
    assert not (shop / ".carryover").exists()


def test_a_budget_is_kept(recorded: Path, run: Run) -> None:
    code, _, err = run("export", str(recorded), "--budget", "1,200")

    assert code == ExitCode.OK
    assert int(err.split()[1].replace(",", "")) <= 1_200
    assert "of 1,200 tokens" in err


def test_a_file_is_written_that_only_the_user_can_read(recorded: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "shop.md"

    code, out, err = run("export", str(recorded), "-o", str(target))

    assert (code, out) == (ExitCode.OK, "")
    assert "only you can read" in err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert without_handoffs(target.read_text()).strip() == ""


@pytest.mark.parametrize("answer", ["n", "y"])
def test_on_a_terminal_it_asks_before_a_file_is_replaced(recorded: Path, tmp_path: Path, answer: str) -> None:
    target = tmp_path / "notes.md"
    target.write_text("mine")
    command = (*CARRYOVER, "export", str(recorded), "-o", str(target))
    with Terminal(command, dict(os.environ)) as terminal:
        terminal.wait_for("Replace it? [y/N]")
        terminal.press(answer, ENTER)
        code, _ = terminal.end()

    assert (code, target.read_text() == "mine") == (
        (ExitCode.OK, False) if answer == "y" else (ExitCode.INTERRUPTED, True)
    )


def test_a_place_that_is_no_file_is_refused(recorded: Path, run: Run, tmp_path: Path) -> None:
    assert run("export", str(recorded), "-o", str(tmp_path))[0] == ExitCode.REFUSED
    assert run("export", str(recorded), "-o", str(tmp_path / "no" / "x.md"))[0] == ExitCode.FAILED


def test_a_symlink_is_not_followed(recorded: Path, run: Run, tmp_path: Path) -> None:
    """One that came with a repository may lead to any file of the user's."""
    own = tmp_path / "own"
    own.write_text("mine")
    for target in (own, tmp_path / "nothing there"):
        link = recorded / f"to {target.name}"
        link.symlink_to(target)

        code, _, err = run("export", str(recorded), "-o", str(link))

        assert (code, "is a symlink, so nothing was written." in err) == (ExitCode.REFUSED, True)
    assert (own.read_text(), (tmp_path / "nothing there").exists()) == ("mine", False)


def test_without_a_terminal_nothing_is_copied_unasked(recorded: Path, run: Run, clipboard: Path) -> None:
    code, out, err = run("export", str(recorded), "--copy")
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "cart.py" in err
    assert not clipboard.exists()

    assert run("export", str(recorded), "--copy", "--yes")[0] == ExitCode.OK
    assert clipboard.read_text().startswith("# [CARRYOVER EXPORT ")


@pytest.mark.parametrize(("answer", "copied"), [("n", False), ("y", True)])
def test_on_a_terminal_the_list_is_shown_and_then_it_asks_once(
    recorded: Path, clipboard: Path, answer: str, copied: bool
) -> None:
    command = (*CARRYOVER, "export", str(recorded), "--copy")
    with Terminal(command, dict(os.environ)) as terminal:
        shown = terminal.wait_for("Copy this? It leaves this machine where you paste it. [y/N]")
        terminal.press(answer, ENTER)
        code, _ = terminal.end()

    assert "cart.py" in shown
    assert (code, clipboard.exists()) == ((ExitCode.OK, True) if copied else (ExitCode.INTERRUPTED, False))


def test_a_project_that_no_agent_worked_in_is_its_files_and_an_empty_one_is_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "README.md").write_text("# new\n\nSells bread.\n")

    code, out, err = run("export", str(tmp_path / "new"))
    assert (code, "Sells bread." in out) == (ExitCode.OK, True)
    assert "No agent's work is recorded" in err
    assert run("export", str(tmp_path / "empty"))[0] == ExitCode.NOTHING_FOUND
    assert run("export", str(tmp_path / "gone"))[0] == ExitCode.NOTHING_FOUND


@pytest.mark.parametrize(
    "arguments",
    [
        ("--for", "nobody"),
        ("--budget", "999"),
        ("--budget", "many"),
        ("--session", DISCOUNT, "--question", "x"),
        ("--session", DISCOUNT, "--copy"),
        ("--format", "html"),
        ("--full",),
        ("--yes",),
        ("--copy", "-o", "x"),
    ],
)
def test_what_cannot_go_together_is_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *arguments]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""
