"""A project as one document: what it holds, what is listed, where it goes, and what is never done unasked."""

from __future__ import annotations

import json
import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from carryover.distill.own_text import without_handoffs
from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.forked import CARRYOVER
from support.recorded_shop import DISCOUNT, Run
from support.repository import git
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


def test_a_file_is_written_that_only_the_user_can_read(recorded: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "shop.md"

    err = run.err(ExitCode.OK, "export", str(recorded), "-o", str(target))

    assert "only you can read" in err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert without_handoffs(target.read_text()).strip() == ""


def test_on_a_terminal_it_asks_before_a_file_is_replaced(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "notes.md"
    target.write_text("mine")
    command = (*CARRYOVER, "export", str(recorded), "-o", str(target))
    with Terminal(command, dict(os.environ)) as terminal:
        terminal.wait_for("Replace it? [y/N]")
        terminal.press("n", ENTER)
        code, _ = terminal.end()

    assert (code, target.read_text()) == (ExitCode.INTERRUPTED, "mine")


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
    err = run.err(ExitCode.REFUSED, "export", str(recorded), "--copy")
    assert "cart.py" in err
    assert not clipboard.exists()

    assert run("export", str(recorded), "--copy", "--yes")[0] == ExitCode.OK
    assert clipboard.read_text().startswith("# [CARRYOVER EXPORT ")


def test_on_a_terminal_the_list_is_shown_and_then_it_asks_once(recorded: Path, clipboard: Path) -> None:
    command = (*CARRYOVER, "export", str(recorded), "--copy")
    with Terminal(command, dict(os.environ)) as terminal:
        shown = terminal.wait_for("Copy this? It leaves this machine where you paste it. [y/N]")
        terminal.press("y", ENTER)
        code, _ = terminal.end()

    assert "cart.py" in shown
    assert (code, clipboard.exists()) == (ExitCode.OK, True)


def test_a_project_that_no_agent_worked_in_is_its_files_and_an_empty_one_is_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "README.md").write_text("# new\n\nSells bread.\n")

    code, out, err = run("export", str(tmp_path / "new"))
    assert (code, "Sells bread." in out) == (ExitCode.OK, True)
    assert "No agent's work is recorded" in err
    assert run("export", str(tmp_path / "empty"))[0] == ExitCode.NOTHING_FOUND
    assert run("export", str(tmp_path / "gone"))[0] == ExitCode.NOTHING_FOUND


@pytest.mark.parametrize("where", ["recorded", "shop"], ids=["from the ledger", "straight from disk"])
def test_a_session_is_printed_as_markdown(where: str, run: Run, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(where)

    out = run.out("export", "--session", DISCOUNT)

    assert out.startswith("# Add a discount function to cart.py and test it.\n\n- Agent: `Claude Code 2.1.328`\n")
    assert "\nAdd a discount function to cart.py and test it.\n" in out
    assert "· `Edited cart.py +4 -0`" in out
    assert "AssertionError: 190 != 180" in out


@pytest.mark.parametrize("form", ["html", "md"])
def test_an_export_says_what_was_done_about_secrets_and_not_that_there_are_none(
    form: str, shop: Path, home: Path, run: Run
) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    session.prompt("The wifi password is correcthorse, the key AKIAQ7ZT4WOCM3LDUV5X.")

    _, out, _ = run("export", "--session", session.session, "--format", form)

    assert ("correcthorse" in out, "AKIAQ7ZT4WOCM3LDUV5X" in out) == (True, False)
    assert "without secrets" not in out
    assert "read it before you share it" in out


HOSTILE = '</pre></details><script src="https://evil.example/x.js"></script><img src=x onerror=alert(1)>"\'&'


class Seen(HTMLParser):
    """The links of a page, and what a browser would load or run for it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a":
            self.links.append(known.get("href") or "")
        self.active += [name for name in known if name.startswith("on") or name in ("src", "style")]
        self.active += [tag] if tag in ("script", "img", "iframe", "link", "form", "object", "svg") else []


def seen(page: Path) -> Seen:
    parser = Seen()
    parser.feed(page.read_text())
    return parser


def exported(run: Run, folder: Path, *more: str) -> dict[str, object]:
    code, out, err = run("export", "--all", "--format", "html", "-o", str(folder), "--json", *more)
    assert code == ExitCode.OK, err
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_every_session_is_reached_from_the_page_of_all_projects(recorded: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "agents"

    assert exported(run, folder) == {"folder": str(folder), "projects": 1, "sessions": 2, "excluded": 0}
    [project] = seen(folder / "index.html").links
    links = seen(folder / project).links
    assert links[:3] == ["../index.html", "index.html", "timeline.html"]
    texts = [(folder / project).parent.joinpath(page).read_text() for page in links[-2:]]
    assert [re.findall("<h1>(.*)</h1>", text) for text in texts] == [
        ["Wire discount into checkout"],
        ["Add a discount function to cart.py and test it."],
    ]
    assert all('<a href="../index.html">All projects</a> › <a href="index.html">shop</a>' in text for text in texts)
    shown = (folder / project).read_text()
    assert "<h2>Where it stands</h2>" in shown and "2 sessions" in shown


def test_lines_of_the_handoff_and_entries_of_the_timeline_lead_to_their_turns(
    recorded: Path, run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "agents"
    exported(run, folder)
    [place] = [path for path in folder.iterdir() if path.is_dir()]

    for name, text in (("index.html", "Do not cap it."), ("timeline.html", "Tests fail")):
        shown = (place / name).read_text()
        turns = {link for link in seen(place / name).links if "#" in link}
        assert text in shown
        assert {link.partition("#")[2] for link in turns} == {"turn-1", "turn-2"}
        assert all(f'id="{place_in}"' in (place / page).read_text() for page, _, place_in in map(_parted, turns))


def _parted(link: str) -> tuple[str, str, str]:
    return link.partition("#")


def test_the_pages_are_the_users_alone_and_nothing_else_is_written(recorded: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    exported(run, folder)

    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert modes == {True: 0o700, False: 0o600}
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 5


def test_text_of_a_transcript_is_markup_nowhere_and_leads_out_of_the_folder_nowhere(
    home: Path, run: Run, tmp_path: Path
) -> None:
    project = home / '"><script>alert(1)<' / "..;x" / "<img src=x>"
    project.mkdir(parents=True)
    git(project, "init", "-q")
    session = ClaudeSession(home / ".claude" / "projects", project)
    session.prompt(f"[x](javascript:alert(1)) {HOSTILE}")
    session.answer(
        f"# {HOSTILE}\n\n[x](https://evil.example) ![y](https://evil.example/y.png)\n\n```{HOSTILE}\n{HOSTILE}"
    )
    folder = tmp_path / "agents"
    exported(run, folder)

    for page in folder.rglob("*.html"):
        found = seen(page)
        assert found.active == []
        files = [page.parent / link.partition("#")[0] for link in found.links]
        assert all(file.resolve().is_relative_to(folder) and file.is_file() for file in files)
        assert "default-src 'none'; style-src &#x27;sha256-" in page.read_text().replace("&#x27;none&#x27;", "'none'")


def test_what_was_forgotten_is_gone_from_the_next_export_and_other_files_stay(
    recorded: Path, run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "agents"
    exported(run, folder)
    [place] = [path for path in folder.iterdir() if path.is_dir()]
    (place / "mine.html").write_text("mine")
    run("forget", "c0de0000-0000-4000-8000-000000000001", "--yes")

    assert run("export", "--all", "--format", "html", "-o", str(folder))[0] == ExitCode.REFUSED
    assert exported(run, folder, "--yes")["sessions"] == 1
    assert sum("discount function" in page.read_text() for page in folder.rglob("*.html")) == 0
    assert (place / "mine.html").read_text() == "mine"


def test_a_folder_with_other_files_is_left_alone(recorded: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    err = run.err(ExitCode.REFUSED, "export", "--all", "--format", "html", "-o", str(tmp_path), "--yes")

    assert "contains other files, so nothing was written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_excluded_project_is_left_out(recorded: Path, run: Run, tmp_path: Path) -> None:
    assert run("pause", str(recorded))[0] == ExitCode.OK

    code, _, err = run("export", "--all", "--format", "html", "-o", str(tmp_path / "agents"))

    assert (code, err) == (ExitCode.NOTHING_FOUND, err)
    assert not (tmp_path / "agents").exists()


def test_a_document_as_data_says_what_is_in_it(recorded: Path, run: Run, tmp_path: Path) -> None:
    _, out, err = run("export", str(recorded), "--json")
    document = json.loads(out)

    assert err == ""
    assert set(document) == {"tokens", "budget", "files", "left_out", "output", "text"}
    assert document["text"].startswith("# ") and document["output"] is None
    _, out, _ = run("export", "--session", DISCOUNT, "--format", "html", "-o", str(tmp_path / "s.html"), "--json")
    assert set(json.loads(out)) == {"session", "output", "text"}
