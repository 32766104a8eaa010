"""The present version takes over what an earlier one left on a machine (tests/fixtures/README.md)."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest

from carryover.ledger.codec import decode_body
from carryover.model import AnyBody
from support.agent_here import contents, everything, only_this_path
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import carryover, data
from support.hook_client import start_after
from support.tools import versioned

STATE: Final = Path(__file__).parents[1] / "fixtures" / "state_0_1_0"
RECORDED: Final = date(2026, 11, 20)
_RECORDED_TIME: Final = re.compile(r"\b1795(\d{15}|\d{9}|\d{6})\b")

CLAUDE: Final = "6513270e-269e-4d37-b2a7-4de452e6b438"
CODEX: Final = "3f98e277-4cbd-47ad-9c90-a9587403e430"
CURSOR: Final = "cbd936ff-cb6b-59c0-8b2b-3657a1dceeaa"


class FormerState:
    """The recording, filled in for a home folder of now: what happened that day happened `days` later."""

    def __init__(self, home: Path, days: int) -> None:
        self.home = home
        self._days = days

    def filled(self, text: str) -> str:
        day = RECORDED + timedelta(days=self._days)
        filled = {f"{RECORDED:{form}}": f"{day:{form}}" for form in ("%Y-%m-%d", "%Y/%m/%d")} | {
            "@HOME@": str(self.home),
            "@SLUG@": re.sub(r"[^A-Za-z0-9]", "-", str(self.home)),
            "@CARRYOVERD@": str(Path(sys.executable).with_name("carryoverd")),
        }
        text = _RECORDED_TIME.sub(self._moved, text)
        for recorded, now in filled.items():
            text = text.replace(recorded, now)
        return text

    def put_files(self, name: str) -> None:
        found = json.loads((STATE / name).read_text(encoding="utf-8"))
        for path, content in found.items():
            text = content if isinstance(content, str) else "".join(f"{line}\n" for line in content)
            # `restore/` repeats the path of each project, home folder and all, below its own.
            file = self.home / self.filled(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.filled(text).encode())

    def put_agents(self) -> None:
        versioned(self.home / "bin/claude", "2.1.328 (Claude Code)")
        versioned(self.home / "bin/codex", "codex-cli 0.169.0")
        versioned(self.home / "bin/cursor-agent", "2026.09.10-fd3934a")
        self.put_files("user.json")
        self.put_files("transcripts.json")
        self.put_database("cursor.sql", self.home / ".config/Cursor/User/globalStorage/state.vscdb")
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.home / "work/shop")], check=True)

    def put_carryover(self) -> None:
        self.put_files("carryover.json")
        state = self.home / ".carryover"
        self.put_database("ledger.sql", state / "ledger.sqlite")
        for path in (state, *state.rglob("*")):
            path.chmod(0o700 if path.is_dir() or path.name == "hook.sh" else 0o600)
        wanted = self.home / ".config/systemd/user/default.target.wants/carryoverd.service"
        wanted.parent.mkdir()
        wanted.symlink_to("../carryoverd.service")
        with closing(sqlite3.connect(state / "ledger.sqlite")) as db:
            for path, mtime_ns in db.execute("SELECT path, mtime_ns FROM source"):
                os.utime(path, ns=(mtime_ns, mtime_ns))

    def put_database(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as db:
            db.create_function("size_of", 1, lambda source: Path(source).stat().st_size)
            db.create_function("end_of", 1, _end_of)
            db.executescript(self.filled((STATE / name).read_text(encoding="utf-8")))
            db.commit()

    def _moved(self, number: re.Match[str]) -> str:
        return str(int(number[0]) + self._days * 86_400 * 10 ** (len(number[0]) - 10))


def _end_of(path: str) -> bytes:
    """The cursor that it stored once it had read all of a file of JSON lines."""
    content = Path(path).read_bytes()
    head, tail = (hashlib.blake2b(part, digest_size=16).digest() for part in (content[:1000], content[-256:]))
    return msgspec.msgpack.encode((len(content), content.count(b"\n"), 0, head, tail))


@pytest.fixture
def former(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> FormerState:
    """A home folder in which the recorded version has worked; `tmp_path/without` is the same as if it never had. It
    was yesterday, unless a test says how many days after the recording."""
    only_this_path(home, monkeypatch)
    former = FormerState(
        home, getattr(request, "param", (datetime.now(UTC).date() - timedelta(days=1) - RECORDED).days)
    )
    former.put_agents()
    shutil.copytree(home, tmp_path / "without", symlinks=True)
    former.put_carryover()
    return former


@pytest.fixture
def shop(former: FormerState) -> Path:
    return former.home / "code" / "shop"


def revisions(former: FormerState) -> dict[str, int]:
    with closing(sqlite3.connect(former.home / ".carryover" / "ledger.sqlite")) as db:
        return dict(db.execute("SELECT path, rev FROM source WHERE agent != 'cursor'"))


def going_on(former: FormerState, shop: Path) -> ClaudeSession:
    return ClaudeSession(former.home / ".claude" / "projects", shop, session=CLAUDE)


def test_what_was_recorded_is_known_and_nothing_of_it_is_read_again(former: FormerState, daemon: DaemonProcess) -> None:
    before, kept_answers = revisions(former), list((daemon.state.root / "restore").rglob(".answer"))
    with daemon:
        daemon.settle()
        ledger = data("status")["ledger"]
        sessions = {found["id"]: found for found in data("sessions", "--all")}
        shown = {session: carryover("show", session, "--full").stdout for session in (CLAUDE, CODEX, CURSOR)}
        files = everything(former.home)
        refreshed = carryover("refresh", "--yes", "--no-service")
        changed = {path for path, found in everything(former.home).items() if files.get(path) != found}
        agents = {agent["id"]: agent for agent in data("status")["agents"]}
        findings = data("doctor")["findings"]

    assert refreshed.returncode == 0
    assert kept_answers and not (daemon.state.root / "restore").exists()
    assert [path for path in changed if ".carryover" not in Path(path).parts] == []
    for name in ("claude-code", "codex", "cursor"):
        assert agents[name]["selected"]
        assert (agents[name]["hooks"]["missing"], agents[name]["hooks"]["edited"]) == ([], [])
    assert [found["what"] for found in findings if found["level"] == "wrong"] == []
    assert [found["what"] for found in findings if found["check"] == "review"] == [
        "Codex CLI: hooks are installed, but not reviewed yet: Stop, SessionStart, PreCompact, SessionEnd."
    ]
    assert revisions(former) == before
    assert (ledger["events"], ledger["sessions"], len(ledger["projects"])) == (41, 6, 3)
    assert {Path(found["project"]).name for found in sessions.values()} == {"shop", "notes", "blog"}
    assert "Only cart.py calls discount()." in shown[CLAUDE]
    assert "round_cents() rounds half up" not in shown[CLAUDE], "only a hook had reported it"
    assert "Rename discount() to reduced()" in shown[CODEX]
    assert "Prices have two decimals now." in shown[CURSOR]


@pytest.mark.linux("for the folder of an editor's settings, in which the earlier version found them")
@pytest.mark.parametrize("former", [0], indirect=True, ids=["on that day"])  # some keys are made of times
def test_what_is_read_again_from_its_beginning_is_there_once(former: FormerState, daemon: DaemonProcess) -> None:
    """Each event has the key that the earlier version gave it."""
    ledger = former.home / ".carryover/ledger.sqlite"
    with daemon:
        daemon.settle()
        daemon.stop()
    before = counted(ledger)
    with closing(sqlite3.connect(ledger)) as db:
        [(sources,)] = db.execute("SELECT count(*) FROM source")
        db.execute("UPDATE source SET cursor = NULL, context = x'', size = -1, mtime_ns = 0")
        db.commit()
    with daemon:
        daemon.settle()
        daemon.stop()

    with closing(sqlite3.connect(ledger)) as db:
        [(read,)] = db.execute("SELECT count(*) FROM source WHERE cursor IS NOT NULL AND size > 0")
    assert (read, before.total()) == (sources, 41)
    assert counted(ledger) == before


def counted(ledger: Path) -> Counter[tuple[int, int, type[AnyBody]]]:
    """The events that are not retracted, by thread, time and kind."""
    with closing(sqlite3.connect(ledger)) as db:
        found = db.execute("SELECT thread_id, at_ms, body FROM event WHERE retracted = 0")
        return Counter((thread, at_ms, type(decode_body(body))) for thread, at_ms, body in found)


def test_its_sessions_go_on_and_the_handoff_holds_both(
    former: FormerState, shop: Path, daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(shop))
    session = going_on(former, shop)
    blog = former.home / "code" / "blog"  # which had been moved
    with daemon:
        daemon.settle()
        known = data("status")["ledger"]["events"]
        session.answer("Prices are decimals now. Next I will round the totals of the receipt.")
        daemon.settle()
        handoff = handoff_of(shop)
        now_known = data("status")["ledger"]["events"]
        beside = ClaudeSession(session.folder, blog)
        beside.work("Shorten the feed to ten posts", "It has ten posts. Next I will shorten the titles.")
        daemon.settle()
        [hook] = re.findall(
            r"sh \S+ claude-code SessionStart[^\"]*", (former.home / ".claude/settings.json").read_text()
        )
        payload = json.dumps(start_after(session))
        answer = subprocess.run(["sh", "-c", hook], input=payload, capture_output=True, text=True, check=True).stdout

    assert now_known == known + 1
    assert "Next I will round the totals of the receipt." in handoff
    known_words = ("Never use floats for money", "Always use pytest", "`pip install moneylib`", "`cart.py`")
    assert [words for words in (*known_words, "Write a test for 100 percent") if words not in handoff] == []
    assert "reduced()" not in handoff
    assert "Next I will round the totals of the receipt." in answer
    assert "Next I will shorten the titles." in handoff_of(blog)
    assert "Add an RSS feed to the blog" in handoff_of(blog)


@pytest.mark.linux("for systemd, as the earlier version was installed there")
@pytest.mark.parametrize("ran", [False, True], ids=["at once", "after the present version ran"])
def test_all_of_it_is_taken_out(
    ran: bool, former: FormerState, shop: Path, daemon: DaemonProcess, tmp_path: Path
) -> None:
    if ran:
        with daemon:
            daemon.settle()
            going_on(former, shop).prompt("Also round the totals of the receipt")
            daemon.settle()
            answer = carryover("uninstall", "--purge", "--yes")
    else:
        answer = carryover("uninstall", "--purge", "--yes")

    assert (answer.returncode, answer.stderr) == (0, "")
    without = tmp_path / "without"
    shutil.rmtree(without / ".claude/projects")
    shutil.copytree(former.home / ".claude/projects", without / ".claude/projects")  # the client itself went on
    assert contents(former.home) == contents(without)
