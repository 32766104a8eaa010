"""An editor that never rests: streams, runs tools, goes back and forth, quits and starts, and knows what counts."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.cursor.stores import Bubble, Chat, EditorStore, say, shell, thinking, uid, user

PATIENCE_MS: Final = 0
"""How long the editor waits for a lock. Nothing of ours may hold one that it needs."""


@dataclass
class Talk:
    """One conversation: its bubbles with their ids, and the last ones taken back."""

    name: str
    folder: str
    start_ms: int
    bubbles: list[tuple[str, Bubble]] = field(default_factory=list)
    gone: list[tuple[str, Bubble]] = field(default_factory=list)

    def chat(self, *, status: str = "completed", generating: int | None = None) -> Chat:
        now = {"lastUpdatedAt": int(time.time() * 1000)}
        return Chat(
            name=self.name,
            bubbles=[bubble for _, bubble in self.bubbles],
            ids=[ident for ident, _ in self.bubbles],
            ghosts=[bubble for _, bubble in self.gone],
            status=status,
            generating=() if generating is None else (generating,),
            start_ms=self.start_ms,
            folder=self.folder,
            more=now,
            head=now,
        )


class RestlessEditor(threading.Thread):
    """Writes the database below `user_folder` until `finish`. A lock that it has to wait for ends it."""

    def __init__(self, user_folder: Path, folders: list[Path], *, seed: int, pause_s: float = 0.004) -> None:
        super().__init__(name="restless-editor")
        self.done: Counter[str] = Counter()
        """How often each kind of thing was done."""
        self._user_folder = user_folder
        self._random = random.Random(seed)
        self._folders = folders
        self._pause_s = pause_s
        self._finished = threading.Event()
        self._error: BaseException | None = None
        self._count = 0
        self._store = self._opened()
        self._talks = [self._new_talk() for _ in range(4)]
        self._old: list[Talk] = []

    def run(self) -> None:
        acts = [self._turn] * 20 + [self._back] * 4 + [self._back_and_on] * 4 + [self._forth] * 3
        acts += [self._begin, self._vacuum, self._restart]
        try:
            once = list(dict.fromkeys(acts))
            while once or not self._finished.is_set():
                act = once.pop() if once else self._random.choice(acts)
                act(self._random.choice(self._talks))
                self.done[act.__name__.strip("_")] += 1
            self._store.close()
        except BaseException as error:
            self._error = error
            raise

    def finish(self) -> None:
        """Come to rest after the turn that goes on; raises what went wrong while writing."""
        self._finished.set()
        if self.is_alive():
            self.join()
        if self._error is not None:
            raise self._error

    def write_history(self, conversations: int, bubbles: int) -> None:
        """Conversations from before, an hour ago and older."""
        now_ms = int(time.time() * 1000)
        for number in range(conversations):
            talk = self._new_talk(start_ms=now_ms - (number + 2) * 3_600_000)
            for _ in range(bubbles // 2):
                self._say(talk, lambda mark: user(f"{mark} please"))
                self._say(talk, lambda mark: say(f"{mark} done " + "word " * 300))
            self._talks.append(talk)
            self._store.put(talk.chat())
        self._old, self._talks = self._talks[4:], self._talks[:4]

    def counts(self) -> Counter[tuple[str, str]]:
        """What must be in the ledger when all is at rest: each mark and what became of its bubble, once."""
        return Counter(
            reported for talk in [*self._old, *self._talks] for _, bubble in talk.bubbles for reported in _told(bubble)
        )

    def _opened(self) -> EditorStore:
        store = EditorStore(self._user_folder)
        store.db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        return store

    def _new_talk(self, start_ms: int | None = None) -> Talk:
        self._count += 1
        now_ms = int(time.time() * 1000)
        folder = str(self._random.choice(self._folders))
        return Talk(f"talk {self._count}", folder, now_ms if start_ms is None else start_ms)

    def _say(self, talk: Talk, make: Callable[[str], Bubble]) -> int:
        """Add a bubble with a new mark; its number."""
        self._count += 1
        talk.bubbles.append((uid("bubble", self._count), make(f"mark{self._count:06}")))
        return len(talk.bubbles) - 1

    def _change(self, talk: Talk, number: int, **changes: object) -> None:
        ident, bubble = talk.bubbles[number]
        talk.bubbles[number] = ident, {**bubble, **changes}

    def _put(self, talk: Talk, *, status: str = "generating", generating: int | None = None) -> None:
        self._store.put(talk.chat(status=status, generating=generating), whole=self._random.random() < 0.5)
        time.sleep(self._random.uniform(0, 2 * self._pause_s))

    def _turn(self, talk: Talk) -> None:
        """A turn of the model, write by write."""
        talk.gone.clear()
        self._said(talk, lambda mark: user(f"{mark} please"))
        if self._random.random() < 0.5:
            talk.bubbles.append((uid("thought", self._count), thinking("hm")))
        self._stream(talk)
        if self._random.random() < 0.7:
            number = self._said(talk, lambda mark: shell(f"echo {mark}", status="loading"))
            done = {**talk.bubbles[number][1]["toolFormerData"], "status": "completed"}
            if self._random.random() < 0.3:
                self._stream(talk)  # the call goes on meanwhile
            self._change(talk, number, toolFormerData=done)
            self._put(talk)
            self._stream(talk)
        self._put(talk, status="completed")

    def _said(self, talk: Talk, make: Callable[[str], Bubble]) -> int:
        number = self._say(talk, make)
        self._put(talk)
        return number

    def _stream(self, talk: Talk) -> None:
        number = self._say(talk, lambda mark: say(f"{mark} I"))
        for _ in range(self._random.randint(1, 6)):
            self._put(talk, generating=number)
            self._change(talk, number, text=talk.bubbles[number][1]["text"] + " go on")
        self._put(talk)

    def _take_back(self, talk: Talk) -> None:
        kept = self._random.randrange(len(talk.bubbles) + 1)
        talk.gone = talk.bubbles[kept:]
        del talk.bubbles[kept:]

    def _back(self, talk: Talk) -> None:
        self._take_back(talk)
        self._put(talk, status="completed")

    def _back_and_on(self, talk: Talk) -> None:
        """The user writes a prompt of earlier again: one write takes back what followed and has the new one."""
        self._take_back(talk)
        self._turn(talk)

    def _forth(self, talk: Talk) -> None:
        talk.bubbles += talk.gone
        talk.gone = []
        self._put(talk, status="completed")

    def _begin(self, talk: Talk) -> None:
        self._old.append(talk)
        self._talks[self._talks.index(talk)] = self._new_talk()

    def _vacuum(self, talk: Talk) -> None:
        self._store.db.execute("VACUUM")

    def _restart(self, talk: Talk) -> None:
        """It takes its WAL along when it quits."""
        self._store.close()
        time.sleep(self._random.uniform(0, 0.05))
        self._store = self._opened()


def _told(bubble: Bubble) -> list[tuple[str, str]]:
    """The events that a bubble comes to: their kind and its mark."""
    if "toolFormerData" in bubble:
        mark = bubble["toolFormerData"]["params"].partition("echo ")[2][:10]
        return [("ToolCall", mark), ("ToolResult", mark)]
    if not bubble["text"]:
        return []
    return [("UserPrompt" if bubble["type"] == 1 else "AssistantMessage", bubble["text"][:10])]
