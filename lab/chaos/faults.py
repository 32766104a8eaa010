"""What is done to a daemon, its files and those of the agents. Each fault is over when it returns.

A fault is a function of the world. What it may cost is noted on the turns that it concerns (`Turn.on_disk`,
`confirmed`); all else must be in the ledger afterwards.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.agents import adapters
from carryover.ledger.connect import erase_mark
from chaos import agent_faults
from chaos.agent_faults import NothingToDo
from chaos.world import COMMAND, CONFIG, Broken, World
from support import forked
from support.daemon_process import DaemonProcess, wait_until

Fault = Callable[[World], None]
LIMITED: Final = (
    'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"',
    'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"',
)
BAD_SETTINGS: Final = ("[server\nport = 0\n", "[server]\nport = 'x'\n", "\x00\xff", "[agents]\nfoo = 1\n", "[[")
HOOKED: Final = sorted(agent_id for agent_id, agent in adapters().items() if agent.hooks is not None)
COMMANDS: Final = (
    *("status", "status --json", "sessions --all --json", "sessions", "handoff", "handoff --json", "handoff --why"),
    *("doctor --json", "link /nowhere/at/all .", "show no-such-session"),
)


def kill(world: World) -> None:
    """Daemons are killed at any moment: as they start, as they read what is there, and while agents write."""
    chance = world.chance
    for _ in range(chance.randint(1, world.most_kills)):
        began = time.monotonic()
        if not world.alive:
            daemon = world.start()
            if chance.random() < 0.6:
                daemon.wait_until_it_answers()
                world.start_s = time.monotonic() - began
        delay_s = chance.uniform(0, world.start_s if chance.random() < 0.5 else world.longest_life_s)
        killer = threading.Timer(delay_s, world.kill)
        killer.start()
        world.load.play(chance.randint(0, world.most_turns))
        killer.join()


def stop_in_order(world: World) -> None:
    daemon = world.daemon
    world.load.play(3)
    code, took_s = daemon.stop()
    if code != 0 or took_s > 15:
        raise Broken(f"stopped with {code} after {took_s:.1f} s")


def freeze(world: World) -> None:
    daemon = world.daemon
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        world.load.play(3)
        _call_hook(world)
        world.pause(0.5)
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def disk_full(world: World) -> None:
    if not world.mounted:
        raise NothingToDo
    filler = _fill_disk(world)
    try:
        with world.load.resting():  # what hooks hand over has no place to be kept
            world.load.play(4)
            world.pause(0.8)
            if world.chance.random() < 0.4:
                world.kill()
                world.start()
                time.sleep(world.chance.uniform(0.2, 1.5))
            world.load.play(2)
    finally:
        filler.unlink()


def ledger_trashed(world: World) -> None:
    world.kill()
    for path in (world.state.ledger, world.state.ledger.with_name(f"{world.state.ledger.name}-wal")):
        size = path.stat().st_size if path.exists() else 0
        if size and world.chance.random() < 0.8:
            world.scribble(path, 8)
            os.truncate(path, size)
    _ledger_damaged(world)


def ledger_cut(world: World) -> None:
    world.kill()
    if world.state.ledger.exists():
        os.truncate(world.state.ledger, world.chance.randrange(world.state.ledger.stat().st_size + 1))
    _ledger_damaged(world)


def ledger_removed(world: World) -> None:
    if world.chance.random() < 0.7:
        world.kill()
    world.remove_ledger(("", "-wal", "-shm") if world.chance.random() < 0.5 else ("",))
    world.wait_for_the_end("the daemon whose state was removed")


def state_removed(world: World) -> None:
    world.empty_state()
    world.wait_for_the_end("the daemon whose state was removed")
    world.configure()
    world.load.play(1)


def clock_jumps(world: World) -> None:
    world.clock.write_text(str(world.chance.choice(world.load.possible((-400 * 86_400, -3600, 3600, 90 * 86_400)))))
    world.load.play(3)
    world.pause(0.4)
    if world.chance.random() < 0.5:
        world.kill()
        world.daemon.ask("POST", "/settle")
    world.clock.write_text("0")
    world.load.play(1)


def port_taken(world: World) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        world.kill()
        world.configure(f"[server]\nport = {taken.getsockname()[1]}\n")
        world.start().wait_until_it_answers()
        world.load.play(2)
    world.configure()


def second_daemon(world: World) -> None:
    if world.chance.random() < 0.5:
        world.kill()
        world.start()
    else:
        assert world.daemon.ask("GET", "/health") is not None
    assert world.started is not None
    second = DaemonProcess(COMMAND, env=world.env()).start()
    both = (world.started.process, second.process)
    ended = wait_until(
        "one of two daemons to leave", lambda: next((each for each in both if each.poll() is not None), None)
    )
    if ended.returncode != 5:
        raise Broken(f"one of two daemons ended with {ended.returncode}")
    if not world.alive:
        world.started = second
    if world.daemon.wait_until_it_answers().ask("GET", "/health") is None:
        raise Broken("the first daemon does not answer beside a second")


def commands(world: World) -> None:
    if world.chance.random() < 0.3:
        world.kill()
    for _ in range(2):
        world.load.play(1)
        world.run(*world.chance.choice(COMMANDS).split(), cwd=world.chance.choice(world.load.projects))


def pause(world: World) -> None:
    arguments = world.chance.choice(([], [str(world.chance.choice(world.load.projects))]))
    if world.run("pause", *arguments).returncode != 0:
        raise Broken("pause failed")
    with world.load.resting():
        world.load.play(3)
    if world.chance.random() < 0.3:
        world.kill()
    if world.run("unpause", *arguments).returncode != 0:
        raise Broken("unpause failed")


def forget(world: World) -> None:
    """A session is forgotten, with the daemon or without; either may be killed, or the disk full, in the middle."""
    if world.chance.random() < 0.4:
        world.kill()
    ended = world.load.end_session()
    if ended is None:
        raise NothingToDo
    session, turns = ended
    if world.chance.random() < 0.5:
        world.daemon.ask("POST", "/settle")
    filler = _fill_disk(world) if world.mounted and world.chance.random() < 0.3 else None
    try:
        with forked.start([*forked.CARRYOVER, "forget", session, "--yes"], env=world.env()) as command:
            if world.chance.random() < 0.6:
                world.pause(2)
                world.kill()
                if world.chance.random() < 0.5:
                    command.kill()
    finally:
        if filler is not None:
            filler.unlink()
    if command.returncode == 3 and any(turn.confirmed for turn in turns):
        raise Broken(f"forget does not know {session}, which is in the ledger")
    world.daemon.ask("POST", "/settle")
    # Repeated, it does what is left; with nothing left there is nothing to be found.
    for expected in ((0, 3), (3,)):
        ran = world.run("forget", session, "--yes")
        if ran.returncode not in expected:
            raise Broken(f"forget ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
        if ran.returncode == 3:
            break
    for turn in turns:
        turn.forgotten = "yes"
    if erase_mark(world.state.ledger).exists():
        world.kill()
        world.daemon.wait_until_it_answers()


def no_watches(world: World) -> None:
    world.kill()
    limited = world.chance.choice(LIMITED)
    world.command = ("unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh", *COMMAND)
    try:
        world.start().wait_until_it_answers()
        world.load.play(3)
        time.sleep(0.3)
        world.kill()
    finally:
        world.command = COMMAND


def settings_broken(world: World) -> None:
    """The settings are broken by hand; the daemon reads them, or is started with them."""
    world.state.config.write_bytes(world.chance.choice(BAD_SETTINGS).encode("utf-8", "surrogateescape"))
    if world.chance.random() < 0.5:
        _read_settings(world)
        world.load.play(2)
        world.run("status", "--json")
    else:
        world.kill()
        world.run("status", "--json")
        world.start()
        time.sleep(0.5)
    world.state.config.write_text(CONFIG)
    _read_settings(world)


def _read_settings(world: World) -> None:
    if world.started is not None and world.alive:
        world.started.process.send_signal(signal.SIGHUP)


FAULTS: Final[dict[Fault, int]] = {
    kill: 12,
    stop_in_order: 2,
    freeze: 3,
    agent_faults.truncate: 4,
    agent_faults.rotate: 2,
    agent_faults.delete: 2,
    agent_faults.replace: 2,
    agent_faults.away_and_back: 4,
    agent_faults.folder_blocked: 3,
    agent_faults.project_moved: 2,
    disk_full: 3,
    ledger_trashed: 3,
    ledger_cut: 2,
    ledger_removed: 2,
    state_removed: 2,
    clock_jumps: 3,
    port_taken: 1,
    second_daemon: 1,
    commands: 3,
    pause: 2,
    agent_faults.import_again: 2,
    forget: 4,
    no_watches: 1,
    agent_faults.database_locked: 3,
    agent_faults.database_damaged: 3,
    settings_broken: 2,
    agent_faults.odd_agent_file: 4,
    agent_faults.odd_state_file: 5,
    agent_faults.odd_project_file: 3,
    agent_faults.git_at_work: 2,
    agent_faults.bodies_damaged: 3,
    agent_faults.commands_killed: 3,
}


def _fill_disk(world: World) -> Path:
    filler = world.state.root / "filler"
    with filler.open("wb", buffering=0) as file:
        left = world.chance.choice((0, 0, 20_000))
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            file.truncate(max(0, file.tell() - left))
    return filler


def _ledger_damaged(world: World) -> None:
    """Of what can only be in the ledger, nothing is owed any more. What is on disk is, where the damage was noticed."""
    world.ledger_lost()
    world.revive()
    world.load.play(2)
    world.revive()
    if not world.remove_copies():  # SQLite cannot know that a letter in a text is another one
        world.kill()
        world.remove_ledger()


def _call_hook(world: World) -> None:
    """A hook ends in time and without an error, whatever the daemon does."""
    script = world.state.root / "hook.sh"
    if not script.exists():
        return
    began = time.monotonic()
    command = ["sh", str(script), world.chance.choice(HOOKED), "SessionStart"]
    ran = subprocess.run(command, input=b"{}", env=world.env(), capture_output=True, timeout=20, check=False)
    if ran.returncode != 0 or ran.stderr or time.monotonic() - began > 5:
        raise Broken(f"hook.sh took {time.monotonic() - began:.1f} s and ended with {ran.returncode}: {ran.stderr!r}")
