"""Two home folders, one store: what a person with two machines sees."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from carryover.errors import ExitCode
from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import daemon_below, handoff_of, wait_until
from support.git_server import remote_at
from support.repository import git, repository
from support.terminal import ENTER, played
from support.tools import program

pytest.importorskip("pyrage")

TASK = "Add a discount function to the cart"


class Machine:
    """A home folder with a clone of one project and a daemon, which was not started yet."""

    def __init__(self, folder: Path, origin: Path) -> None:
        self.folder, self.name, self.shop = folder, folder.name, folder / "shop"
        folder.mkdir(mode=0o700)
        git(folder, "clone", "--quiet", str(origin), "shop")
        self.daemon = daemon_below(folder)

    def ran(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.carryover(*arguments, cwd=self.shop, env=self.daemon.env)

    def run(self, *arguments: str, code: int = 0) -> str:
        ran = self.ran(*arguments)
        assert ran.returncode == code, ran.stderr + ran.stdout
        return ran.stdout + ran.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def answer(self, answer: str, *arguments: str) -> tuple[int, str]:
        command, step = [*forked.CARRYOVER, *arguments], ("[y/N]", f"{answer}{ENTER}")
        return played(command, step, env=self.daemon.env, columns=300)

    def start_sync(self, *before: str) -> subprocess.Popen[bytes]:
        return forked.start([*before, *forked.CARRYOVER, "sync"], cwd=self.shop, env=self.daemon.env)

    def session(self) -> ClaudeSession:
        return ClaudeSession(self.folder / ".claude" / "projects", self.shop)

    def work(self, prompt: str, answer: str) -> None:
        self.session().work(prompt, answer)
        self.daemon.settle()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    first = repository(tmp_path / "first", {"cart.py": "x = 1\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(first), "origin.git")
    return tmp_path / "origin.git"


@pytest.fixture
def desktop(home: Path, origin: Path) -> Machine:
    return Machine(home / "desktop", origin)


@pytest.fixture
def laptop(home: Path, origin: Path) -> Machine:
    return Machine(home / "laptop", origin)


@pytest.fixture
def both(store: Path, desktop: Machine, laptop: Machine) -> tuple[Machine, Machine]:
    """Both are in one store."""
    desktop.run("sync", "init", str(store))
    join(store, desktop, laptop)
    return desktop, laptop


def code_in(text: str) -> str:
    [code] = set(re.findall(r"\d{4} \d{4} \d{4} \d{4} \d{4}", text))
    return str(code)


def join(store: Path | str, first: Machine, second: Machine) -> None:
    code = code_in(second.run("sync", "init", str(store), "--name", second.name))
    second.run("sync", "add-machine", code_in(first.run("sync", "add-machine", code)))
    first.run("sync")
    second.run("sync")


def stored_bytes(folder: Path) -> Iterator[bytes]:
    if (folder / "objects").exists():
        command = ["git", "cat-file", "--batch", "--batch-all-objects", "--unordered"]
        yield subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield data
            try:
                yield zlib.decompress(data)
            except zlib.error:
                continue


@pytest.mark.parametrize("kind", [pytest.param("folder", marks=pytest.mark.night), "git"])
def test_none_of_500_canaries_is_in_the_store_or_in_what_git_keeps_of_it(
    tmp_path: Path, desktop: Machine, laptop: Machine, kind: str
) -> None:
    store = tmp_path / "store"
    if kind == "git":
        address, environment = remote_at(store)
        for machine in (desktop, laptop):
            machine.daemon.env.update(environment)
    else:
        store.mkdir()
        address = str(store)
    canaries = [f"canary{number:03d}{os.urandom(4).hex()}" for number in range(500)]
    session = desktop.session()
    for at in range(0, 500, 10):
        session.prompt(" ".join(canaries[at : at + 10]))
    desktop.run("sync", "init", address, "--name", "canarydesk")
    assert desktop.json("sync")["sent_events"] >= 50
    join(address, desktop, laptop)
    assert "canary499" in laptop.run("show", session.session, "--full")
    kept = [*stored_bytes(store)]
    desktop.run("forget", "last", "--yes")
    desktop.run("sync")

    names = [b"canarydesk", b"shop", b"cart.py", b"origin.git", str(desktop.folder).encode(), b"claude", b"laptop"]
    seen = 0
    for data in (*kept, *stored_bytes(store), *stored_bytes(desktop.folder / ".carryover" / "sync" / "store")):
        seen += len(data)
        for plain in (*(canary.encode() for canary in canaries), *names):
            assert plain not in data, plain
    assert seen > 10_000
    if kind == "git":  # what was forgotten is in no history either
        sizes = git(store, "rev-list", "--all", "--objects", "--disk-usage")
        assert int(sizes) < 40_000


@pytest.mark.night
def test_on_a_terminal_each_step_is_asked_for_and_only_yes_does_it(
    store: Path, desktop: Machine, laptop: Machine
) -> None:
    desktop.session().prompt("Add a discount")
    desktop.run("sync", "init", str(store), "--name", "desktop")
    code = code_in(laptop.run("sync", "init", str(store), "--name", "laptop"))
    desktop.run("sync")

    assert "needs a CODE" in desktop.run("sync", "add-machine", code=2)
    assert "none with this code" in " ".join(desktop.run("sync", "add-machine", code[:-1], code=3).split())
    assert "1 machine." in desktop.run("sync", "status") and code not in desktop.run("sync", "status"), "it is compared"
    own_code = code_in(desktop.run("sync", "add-machine", code))
    desktop.run("sync")
    assert laptop.json("sync")["received_events"] == 0
    laptop.run("sync", "add-machine", own_code.replace(" ", ""))
    assert laptop.json("sync")["received_events"] > 0
    desktop.run("sync")
    assert re.search(r"^laptop +last state", desktop.run("sync", "status"), re.MULTILINE)

    assert "not one machine 'lapotp'" in desktop.run("sync", "remove-machine", "lapotp", code=3), "before it asks"
    ended, said = desktop.answer("n", "sync", "remove-machine", "laptop")
    assert (ended, "Nothing was changed" in said) == (130, True)
    assert desktop.json("sync")["problems"] == {}
    ended, said = desktop.answer("y", "sync", "remove-machine", "laptop")
    assert (ended, "can still read" in said) == (0, True)
    assert re.search(r"^laptop +.*removed", desktop.run("sync", "status"), re.MULTILINE)
    assert "nothing that this machine can read" in " ".join(laptop.run("sync").split())

    assert desktop.answer("", "sync", "off", "--delete")[0] == 130
    assert desktop.answer("y", "sync", "off", "--delete")[0] == 0
    assert not (desktop.folder / ".carryover" / "sync").exists()
    assert len([machine for machine in store.iterdir() if any(machine.iterdir())]) == 1
    assert "Add a discount" in desktop.run("handoff")


def test_what_is_of_a_project_or_holds_something_else_is_refused_and_without_a_store_each_action_says_what_to_do(
    tmp_path: Path, origin: Path, desktop: Machine
) -> None:
    other = repository(tmp_path / "other", {"a.py": "1\n"})
    address, environment = remote_at(tmp_path / "remote")
    desktop.daemon.env.update(environment)
    git(desktop.shop, "remote", "add", "empty", address)
    for remote in (address, str(origin), str(desktop.shop), str(desktop.shop / "store")):
        assert "belongs to the project" in desktop.run("sync", "init", remote, code=5)
    for remote in (f"file://{origin}", str(other)):
        refused = " ".join(desktop.run("sync", "init", remote, code=5).split())
        assert "holds something else (" in refused
        assert "Give an empty git repository, by an address of ssh or https, or an empty folder." in refused
    git(desktop.shop, "remote", "remove", "empty")
    git(desktop.shop, "push", "--quiet", str(tmp_path / "remote"), "HEAD:main")
    assert "holds something else (refs/heads/main)" in desktop.run("sync", "init", address, code=5)
    assert not (desktop.folder / ".carryover" / "sync").exists()
    for action in ((), ("status",), ("add-machine", "1"), ("remove-machine", "x"), ("off",)):
        assert "`carryover sync init REMOTE` sets it up" in desktop.run("sync", *action, code=3)
    assert "needs a REMOTE" in desktop.run("sync", "init", code=2)


def test_a_store_out_of_reach_loses_nothing(store: Path, desktop: Machine) -> None:
    desktop.session().prompt("Add a discount")
    (desktop.folder / ".carryover").chmod(0o755)
    desktop.run("sync", "init", str(store))
    away = store.rename(store.with_name("away"))

    said, waits = desktop.run("sync", code=1), desktop.run("sync", "status")
    with closing(sqlite3.connect(desktop.folder / ".carryover" / "ledger.sqlite")) as db:
        [(recorded,)] = db.execute("SELECT count(*) FROM session")
    away.rename(store)

    assert recorded == 1, "what is new on disk is read first"
    assert "The store can't be reached" in said and (desktop.folder / ".carryover").stat().st_mode & 0o777 == 0o700
    assert "Nothing is lost" in waits
    assert desktop.json("sync")["sent_events"] > 0


def test_what_git_keeps_here_can_be_damaged_and_is_made_again(tmp_path: Path, desktop: Machine) -> None:
    desktop.session().prompt("Add a discount")
    address, environment = remote_at(tmp_path / "remote")
    desktop.daemon.env.update(environment)
    desktop.run("sync", "init", address)
    desktop.run("sync")
    kept = desktop.folder / ".carryover" / "sync" / "store"

    (kept / "HEAD").write_text("damaged")
    assert "The local part of the store can't be used" in desktop.run("sync", code=1)
    shutil.rmtree(kept)
    assert desktop.json("sync")["sent_events"] == 0


@contextmanager
def waiting_for_its_remote(
    desktop: Machine, folder: Path, *, silent: str = "upload-pack"
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `carryover sync` with a remote that does not answer to `silent`, and ends it after the block."""
    desktop.session().prompt("Add a discount")
    address, environment = remote_at(folder / "remote")
    desktop.daemon.env.update(environment)
    desktop.run("sync", "init", address)
    asked = folder / "asked"
    waits = f"*{silent}*) touch '{asked}'; exec sleep 600;;"
    program(folder / "silent", f'case "$*" in {waits} esac', f'exec "{environment["GIT_SSH_COMMAND"]}" "$@"')
    desktop.daemon.env["GIT_SSH_COMMAND"] = str(folder / "silent")

    process = desktop.start_sync()
    try:
        wait_until("git to ask", asked.exists)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_an_interrupt_ends_a_sync_that_waits_for_its_remote(tmp_path: Path, desktop: Machine) -> None:
    with waiting_for_its_remote(desktop, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == ExitCode.INTERRUPTED


@pytest.mark.parametrize("silent", ["upload-pack", pytest.param("receive-pack", marks=pytest.mark.night)])
def test_a_daemon_can_start_while_a_sync_waits_for_its_remote(tmp_path: Path, desktop: Machine, silent: str) -> None:
    """Also after `carryover restart`: the command carries on by itself if the daemon that it asked has ended."""
    with waiting_for_its_remote(desktop, tmp_path, silent=silent), desktop.daemon as daemon:
        assert daemon.is_running


@pytest.mark.night
def test_a_sync_that_is_killed_loses_and_doubles_nothing(both: tuple[Machine, Machine]) -> None:
    desktop, laptop = both
    session = desktop.session()
    for number in range(5):
        session.prompt(f"Prompt {number} " + os.urandom(20_000).hex())
        for home in (desktop, laptop):
            process = home.start_sync()
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05 + number / 8)
            process.kill()
            process.wait()

    desktop.run("sync")
    laptop.run("sync")

    shown = json.dumps(laptop.json("show", session.session)["events"])
    assert [len(re.findall(rf"Prompt {number} ", shown)) for number in range(5)] == [1] * 5


