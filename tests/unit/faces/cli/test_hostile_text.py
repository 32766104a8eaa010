"""All that others may have written, in a ledger and in transcripts, holds what a terminal would obey, hide or reorder:
nothing of it is printed, into a pipe or on a terminal, by any command."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from carryover.faces.cli.main import main
from carryover.fsio import private_dir
from carryover.ledger.codec import unpack, unpack_digest
from carryover.ledger.search_text import KINDS
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from support.agent_here import only_this_path
from support.claude_session import ClaudeWork
from support.recorded_shop import Run
from support.repository import git, repository
from support.tools import program

POISON: Final = (
    "\x1b[8m\x1b]0;t\x07\x1b]8;;http://e.invalid\x1b\\\x1bc\x1b[5n\x9b8m\x9d0;t\x9c\x07\x08\r\x7f"
    "\u202e\u2066\u200b\u2028\u2029\u00ad\ufeff\U000e0041"
)
OUR_STYLES: Final = re.compile(r"\x1b\[(?:0|1|2|1;3[136]|3[12346])m")
END: Final = "end of a command"
SESSION: Final = "0abc0000-0000-4000-8000-000000000000"
STRUCTURE: Final = {
    *("kind", "change", "state", "op", "actor", "status", "reason", "source", "end", "session", "agent"),
    *("type", "uuid", "parentUuid", "sessionId", "timestamp", "role", "id", "tool_use_id", "cwd", "promptSource"),
    *("path", "stop_reason", "userType", "entrypoint", "file_path", "filePath", "old_string", "new_string", "command"),
}
"""Fields whose values are of a closed set, or by which records find one another, their project and their files."""
IDENTIFIES: Final = {
    "agent",
    "native_id",
    "root",
    "main_root",
    "kind",
    "state",
    "path",
    "name",
    "id",
    "identity",
    "git",
}
COMMANDS: Final = (
    *("status", "status -v", "status --json", "doctor", "sessions", "sessions --all --json", "search login"),
    *("search login --json", "log", "log --json", "why a.py", "why a.py --json", "why HEAD", f"show {SESSION}"),
    *(f"show {SESSION} --full", f"show {SESSION} --json", f"resume {SESSION}", "handoff", "handoff --why"),
    *("handoff --json", "handoff --raw", "handoff --to codex", "handoff --copy", "handoff --transcript {transcript}"),
    *("export", "export --json", f"export --session {SESSION}"),
    *(f"export --session {SESSION} --format atif", "export -o {home}/out.md --yes", f"forget {SESSION} --dry-run"),
    *("import --dry-run {transcript}", "import {home}/odd", "note {home}/note.md", "config", "logs"),
    *("refresh --dry-run", "install --dry-run", "uninstall --dry-run", "sync", "pause", "unpause", "help", "version"),
    *("completions bash", f"resume {POISON}", f"show {POISON}", f"{POISON}", f"status --{POISON}", f"help {POISON}"),
    *(f"search {POISON}", f"config {POISON} {POISON}", f"handoff --agent {POISON}", f"log --since {POISON}"),
    *(f"note {POISON}", f"why {POISON}.py", f"import {POISON}", f"export {POISON}", f"handoff {POISON}"),
)


def poisoned(value: Any, key: str = "", *kept: str) -> Any:
    match value:
        case dict():
            return {name: poisoned(each, name, *kept) for name, each in value.items()}
        case list():
            return [poisoned(each, key, *kept) for each in value]
        case str() if value and key not in STRUCTURE and key not in kept:
            return f"{value}{POISON}"
    return value


def poison_ledger(path: Path) -> None:
    """Puts it into each text column and each text of stored events and digests."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in (name for name in tables if not name.startswith("search_")):
            columns = db.execute(f"PRAGMA table_info({table})").fetchall()
            for name in (name for _, name, kind, *_ in columns if kind == "TEXT" and name not in IDENTIFIES):
                db.execute(f"UPDATE {table} SET {name} = {name} || ? WHERE {name} != ''", (POISON,))
        for event, body in db.execute("SELECT id, body FROM event").fetchall():
            plain = unpack(body) if isinstance(body, bytes) else body
            db.execute("UPDATE event SET body = ? WHERE id = ?", (json.dumps(poisoned(json.loads(plain))), event))
        for thread, digest in db.execute("SELECT id, digest FROM thread").fetchall():
            text = json.dumps(poisoned(json.loads(unpack_digest(digest)))).encode()
            db.execute("UPDATE thread SET digest = ? WHERE id = ?", (text, thread))
        db.execute("INSERT INTO incident (at_ms, text) VALUES (1, ?)", (POISON,))
        db.execute("INSERT INTO skipped VALUES ('codex', ?, ?, ?, 1, 1)", (POISON,) * 3)
        db.commit()


