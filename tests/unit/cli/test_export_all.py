from __future__ import annotations

import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.recorded_shop import DISCOUNT, Run
from support.repository import git

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

    code, _, err = run("export", "--all", "--format", "html", "-o", str(tmp_path), "--yes")

    assert code == ExitCode.REFUSED
    assert "contains other files, so nothing was written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_excluded_project_is_left_out(recorded: Path, run: Run, tmp_path: Path) -> None:
    assert run("pause", str(recorded))[0] == ExitCode.OK

    code, _, err = run("export", "--all", "--format", "html", "-o", str(tmp_path / "agents"))

    assert (code, err) == (ExitCode.NOTHING_FOUND, err)
    assert not (tmp_path / "agents").exists()


@pytest.mark.parametrize(
    "arguments", [(), ("-o", "x", "--format", "md"), ("-o", "x", "--session", "last"), ("-o", "x", "--copy")]
)
def test_what_does_not_go_together_is_a_usage_error(arguments: tuple[str, ...], recorded: Path, run: Run) -> None:
    assert run("export", "--all", *arguments)[0] == ExitCode.USAGE


def test_a_document_as_data_says_what_is_in_it(recorded: Path, run: Run, tmp_path: Path) -> None:
    _, out, err = run("export", str(recorded), "--json")
    document = json.loads(out)

    assert err == ""
    assert set(document) == {"tokens", "budget", "files", "left_out", "output", "text"}
    assert document["text"].startswith("# ") and document["output"] is None
    _, out, _ = run("export", "--session", DISCOUNT, "--format", "html", "-o", str(tmp_path / "s.html"), "--json")
    assert set(json.loads(out)) == {"session", "output", "text"}