@pytest.mark.night
def test_a_full_disk_is_said_and_nothing_is_lost(both: tuple[Machine, Machine]) -> None:
    desktop, laptop = both
    session = desktop.session()
    session.prompt("Prompt on a full disk " + os.urandom(200_000).hex())
    desktop.run("handoff")

    assert desktop.start_sync("sh", "-c", 'ulimit -f 100; exec "$@"', "sh").wait(60) == 1
    assert desktop.json("sync")["sent_events"] > 0
    laptop.run("sync")
    assert "on a full disk" in laptop.run("show", session.session, "--full")


@pytest.mark.night
def test_two_syncs_at_once_do_not_disturb_each_other(both: tuple[Machine, Machine]) -> None:
    desktop, laptop = both
    desktop.session().prompt("From the desktop")
    laptop.session().prompt("From the laptop")

    running = [home.start_sync() for home in (desktop, laptop, desktop, laptop)]

    assert {process.wait(60) for process in running} <= {0, 1}
    for home in (desktop, laptop, desktop):
        home.run("sync")
    for home in (desktop, laptop):
        assert "2 sessions" in home.run("status")


def test_a_store_can_be_below_the_home_folder_even_if_an_agent_worked_there(desktop: Machine) -> None:
    (desktop.folder / "store").mkdir()
    ClaudeSession(desktop.folder / ".claude" / "projects", desktop.folder).prompt("Tidy my home folder")
    desktop.session().prompt("Add a discount")
    desktop.run("sessions", "--all")
    (desktop.shop / "store").mkdir()

    assert "belongs to the project" in desktop.run("sync", "init", str(desktop.shop / "store"), code=5)
    home = forked.carryover("sync", "init", "store", cwd=desktop.folder, env=desktop.daemon.env)

    assert home.returncode == 0, home.stderr