@pytest.fixture
def home_of_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_this_path(home, monkeypatch)
    for name in ("claude", "codex"):
        program(home / "bin" / name, f"printf '%s' '2.1.328 {POISON}'")
    program(home / "bin" / "pbcopy", "/bin/cat > /dev/null")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    root = repository(home / "shop", {"a.py": "1\n", f"x{POISON.replace('/', '')}.py": "2\n"})
    session = ClaudeWork(home / ".claude" / "projects", root, session=SESSION)
    session.prompt("Add a login page to the web shop. Which file?")
    session.write("a.py", "login = 1\n")
    session.commit(f"Add a login{POISON}")
    session.answer("I added the login. Next I will test it. Which one first?")
    session.path.write_text(
        "".join(
            f"{json.dumps(poisoned(json.loads(line), '', 'name'))}\n" for line in session.path.read_text().splitlines()
        )
    )
    git(root, "checkout", "--quiet", "-b", "x\u202e\u2066\u200b\u2028\u00ad\x9b8m")
    private_dir(state_dir().root)
    catch_up(str(root))
    poison_ledger(state_dir().ledger)
    state_dir().log.write_text(f"2026-11-20T06:21:00.000Z ERROR {POISON}\n")
    (home / "note.md").write_text(f"Use a cache. {POISON}")
    (home / "odd").mkdir()
    (home / "odd" / f"c{POISON.replace('/', '')}.json").write_text(json.dumps([{"role": POISON, "content": POISON}]))
    monkeypatch.chdir(root)
    return home


def words(command: str, home: Path) -> list[str]:
    transcript = next((home / ".claude" / "projects").rglob("*.jsonl"))
    return [part.format(home=home, transcript=transcript) for part in command.split(" ")]


def dangerous(text: str) -> str:
    return "".join(sign for sign in text if sign in POISON and not sign.isprintable() and sign != " ")


def test_nothing_of_others_acts_on_the_terminal_at_the_end_of_a_pipe(home_of_others: Path, run: Run) -> None:
    printed = {command: run(*words(command, home_of_others)) for command in COMMANDS}

    assert {command for command, (_, out, err) in printed.items() if not out + err} <= {"config"}
    assert {command: ends for command, ends in printed.items() if dangerous(ends[1] + ends[2])} == {}


@contextmanager
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """All streams of this process are a terminal; yields what returns all that it was sent."""
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    sent: list[bytes] = []
    mark = "\0end\0"

    def keep() -> None:
        while not b"".join(sent[-2:]).endswith(mark.encode()):
            sent.append(os.read(ours, 65536))
        os.close(ours)

    reader = Thread(target=keep)
    reader.start()
    stream = os.fdopen(theirs, "w", encoding="utf-8")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(sys, "stdin", os.fdopen(os.dup(theirs)))
    for name, value in {"TERM": "xterm", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)

    def shown() -> str:
        sys.stdout.flush()
        os.write(theirs, mark.encode())
        reader.join()
        return b"".join(sent).decode().removesuffix(mark)

    yield shown
    sys.stdin.close()
    stream.close()


def test_nothing_of_others_acts_on_a_terminal(home_of_others: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as within, screen(within) as shown:
        for command in COMMANDS:
            main(words(command, home_of_others))
            print(END)
        printed = [OUR_STYLES.sub("", part) for part in shown().split(END)]

    by_command = dict(zip(COMMANDS, printed, strict=False))
    assert len(printed) == len(COMMANDS) + 1
    assert {command: text for command, text in by_command.items() if dangerous(text)} == {}


def test_what_searches_can_find_is_all_of_the_kinds(home_of_others: Path, run: Run) -> None:
    for kind in KINDS:
        _, out, err = run("search", "login", "--kind", kind)
        assert dangerous(out + err) == "", kind
