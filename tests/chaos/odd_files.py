"""Something else in the place of a file that is opened: of the agents', of a project, of the state folder."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from chaos.agent_faults import NothingToDo, any_of
from chaos.world import Broken, World

ANSWER_S: Final = 20.0
"""How long a daemon beside such a file may take for its health, on a machine under load."""
COMMANDS: Final = ("status", "handoff", "sessions", "doctor --json", "pause", "unpause", "config")


def _socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        folder = os.open(path.parent, os.O_RDONLY)
        try:  # a socket's address must be short
            listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)


KINDS: Final[tuple[Callable[[Path], None], ...]] = (
    os.mkfifo,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("/dev/full"),
    lambda path: path.symlink_to(path),
    Path.mkdir,
    _socket,
)


def odd_agent_file(world: World) -> None:
    """A FIFO, a device, a folder or a socket is in the place of a transcript, or of a file beside a database."""
    store = any_of(world, world.load.present())
    end = "" if store.grows else world.chance.choice(("", "-wal", "-shm", "-journal"))
    with world.load.resting(store), _replaced(world, store.path.with_name(store.path.name + end)):
        _live_with_it(world)
    if "guarded" in store.traits:
        world.load.play_in(store)


def odd_state_file(world: World) -> None:
    root = world.state.root
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    names = ["paused", *(path.relative_to(root).as_posix() for path in files if path.name != "filler")]
    place = root / world.chance.choice(names)
    with world.load.resting(), _replaced(world, place):
        _live_with_it(world)
    if place.name.startswith("ledger.sqlite"):
        world.ledger_lost()
    world.revive()


def odd_project_file(world: World) -> None:
    project = world.chance.choice(world.load.projects)
    names = (".carryover/handoff.md", "AGENTS.md", "CLAUDE.md", ".gitignore", ".git/info/exclude", ".git/HEAD")
    with _replaced(world, project / world.chance.choice((*names, ".git/config", ".git/index", ".aider.conf.yml"))):
        _live_with_it(world, project)


def _live_with_it(world: World, project: Path | None = None) -> None:
    """Whatever the daemon and commands can no longer do, they end or answer in time."""
    world.load.play(2)
    if world.chance.random() < 0.5:
        if world.alive and world.chance.random() < 0.5:
            code, took_s = world.daemon.stop()
            if took_s > 15:
                raise Broken(f"stopped with {code} after {took_s:.1f} s")
        world.kill()
        world.start()
    _answers_or_ends(world)
    for command in world.chance.sample(COMMANDS, 2):
        world.run(*command.split(), cwd=project)
    world.run("unpause")
    world.load.play(1)
    world.pause(0.5)


def _answers_or_ends(world: World) -> None:
    deadline = time.monotonic() + ANSWER_S
    while world.alive and world.health() is None:
        if time.monotonic() > deadline:
            raise Broken(f"a daemon neither answers nor ends within {ANSWER_S:g} s")
        time.sleep(0.02)


@contextmanager
def _replaced(world: World, path: Path) -> Iterator[None]:
    if not path.parent.is_dir():
        raise NothingToDo
    aside = world.aside / "odd"
    was_there = path.exists()
    if was_there:
        shutil.move(path, aside)
    kind = world.chance.randrange(len(KINDS))
    world.noted = f"{('fifo', 'zero', 'full', 'loop', 'folder', 'socket')[kind]} as {path}"
    KINDS[kind](path)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if was_there and path.parent.is_dir():
            shutil.move(aside, path)