def test_the_daemon_synchronises_by_itself(both: tuple[Machine, Machine]) -> None:
    desktop, laptop = both
    desktop.session().prompt("Whole cents, never floats")
    desktop.run("sync")
    (laptop.folder / ".carryover" / "config.toml").write_text('[server]\nport = 0\n[sync]\nevery = "1m"\n')
    with laptop.daemon as daemon:
        wait_until("the first sync", lambda: any("synchronised" in line for line in daemon.log()))
        assert "cents" not in "".join(daemon.log())
        assert daemon.stop()[0] == 0


@pytest.fixture
def running(store: Path, laptop: Machine, desktop: Machine) -> Iterator[tuple[Machine, Machine]]:
    """Both have a daemon and have synchronised; on the laptop somebody worked in the project."""
    with laptop.daemon, desktop.daemon:
        laptop.work(TASK, "Done. Next: wire it into checkout.")
        laptop.run("sync", "init", str(store), "--name", "laptop")
        laptop.run("sync")
        join(store, laptop, desktop)
        yield laptop, desktop


@pytest.mark.night
def test_work_goes_on_on_the_other_machine_once_the_user_has_allowed_it(running: tuple[Machine, Machine]) -> None:
    laptop, desktop = running
    [listed] = desktop.json("sessions", "--all")
    assert (listed["machine"], listed["project"]) == ("laptop", f"laptop:{laptop.shop}")
    before = desktop.ran("handoff")
    assert before.returncode == ExitCode.NOTHING_FOUND
    assert f"`carryover link laptop:{laptop.shop} {desktop.shop}`" in before.stderr
    assert TASK not in before.stdout + before.stderr
    assert handoff_of(desktop.shop) == ""

    desktop.run("link", f"laptop:{laptop.shop}", ".")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.shop))
    allowed = handoff_of(desktop.shop)
    assert "from Claude Code on laptop" in allowed.splitlines()[0]
    assert desktop.ran("resume", "last").returncode == ExitCode.REFUSED

    desktop.work("Wire the discount into checkout, in whole cents", "Wired, and the tests of checkout pass.")
    led = handoff_of(desktop.shop)
    assert "from Claude Code\n" in led.splitlines(keepends=True)[0]
    assert f"Prompt (turn 1 of {listed['id'][:8]} on laptop" in led or "on laptop" in led
    laptop.run("sync")
    desktop.run("sync")
    laptop.run("sync")
    laptop.run("link", f"desktop:{desktop.shop}", ".")
    wait_until("the work of the desktop", lambda: "on desktop" in handoff_of(laptop.shop))


