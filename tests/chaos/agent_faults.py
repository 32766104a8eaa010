"""What is done to what agents keep: transcripts and databases, and the folders that they are in. See `chaos.faults`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate

from chaos.load import Store
from chaos.world import Broken, World


class NothingToDo(Exception):
    """The fault cannot be here, as no agent has written what it concerns."""


def truncate(world: World) -> None:
    store = any_of(world, world.load.growing())
    first = min(turn.end for turn in store.turns)
    if "places" in store.traits:
        size, torn = world.chance.choice([0, *(turn.end for turn in store.turns)]), 0
        world.load.end_sessions(store)
    else:
        ends = list(accumulate(map(len, store.path.read_bytes().splitlines(keepends=True))))
        size = world.chance.choice([end for end in ends if end >= first] or [ends[-1]])
        torn = world.chance.choice((0, 0, 1)) if size < ends[-1] else 0
    for turn in store.turns:
        turn.on_disk = turn.on_disk and turn.end <= size
        turn.confirmed = turn.confirmed and not ("rewinds" in store.traits and turn.end > size)
    os.truncate(store.path, size + torn)
    world.pause(0.3)
    if torn:
        with store.path.open("ab") as file:
            file.write(b"\n")
    if "places" in store.traits:
        world.load.play(1)


def rotate(world: World) -> None:
    store = any_of(world, world.load.present())
    for part in store.parts:
        part.rename(world.aside / f"{len(world.load.turns)}-{part.name}")
    gone(world, store)


def delete(world: World) -> None:
    store = any_of(world, world.load.present())
    for part in store.parts:
        part.unlink()
    gone(world, store)


def replace(world: World) -> None:
    store = any_of(world, [store for store in world.load.present() if "inode" not in store.traits])
    copy = world.aside / "copy"
    if store.grows:
        shutil.copyfile(store.path, copy)
    else:
        with closing(sqlite3.connect(store.path)) as db, closing(sqlite3.connect(copy)) as target:
            db.backup(target)
    copy.replace(store.path)
    for part in store.parts[1:]:
        part.unlink()
    world.load.play_in(store)


def away_and_back(world: World) -> None:
    store = any_of(world, world.load.present())
    parts = store.parts
    for part in parts:
        part.rename(world.aside / f"away-{part.name}")
    world.pause(0.6)
    if world.alive:
        world.perhaps_restart(0.3)
    for part in parts:
        (world.aside / f"away-{part.name}").rename(part)
    if "guarded" in store.traits:
        world.load.play_in(store)


def database_damaged(world: World) -> None:
    """Parts of an agent's database are overwritten or cut off; later it is as before."""
    store = any_of(world, world.load.databases())
    copies = {part: part.read_bytes() for part in store.parts}
    with world.load.resting(store):
        size = store.path.stat().st_size
        world.scribble(store.path, 6)
        os.truncate(store.path, world.chance.choice((size, world.chance.randrange(size))))
        world.load.play(2)
        world.pause(0.6)
        world.perhaps_restart(0.4)
        for part, content in copies.items():
            part.write_bytes(content)


def folder_blocked(world: World) -> None:
    stores = [store for store in world.load.present() if store.path.parent not in world.load.projects]
    folder = any_of(world, stores).path.parent
    aside = world.aside / "folder"
    folder.rename(aside)
    folder.write_bytes(b"not a folder")
    world.pause(0.6)
    world.perhaps_restart(0.5)
    folder.unlink()
    aside.rename(folder)
    world.load.play(1)


def project_moved(world: World) -> None:
    project = world.chance.choice(world.load.projects)
    away = project.with_name(f"{project.name}-moved")
    project.rename(away)
    world.pause(0.6)
    if project.exists():
        raise Broken(f"{project} was made again while it was away: {sorted(project.rglob('*'))}")
    away.rename(project)


def import_again(world: World) -> None:
    store = any_of(world, [store for store in world.load.growing() if "places" not in store.traits])
    copy = world.aside / store.path.name
    shutil.copyfile(store.path, copy)
    world.run("import", str(copy))
    copy.unlink()


def database_locked(world: World) -> None:
    """An agent holds its own database locked, now and then for long; what others write is read meanwhile."""
    store = any_of(world, world.load.databases())
    with world.load.resting(store), closing(sqlite3.connect(store.path, timeout=5)) as db:
        db.execute("BEGIN EXCLUSIVE")
        world.load.play(3)
        world.perhaps_restart(0.4)
        time.sleep(world.chance.choice((0.2, 1, 2, 12)))
        if world.daemon.ask("GET", "/health") is None:
            raise Broken("the daemon does not answer while a database is locked")
        db.execute("ROLLBACK")


def any_of(world: World, stores: Sequence[Store]) -> Store:
    if not stores:
        raise NothingToDo
    return world.chance.choice(stores)


def gone(world: World, store: Store) -> None:
    for turn in store.turns:
        turn.on_disk = False
    world.load.end_sessions(store)
