"""A history of Claude Code work, generated: the same bytes for the same seed, size and time."""

import os
import random
import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.work import Conversation, code, opening, turn

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

PROJECTS: Final = ("harbor", "lantern", "meadow", "orchard", "quarry", "willow")
DAYS_AGO: Final = (0.0, 1.0, 3.0, 20.0, 35.0, 60.0)
"""When each project was last worked on. Half of them lie outside the days in which handoffs are written."""


AUTHOR: Final = ("-c", "user.name=Dev", "-c", "user.email=dev@example.invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A home folder with projects and the transcripts of the work in them. Projects and files: newest first.

    `lines`: 0 where they were not counted.
    """

    home: Path
    projects: tuple[Path, ...]
    files: tuple[Path, ...]
    lines: int
    size: int

    def files_of(self, project: Path) -> tuple[Path, ...]:
        folder = transcripts_of(self.home, project)
        return tuple(file for file in self.files if file.is_relative_to(folder))


def make_corpus(home: Path, *, megabytes: float, seed: int, now_ms: int) -> Corpus:
    """Write `megabytes` of transcripts of work that ended a minute before `now_ms`, and the projects, below `home`."""
    chance = random.Random(seed)
    roots = [make_project(home / "work" / name) for name in PROJECTS]
    weights = [chance.lognormvariate(0, 1) for _ in range(max(len(roots), round(megabytes / 1.5)))]
    written: list[tuple[int, Path]] = []
    lines = size = 0
    for number, weight in enumerate(weights):
        place = number % len(roots)
        end_ms = now_ms - 60_000 - int(DAYS_AGO[place] * DAY_MS) - number // len(roots) * 5 * HOUR_MS
        budget = int(megabytes * 1e6 * weight / sum(weights))
        for path, talk in conversations(chance, home, roots[place], budget, end_ms):
            write_transcript(path, talk)
            written.append((talk.now_ms, path))
            lines += len(talk.lines)
            size += talk.size
    files = tuple(path for _, path in sorted(written, key=lambda item: (-item[0], item[1])))
    return Corpus(home, tuple(roots), files, lines, size)


def make_session(home: Path, *, megabytes: float, seed: int, now_ms: int) -> tuple[Path, Path]:
    """One project with one session of that size, which ended a minute before `now_ms`: its root and its transcript."""
    root = make_project(home / "work" / PROJECTS[0])
    path, talk = conversations(random.Random(seed), home, root, int(megabytes * 1e6 / 0.8), now_ms - 60_000)[0]
    write_transcript(path, talk)
    return root, path


def make_project(root: Path) -> Path:
    (root / "src").mkdir(parents=True)
    for name, lines in code().files.items():
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (["init", "-q", "--initial-branch=main"], ["add", "--all"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *AUTHOR, *command], cwd=root, env=env, check=True, stdin=subprocess.DEVNULL)
    return root


def transcripts_of(home: Path, project: Path) -> Path:
    """The folder of a project's transcripts: in its path, every character that is no ASCII letter or digit is a `-`."""
    return home / ".claude" / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(project))


def new_session_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def write_transcript(path: Path, talk: Conversation) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in talk.lines))
    os.utime(path, ns=(talk.now_ms * 1_000_000, talk.now_ms * 1_000_000))


def append_lines(path: Path, talk: Conversation, written: int) -> None:
    with path.open("ab") as stream:
        stream.write(b"".join(line + b"\n" for line in talk.lines[written:]))


def conversations(
    chance: random.Random, home: Path, root: Path, budget: int, end_ms: int
) -> list[tuple[Path, Conversation]]:
    """A session of about `budget` bytes, a fifth of them written by its sub-agents."""
    session = new_session_id(chance)
    folder = transcripts_of(home, root)
    span_ms = min(5 * HOUR_MS, budget // 10)

    def begin(share: float, until: float, agent: str | None = None) -> Conversation:
        pace = span_ms * until / max(1.0, budget * share)
        return Conversation(chance, session=session, cwd=root, start_ms=end_ms - span_ms, ms_per_byte=pace, agent=agent)

    main = begin(share=0.8, until=0.9)
    opening(main, root)
    _fill(main, chance, root, int(budget * 0.8))
    made = [(folder / f"{session}.jsonl", main)]
    for _ in range(2 if budget > 400_000 else 0):
        agent = f"a{chance.getrandbits(64):016x}"
        side = begin(share=0.1, until=0.5, agent=agent)
        _fill(side, chance, root, int(budget * 0.1))
        made.append((folder / session / "subagents" / f"agent-{agent}.jsonl", side))
    return made


def _fill(talk: Conversation, chance: random.Random, root: Path, budget: int) -> None:
    number = 0
    while talk.size < budget or number == 0:
        number += 1
        turn(talk, chance, root, number)