@pytest.mark.night
def test_the_two_projects_are_taken_apart_and_joined_by_name(running: tuple[Machine, Machine]) -> None:
    laptop, desktop = running
    theirs = f"laptop:{laptop.shop}"
    desktop.run("link", f"laptop:{laptop.shop}", ".")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.shop))

    desktop.run("link", "--undo", theirs)
    assert TASK not in handoff_of(desktop.shop)
    desktop.work("Say hello", "Hello.")
    assert TASK not in handoff_of(desktop.shop)
    [session] = desktop.json("sessions", theirs)
    refused = desktop.ran("handoff", "--session", session["id"])
    assert refused.returncode == ExitCode.REFUSED and f"`carryover link {theirs} .`" in refused.stderr
    assert desktop.ran("handoff", theirs).returncode == ExitCode.REFUSED

    desktop.run("link", theirs, str(desktop.shop))
    wait_until("the joined work", lambda: TASK in handoff_of(desktop.shop))
    desktop.daemon.stop()
    desktop.run("sync", "off", "--yes")
    with closing(sqlite3.connect(desktop.folder / ".carryover" / "ledger.sqlite")) as db:
        assert [*db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'change%'")] == []
    desktop.run("forget", session["id"], "--yes")
    assert not [path for path in desktop.folder.rglob("*") if path.is_file() and TASK.encode() in path.read_bytes()]


def test_what_is_forgotten_on_each_machine_is_gone_from_both_and_from_the_store(
    store: Path, running: tuple[Machine, Machine]
) -> None:
    laptop, desktop = running
    desktop.run("link", f"laptop:{laptop.shop}", ".")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.shop))
    before = {file.name for file in store.rglob("*")}
    laptop.run("forget", "last", "--yes")
    laptop.run("sync")
    assert len({file.name for file in store.rglob("*") if len(file.name) == 32} & before) == 0
    desktop.run("sync")
    assert TASK in handoff_of(desktop.shop), "each machine forgets its own"
    desktop.run("forget", "last", "--yes")
    for machine in (laptop, desktop, laptop):
        machine.run("sync")
        machine.daemon.settle()

    for machine in (laptop, desktop):
        assert machine.ran("sessions", "--all").returncode == ExitCode.NOTHING_FOUND
        assert TASK not in handoff_of(machine.shop)
