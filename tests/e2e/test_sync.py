"""Two home folders, one bare repository: what a person with two machines sees."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.repository import git
from support.terminal import CTRL_C, ENTER, Terminal

pytest.importorskip("pyrage")


@dataclass
class Home:
    folder: Path
    name: str

    @property
    def shop(self) -> Path:
        return self.folder / "shop"

    @property
    def env(self) -> dict[str, str]:
        moved = {"HOME": str(self.folder), "CARRYOVER_HOME": str(self.folder / ".carryover")}
        xdg = {name: str(self.folder / name) for name in os.environ if name.startswith("XDG_")}
        return {**os.environ, **xdg, **moved}

    def run(self, *arguments: str, code: int = 0) -> str:
        ran = forked.carryover(*arguments, cwd=self.shop, env=self.env)
        assert ran.returncode == code, ran.stderr + ran.stdout
        return ran.stdout + ran.stderr

    def answer(self, answer: str, *arguments: str) -> tuple[int, str]:
        with Terminal([*forked.CARRYOVER, *arguments], self.env, columns=300) as terminal:
            terminal.wait_for("[y/N]")
            terminal.press(answer, ENTER)
            return terminal.end()

    def start(self, *arguments: str, shell: str = "") -> subprocess.Popen[bytes]:
        command = [*forked.CARRYOVER, *arguments]
        limited = ["sh", "-c", f'{shell}; exec "$@"', "sh", *command] if shell else command
        return forked.start(limited, cwd=self.shop, env=self.env)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def session(self) -> ClaudeSession:
        return ClaudeSession(self.folder / ".claude" / "projects", self.shop)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


@pytest.fixture
def desktop(tmp_path: Path) -> Home:
    return machine(tmp_path, "desktop")


@pytest.fixture
def laptop(tmp_path: Path, desktop: Home) -> Home:
    return machine(tmp_path, "laptop")


def machine(tmp_path: Path, name: str) -> Home:
    origin = tmp_path / "origin.git"
    home = Home(tmp_path / name, name)
    home.folder.mkdir(mode=0o700)
    (home.folder / ".gitconfig").write_text("[user]\n\tname = Dev\n\temail = dev@example.invalid\n")
    if not origin.exists():
        first = tmp_path / "first"
        first.mkdir()
        (first / "cart.py").write_text("x = 1\n")
        git(first, "init", "-q")
        git(first, "add", ".")
        git(first, "commit", "-qm", "Begin")
        subprocess.run(["git", "clone", "-q", "--bare", str(first), str(origin)], check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(home.shop)], check=True)
    return home


def code_in(text: str) -> str:
    [code] = set(re.findall(r"\d{4} \d{4} \d{4} \d{4} \d{4}", text))
    return str(code)


def join(store: Path, first: Home, second: Home) -> None:
    code = code_in(second.run("sync", "init", str(store), "--name", second.name))
    shown = first.run("sync", "add-machine", code)
    offered = second.run("sync", code=5)
    assert code_in(offered) == code_in(shown)
    second.run("sync", "--yes")


def stored_bytes(folder: Path) -> Iterator[bytes]:
    names = subprocess.run(
        ["git", "cat-file", "--batch", "--batch-all-objects", "--unordered"],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    yield names.stdout
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield data
            try:
                yield zlib.decompress(data)
            except zlib.error:
                continue


def test_none_of_500_canaries_is_in_the_store_or_in_what_git_keeps_of_it(
    store: Path, desktop: Home, laptop: Home
) -> None:
    canaries = [f"canary{number:03d}{os.urandom(4).hex()}" for number in range(500)]
    session = desktop.session()
    for at in range(0, 500, 10):
        session.prompt(" ".join(canaries[at : at + 10]))
    desktop.run("sync", "init", str(store), "--name", "canarydesk")
    assert desktop.json("sync")["sent_events"] >= 50
    join(store, desktop, laptop)
    laptop.run("sync")
    desktop.run("forget", "last", "--yes")
    desktop.run("sync")
    desktop.run("sync", "compact")

    names = [b"canarydesk", b"shop", b"cart.py", b"origin.git", str(desktop.folder).encode(), b"claude", b"laptop"]
    seen = 0
    for data in (*stored_bytes(store), *stored_bytes(desktop.folder / ".carryover" / "sync" / "store")):
        seen += len(data)
        for plain in (*(canary.encode() for canary in canaries), *names):
            assert plain not in data, plain
    assert seen > 50_000


def test_on_a_terminal_each_step_is_asked_for_and_only_yes_does_it(store: Path, desktop: Home, laptop: Home) -> None:
    desktop.session().prompt("Add a discount")
    desktop.run("sync", "init", str(store), "--name", "desktop")
    code = code_in(laptop.run("sync", "init", str(store), "--name", "laptop"))

    for no in ("n", CTRL_C):
        ended, said = desktop.answer(no, "sync", "add-machine")
        assert (ended != 0, code in said) == (True, True)
    assert "waits to be added" in laptop.run("sync", code=5)
    ended, said = desktop.answer("y", "sync", "add-machine")
    store_code = code_in(said.rpartition("compare:")[2])
    assert (ended, "1 machine added" in said) == (0, True)
    assert re.search(r"^laptop|not synchronised yet", desktop.run("sync", "status"), re.MULTILINE)

    ended, said = laptop.answer("n", "sync")
    assert (ended, store_code in said, "somebody else answers" in said) == (5, True, True)
    assert laptop.answer("yes", "sync")[0] == 0

    ended, said = desktop.answer("n", "sync", "remove-machine", "laptop")
    assert (ended, "Nothing was changed" in said) == (130, True)
    assert desktop.json("sync")["problems"] == {}
    ended, said = desktop.answer("y", "sync", "remove-machine", "laptop")
    assert (ended, "can still read" in said, "no other machine now" in said) == (0, True, True)
    assert re.search(r"^laptop +.*removed", desktop.run("sync", "status"), re.MULTILINE)
    assert "has removed this machine" in laptop.run("sync")

    assert desktop.answer("", "sync", "off", "--delete")[0] == 130
    assert desktop.answer("y", "sync", "off", "--delete")[0] == 0
    assert not (desktop.folder / ".carryover" / "sync").exists()
    assert len(git(store, "for-each-ref").splitlines()) == 1
    assert "Add a discount" in desktop.run("handoff")


@pytest.mark.parametrize("how", ["the same address", "its folder", "a folder in it"])
def test_the_remote_of_a_project_is_refused(how: str, tmp_path: Path, desktop: Home) -> None:
    remote = {
        "the same address": f"file://{tmp_path / 'origin.git'}",
        "its folder": str(desktop.shop),
        "a folder in it": str(desktop.shop / "store"),
    }[how]

    said = desktop.run("sync", "init", remote, code=5)

    assert "belongs to the project" in said
    assert not (desktop.folder / ".carryover" / "sync").exists()


def test_a_repository_with_something_else_in_it_is_refused(tmp_path: Path, desktop: Home) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-qm", "Begin", "--allow-empty")

    said = desktop.run("sync", "init", str(other), code=5)

    assert "holds something else (refs/heads/main)" in said
    assert not (desktop.folder / ".carryover" / "sync").exists()


def test_without_a_store_each_action_says_what_to_do(desktop: Home) -> None:
    for action in ((), ("status",), ("add-machine",), ("remove-machine", "x"), ("compact",), ("off",)):
        assert "`carryover sync init REMOTE` sets it up" in desktop.run("sync", *action, "--yes", code=3)
    assert "needs a REMOTE" in desktop.run("sync", "init", code=2)


def test_a_store_out_of_reach_loses_nothing(store: Path, desktop: Home) -> None:
    desktop.session().prompt("Add a discount")
    desktop.run("sync", "init", str(store))
    away = store.rename(store.with_name("away.git"))

    said = desktop.run("sync", code=1)
    waits = desktop.run("sync", "status")
    away.rename(store)

    assert "The store can't be reached" in said
    assert "Nothing is lost" in waits
    assert desktop.json("sync")["sent_events"] > 0


def test_a_sync_that_is_killed_loses_and_doubles_nothing(store: Path, desktop: Home, laptop: Home) -> None:
    session = desktop.session()
    desktop.run("sync", "init", str(store))
    join(store, desktop, laptop)
    for number in range(5):
        session.prompt(f"Prompt {number} " + os.urandom(20_000).hex())
        for home in (desktop, laptop):
            process = home.start("sync")
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05 + number / 8)
            process.kill()
            process.wait()

    desktop.run("sync")
    laptop.run("sync")

    shown = json.dumps(laptop.json("show", session.session)["events"])
    assert [len(re.findall(rf"Prompt {number} ", shown)) for number in range(5)] == [1] * 5


def test_a_full_disk_is_said_and_nothing_is_lost(store: Path, desktop: Home, laptop: Home) -> None:
    session = desktop.session()
    desktop.run("sync", "init", str(store))
    join(store, desktop, laptop)
    session.prompt("Prompt on a full disk " + os.urandom(200_000).hex())
    desktop.run("handoff")

    limited = desktop.start("sync", shell="ulimit -f 100")

    assert limited.wait(60) == 1
    assert desktop.json("sync")["sent_events"] > 0
    laptop.run("sync")
    assert "on a full disk" in laptop.run("show", session.session, "--full")


def test_two_syncs_at_once_do_not_disturb_each_other(store: Path, desktop: Home, laptop: Home) -> None:
    desktop.run("sync", "init", str(store))
    join(store, desktop, laptop)
    desktop.session().prompt("From the desktop")
    laptop.session().prompt("From the laptop")

    running = [home.start("sync") for home in (desktop, laptop, desktop, laptop)]

    assert {process.wait(60) for process in running} <= {0, 1}
    for home in (desktop, laptop, desktop):
        home.run("sync")
    for home in (desktop, laptop):
        assert "2 sessions" in home.run("status")


def test_hooks_in_a_shared_folder_are_not_run(store: Path, tmp_path: Path, desktop: Home) -> None:
    trap = tmp_path / "trapped"
    for name in ("pre-receive", "update", "post-receive", "reference-transaction", "post-update"):
        hook = store / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    desktop.session().prompt("Add a discount")

    desktop.run("sync", "init", str(store))
    desktop.run("sync")

    assert not trap.exists()
    assert git(store, "for-each-ref").strip()


def test_the_daemon_synchronises_by_itself(store: Path, desktop: Home, laptop: Home) -> None:
    desktop.run("sync", "init", str(store))
    join(store, desktop, laptop)
    desktop.session().prompt("Whole cents, never floats")
    desktop.run("sync")
    (laptop.folder / ".carryover" / "config.toml").write_text('[server]\nport = 0\n[sync]\nevery = "1m"\n')
    with DaemonProcess(env=laptop.env) as daemon:
        wait_until("the first sync", lambda: any("synchronised" in line for line in daemon.log()))
        assert "cents" not in "".join(daemon.log())
        assert daemon.stop()[0] == 0

    assert laptop.run("ls", "--all")
