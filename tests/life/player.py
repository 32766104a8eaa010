"""Plays a story: typed events, a real repository and a real ledger, published in this process."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.actions.sharing import SOURCE, Bundle, text_of_share, title_of_share
from carryover.adapter.contract import Source, StartReason
from carryover.agents import adapters
from carryover.config import Config
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import foreign_root
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.importing.notes import Note, encoded, note_id
from carryover.ingest.pipeline import ingest
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import PreparedBatch, event_key
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import begin_log
from carryover.ledger.queries import project_by_root
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.projects.root import StatePaths, find_root
from carryover.publish.answers import AnswerTime, Beginning
from carryover.publish.make import MadeHandoff, made_handoff
from carryover.publish.project_moves import follow, inspect_root, link
from carryover.sync.head import Head
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.payload import Payload, SyncedEvent, SyncedSession
from life.places import problems
from life.story import Call, Expect, Share, Step, Story
from life.typed import Typed, todo_items
from support.clock import LATER_MS

FILES: Final[Mapping[str, str]] = {
    "README.md": "# Shop\n\nA small shop.\n",
    "cart.py": "def total(items):\n    return sum(items)\n",
    "checkout.py": "from cart import total\n\n\ndef pay(items):\n    return total(items)\n",
    "receipt.py": "def receipt(items):\n    return str(len(items))\n",
    "tests/test_cart.py": "from cart import total\n\n\ndef test_total():\n    assert total([1]) == 1\n",
    "docs/notes.md": "# Notes\n",
}
_THERE: Final = "/home/dev/shop"
"""Where another machine has the project."""
_PATIENCE_S: Final = 30.0
"""On a machine at work git may take longer than a publication would wait for it."""
_CALL: Final = timedelta(seconds=10)
_STEP: Final = timedelta(minutes=1)


class Player:
    """Plays one story in an empty home folder. `templates` has a repository and a ledger to copy."""

    def __init__(self, story: Story, home: Path, templates: Path) -> None:
        self.story = story
        self.home = home
        self.root = home / "work" / "shop"
        self.paths = StatePaths(StateDir(home / ".carryover"), home)
        self.now = datetime.fromisoformat(story.start)
        self._writers: dict[str, Typed] = {}
        self._dirty: set[int] = set()
        self._published: dict[str, MadeHandoff] = {}
        self._linked: set[str] = set()
        self._notes = 0
        """Projects that were missing when a root was last looked at."""
        self.paths.state.ledger.parent.mkdir(mode=0o700)
        shutil.copy(templates / "ledger.sqlite", self.paths.state.ledger)
        shutil.copytree(templates / "shop", self.root, symlinks=True)
        if story.files:
            self._write_files({**story.files}, self.root)
            self._git("add --all", self.root)
            self._git("commit --quiet --amend --no-edit", self.root)

    async def play(self) -> list[str]:
        """Returns the expectations that are not met, each with the text it is about."""
        self._ledger = await Ledger.open(self.paths.state.ledger, DigestReducer())
        found: list[str] = []
        try:
            for step in self.story.step:
                self.now += _STEP + step.delay
                await self._take(step)
                if step.name:
                    found += [problem async for problem in self._unmet(step.name)]
            return [*found, *[problem async for problem in self._unmet("")]]
        finally:
            await self._ledger.close()

    # ---- steps

    async def _take(self, step: Step) -> None:
        if step.git or step.files:
            await self._publish()  # what a daemon would have written by now
        folder = self._folder(step.folder)
        self._write_files(step.files, folder)
        for command in step.git:
            self._git(command, folder)
        if step.note is not None:
            await self._note(step.note.title, step.note.text, "note")
        if step.share is not None:
            bundle = _bundle(step.share, self._ms)
            await self._note(title_of_share(bundle), text_of_share(bundle), SOURCE)
        if step.session:
            await self._turn(step)

    async def _turn(self, step: Step) -> None:
        name = step.session
        writer = self._writer(name)
        if step.undo:
            self._happens(name)
            writer.undo(step.undo)
        if step.prompt is not None:
            self._happens(name)
            writer.prompt(step.prompt)
        for call in step.calls:
            self._call(name, call)
        if step.answer is not None:
            self._happens(name)
            writer.answer(step.answer)
        if step.ends is not None:
            self._end(name, step)
        await self._commit(name, writer)

    def _happens(self, name: str) -> None:
        self.now += _CALL
        self._writer(name).at(self.now, _branch(self._place(name)))

    def _end(self, name: str, step: Step) -> None:
        self._happens(name)
        if step.ends == "limit":
            self._writer(name).limit(step.resets)
        elif step.ends == "interrupted":
            self._writer(name).interrupted()

    def _call(self, name: str, call: Call) -> None:
        self._happens(name)
        writer, folder = self._writer(name), self._place(name)
        match call.kind:
            case "says":
                writer.says(call.says or "")
            case "edit":
                self._edit(writer, folder / (call.edit or ""), call)
            case "run":
                writer.run(call.run or "", call.prints, call.exit)
            case "test":
                writer.run(call.test or "", _test_output(call), 1 if call.fails else 0)
            case "git":
                writer.run(f"git {call.git}", self._git(call.git or "", folder), 0)
            case "read":
                path = folder / (call.read or "")
                writer.read(path, path.read_text())
            case "ask":
                writer.ask(call.ask or "", call.options, call.answer)
            case "todo":
                writer.todo(todo_items(call.todo or ()))
            case "plan":
                writer.plan(call.plan or "", call.accepted)
            case "refused":
                writer.refused(call.refused or "", call.words)
            case "hangs":
                writer.hangs(call.hangs or "")
            case "queued":
                writer.queued(call.queued or "")
            case "compaction":
                writer.compaction(call.compaction or "")

    def _edit(self, writer: Typed, path: Path, call: Call) -> None:
        is_here = path.is_relative_to(self.home)
        before = path.read_text() if is_here and path.exists() else None
        if call.text is not None:
            after = call.text
        elif call.old is not None:
            after = (before or "").replace(call.old, call.new or "")
        else:
            after = f"{before or ''}{call.adds or f'# {self.now:%H:%M:%S}'}\n"
        if not is_here:
            before = ""
        writer.edit(path, before, after)
        if is_here:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after)

    async def _note(self, title: str, text: str, source: str) -> None:
        session, at_ms = note_id(str(self.root), source, text), self._ms
        self._notes += 1
        path = self.home / f"note{self._notes}.json"
        path.write_bytes(encoded(Note(session=session, at_ms=at_ms, root=str(self.root), title=title, text=text)))
        document = open_document(Candidate(path, own_folder=self.home))
        done = await ingest(self._ledger, document.agent, document.source, root_of=find_root, now_ms=lambda: LATER_MS)
        self._dirty.update(done.projects)

    # ---- what is written and read

    def _writer(self, name: str) -> Typed:
        if name not in self._writers:
            told = self.story.sessions[name]
            parent = self._writers[told.forked_from].session if told.forked_from else None
            self._writers[name] = Typed(told.agent, str(self._place(name)), self.now, parent)
        return self._writers[name]

    async def _commit(self, name: str, writer: Typed) -> None:
        """Takes new events into the ledger as ingest does, or as those of another machine."""
        new, writer.events = tuple(writer.events), []
        machine = self.story.sessions[name].machine
        if machine:
            await self._take_from(machine, writer, new)
            return
        source = Source(agent=writer.agent, path=f"/typed/{writer.session}")
        state = await self._ledger.source_state(source)
        prepared = PreparedBatch(
            cursor=b"%d" % (state.rev if state is not None else 0),
            context=b"{}",
            size=1,
            mtime_ns=self._ms * 1_000_000,
            entries=tuple(clean_entry(writer.agent, event) for event in new),
            roots={writer.folder: find_root(writer.folder)},
        )
        commit = await self._ledger.commit(source, prepared, seen_rev=state.rev if state is not None else 0)
        self._dirty |= set(commit.projects)

    async def _take_from(self, name: str, writer: Typed, new: tuple[Any, ...]) -> None:
        there = SyncedSession(agent=writer.agent, native_id=writer.session, root=_THERE)
        events = tuple(
            SyncedEvent(
                session=0,
                key=event_key(writer.agent, event.key),
                at_ms=event.at_ms,
                body=msgspec.json.encode(event.body),
            )
            for event in new
        )
        head = Head(machine=uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:16], name=name)
        payload = Payload(sessions=(there,), events=events)
        await self._ledger.write(begin_log, ())
        await LedgerIncoming(self._ledger, self.paths).take(head, payload, uuid.uuid4().hex)
        if name not in self._linked:
            self._linked.add(name)
            await link(self._ledger, self.paths, foreign_root(name, _THERE), str(self.root))
        with closing(connect_read_only(self.paths.state.ledger)) as db:
            project = project_by_root(db, str(self.root))
        if project is not None:
            self._dirty.add(project.id)

    async def _publish(self) -> None:
        """Makes the handoffs that change with what is new, as the daemon does."""
        await self._follow()
        with closing(connect_read_only(self.paths.state.ledger)) as db:
            for project in sorted(self._dirty):
                self._made(db, project)
        self._dirty.clear()

    async def _follow(self) -> None:
        """Joins what moved to the main checkout or, of worktrees, was removed."""
        for root in [self.root, *Checkout(self.root).others]:
            project = find_root(str(root))
            seen = inspect_root(self.paths, project.root, Config())
            self._dirty |= {*(await follow(self._ledger, self.paths, project, seen)).projects}

    def _made(self, db: sqlite3.Connection, project: int) -> None:
        """Makes the handoff of a project with news, then of those that name it."""
        made = made_handoff(db, project, Config(), now_ms=self._ms, git_s=_PATIENCE_S)
        self._published[made.root] = made
        for related in made.related:
            other = made_handoff(db, related, Config(), now_ms=self._ms, git_s=_PATIENCE_S)
            self._published[other.root] = other

    # ---- what is expected

    async def _unmet(self, name: str) -> AsyncIterator[str]:
        """Yields each text that is not as expected, below everything that it lacks."""
        unmet: dict[str, list[str]] = {}
        await self._publish()
        for expect in (each for each in self.story.expect if each.after == name):
            text = self._text(expect)
            where = (
                f"{'after ' + name if name else 'at the end'}, {expect.given} in {expect.checkout}, {expect.heading}"
            )
            why = f" ({expect.why})" if expect.why else ""
            unmet.setdefault(text, []).extend(f"{where}: {problem}{why}" for problem in problems(text, expect))
        for text, found in unmet.items():
            if found:
                yield "\n".join([*found, "", text])

    def _forgets(self, name: str) -> bool:
        """Whether the agent of a session loses what it was given at an earlier start."""
        hooks = adapters()[self.story.sessions[name].agent].hooks if name else None
        return hooks is not None and hooks.forgets is not None

    def _text(self, expect: Expect) -> str:
        root = find_root(str(self._folder(expect.checkout)))
        kind, _, name = expect.given.partition(" ")
        published = self._published.get(root.root)
        if kind == "file":
            return str(published.text or "") if published is not None else ""
        reasons: dict[str, StartReason] = {"start": "startup", "resume": "resume", "compact": "compact"}
        session = self._writers[name].session if name else str(uuid.uuid4())
        with closing(connect_read_only(self.paths.state.ledger)) as db:
            project = project_by_root(db, root.root)
            moment = AnswerTime(
                project=project.id if project is not None else root,
                config=Config(),
                now_ms=self._ms,
                then=published.git if published is not None else None,
                git_s=_PATIENCE_S,
            )
            beginning = Beginning(session=session, reason=reasons[kind], forgets=self._forgets(name))
            text = moment.answer(db, beginning)
        return str(text or "")

    # ---- files and git

    @property
    def _ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def _folder(self, name: str) -> Path:
        return Path(os.path.normpath(self.root / name))

    def _place(self, name: str) -> Path:
        """Returns the working folder of a session."""
        told = self.story.sessions[name]
        return Path(_THERE) if told.machine else self._folder(told.folder)

    def _write_files(self, files: Mapping[str, str], folder: Path) -> None:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def _git(self, command: str, folder: Path) -> str:
        return run_git(command, folder, self.now)


def run_git(command: str, folder: Path, at: datetime) -> str:
    """Runs a git command with that time; returns what it prints."""
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
    words = ["git", "-c", "core.fsync=none", *shlex.split(command)]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, env=os.environ | when)
    return done.stdout + done.stderr


def _branch(folder: Path) -> str:
    """Returns the branch that is checked out; empty if none is, or for another machine's folder."""
    place = folder / ".git"
    if place.is_file():
        place = Path(place.read_text().removeprefix("gitdir: ").strip())
    head = place / "HEAD"
    return head.read_text().strip().removeprefix("ref: refs/heads/") if head.exists() else ""


def _test_output(call: Call) -> str:
    """Returns what pytest prints."""
    failed = "".join(f"FAILED {line}\n" for line in call.fails)
    counts = [f"{len(call.fails)} failed"] if call.fails else []
    counts += [f"{call.passed} passed"] if call.passed else []
    return f"{failed}{', '.join(counts)} in 0.21s\n"


def _bundle(share: Share, at_ms: int) -> Bundle:
    return Bundle(
        sender=share.sender,
        host=f"{share.sender.lower()}-laptop",
        project="shop",
        title=share.about,
        made_ms=at_ms,
        handoff=share.text,
    )
