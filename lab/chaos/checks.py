"""What must hold once all is quiet, whatever happened before."""

import json
import os
import re
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from carryover.ledger.codec import DamagedBody
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.model import AssistantMessage, FileEdit, ToolCall, UserPrompt
from chaos.agent_faults import PLANTED
from chaos.load import MARK, Kind
from chaos.world import Broken, World

QUIET_LIMIT_S: Final = 90.0
"""Longer than any back-off of the daemon."""
MAX_LINES: Final = 50
MORE: Final = {"handles": 16, "threads": 12, "children": 0, "resident KB": 60_000}


class Checks:
    """Checks a world after each fault. Watches the handoffs all the time."""

    def __init__(self, world: World, patience_s: float = QUIET_LIMIT_S) -> None:
        self._world = world
        self._patience_s = patience_s
        self._first: dict[int, dict[str, int]] = {}
        self.slowest_s = 0.0
        self.lost = 0
        self.doubled = 0
        self.watch = HandoffWatch(world.load.projects)

    def check(self) -> None:
        began = time.monotonic()
        self._ledger_equals_the_log()
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self._handoffs_are_whole()
        self._nothing_forgotten_is_left()
        self._holds_no_more()
        ran = self._world.run("status", "--json")
        if ran.returncode != 0:
            raise Broken(f"status ended with {ran.returncode}: {ran.stderr}")
        json.loads(ran.stdout)
        if crashed := [line for line in self._world.daemon.log() if "Traceback" in line or "Exception" in line]:
            raise Broken("\n".join(crashed[:5]))

    def _ledger_equals_the_log(self) -> None:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                for project in self._world.load.projects:
                    self._world.daemon.ask("POST", f"/settle?{urlencode({'root': project})}")
                wrong = self._differences()
            except (AssertionError, TimeoutError, DamagedBody) as error:
                # It ended by itself and is started again, or has much to do, or to mend.
                wrong = [str(error) or "no answer in time"]
            if not wrong:
                return
            if time.monotonic() > deadline:
                raise Broken("\n".join(wrong[:12]))
            time.sleep(0.05)

    def _differences(self) -> list[str]:
        stored = stored_events(self._world.state.ledger)
        self.lost = self.doubled = 0
        wrong = []
        for turn in self._world.load.turns:
            times = {kind: stored.get((kind, turn.mark), 0) for kind in turn.kinds}
            lost = sum(turn.owed and number == 0 for number in times.values())
            doubled = sum(number > 1 for number in times.values())
            came_back = turn.forgotten == "yes" and any(times.values())
            if lost or doubled or came_back:
                wrong.append(f"{turn.mark} ({turn.tool}, {turn.project.name}) is there {times} times: {turn}")
            self.lost += lost
            self.doubled += doubled
        if not wrong:
            for turn in self._world.load.turns:
                turn.confirmed = all((kind, turn.mark) in stored for kind in turn.kinds)
        return wrong

    def _handoffs_are_whole(self) -> None:
        if self.watch.torn:
            raise Broken("\n".join(self.watch.torn))
        owner = {turn.mark: turn.project for turn in self._world.load.turns}
        for project in self._world.load.projects:
            text = self.watch.read(project)
            if PLANTED in text:
                raise Broken(f"the handoff of {project.name} has what came with a repository")
            guests = self._world.guests.get(project.name, ())
            foreign = [mark for mark in MARK.findall(text) if owner.get(mark) != project and mark not in guests]
            if foreign:
                raise Broken(f"the handoff of {project.name} has what belongs to others: {foreign}")

    def _nothing_forgotten_is_left(self) -> None:
        forgotten = [turn.mark.encode() for turn in self._world.load.turns if turn.forgotten == "yes"]
        forgotten += [canary.encode() for canary in self._world.canaries]
        if not forgotten:
            return
        own = (project / ".carryover" for project in self._world.load.projects)
        folders = [self._world.state.root, self._world.temporary, *own]
        for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            if left := [mark for mark in forgotten if mark in content]:
                raise Broken(f"{path} still has what was forgotten: {left}")

    def _holds_no_more(self) -> None:
        daemon = self._world.daemon
        deadline = time.monotonic() + 20
        while True:
            now = held(daemon.pid)
            first = self._first.setdefault(daemon.pid, {**now, "children": 0})
            if all(now[name] <= first[name] + more for name, more in MORE.items()):
                return
            if time.monotonic() > deadline:
                raise Broken(f"the daemon held {first} and now {now}")
            time.sleep(0.1)


class HandoffWatch(threading.Thread):
    """Reads the handoffs again and again: at no moment may one be torn."""

    def __init__(self, projects: list[Path]) -> None:
        super().__init__(name="handoff-watch", daemon=True)
        self.torn: list[str] = []
        self.reads = 0
        self._projects = projects
        self._finished = threading.Event()

    def run(self) -> None:
        while not self._finished.wait(0.05):
            for project in self._projects:
                self.read(project)

    def finish(self) -> None:
        self._finished.set()
        self.join()

    def read(self, project: Path) -> str:
        path = project / ".carryover" / "handoff.md"
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), encoding="utf-8") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return ""
                text = file.read()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            if path.is_symlink() or not path.is_file():  # a fault put something else there
                return ""
            self.torn.append(f"{project.name}: {error}")
            return ""
        self.reads += 1
        if not re.compile(r"# \[CARRYOVER\] ").match(text) or not text.endswith("\n") or text.count("\n") > MAX_LINES:
            self.torn.append(f"{project.name}: {text.count(chr(10))} lines, begins {text[:80]!r}, ends {text[-80:]!r}")
        return text


def stored_events(ledger: Path) -> Counter[tuple[Kind, str]]:
    found: Counter[tuple[Kind, str]] = Counter()
    with closing(connect_read_only(ledger)) as db:
        for session in sessions(db, limit=1_000_000):
            for event in session_events(db, session):
                if not event.retracted:
                    found.update(_marked(event.body))
    return found


def _marked(body: object) -> Iterator[tuple[Kind, str]]:
    match body:
        case UserPrompt(text=text):
            kind: Kind = "prompt"
        case AssistantMessage(text=text):
            kind = "answer"
        case FileEdit(path=text):
            kind = "edit"
        case ToolCall(op="shell", subject=text):
            kind = "command"
        case _:
            return
    if kind == "prompt" and PLANTED in text:
        raise Broken("a prompt that came with a repository is in the ledger")
    for mark in sorted(set(MARK.findall(text))):
        yield kind, mark


def held(pid: int) -> dict[str, int]:
    process = Path(f"/proc/{pid}")
    children = (process / "task" / str(pid) / "children").read_text().split()
    resident = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
    handles, threads = (len(list((process / name).iterdir())) for name in ("fd", "task"))
    found = (handles, threads, len(children), int(resident[1]) if resident else 0)
    return dict(zip(MORE, found, strict=True))
