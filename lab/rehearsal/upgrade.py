"""A user with the release before this one: they record, upgrade, go back, and upgrade again. Nothing may be lost."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chaos.load import Load
from rehearsal.installs import stated_version
from rehearsal.recorded import Recorded, ledger_of, lost, lost_content, recorded
from rehearsal.registries import NAME
from rehearsal.stage import Failed, User
from support.daemon_process import DaemonProcess
from support.repository import repository

TURNS: Final = 80
_BACK: Final = re.compile(r"move it away and rename (\S+) to \S*?([^\s/]+);")


class Household:
    """The user, their agents' sessions, and what was recorded of them at each stage."""

    def __init__(self, user: User, seed: int) -> None:
        self.user = user
        self._load = Load(user.home, [], random.Random(seed))
        self._first: Recorded | None = None
        self._newest: Recorded | None = None

    def begin(self, version: str) -> list[str]:
        """Installs the release before, sets it up, and records sessions of every agent."""
        self.user.run("uv", "tool", "install", "--quiet", NAME)
        said = [_version(self.user, version)]
        self._load.projects += [repository(self.user.home / "work" / name) for name in ("shop", "blog")]
        self._play()
        self.user.run("carryover", "install", "--yes", "--no-service")
        config = self.user.home / ".carryover/config.toml"
        config.write_text(f"{config.read_text('utf-8')}\n[server]\nport = 0\n", "utf-8")
        with self._daemon() as daemon:
            daemon.settle()
            self._play()
            daemon.settle()
            self._first = recorded(self.user)
        if not self._first.events:
            raise Failed("nothing was recorded, so nothing can be compared")
        return [*said, f"recorded: {self._first}; {len(self._load.turns)} turns of {self._agents()} agents"]

    def upgrade(self, version: str) -> list[str]:
        """Upgrades under a running daemon as `carryover doctor` says, and compares; then work goes on."""
        assert self._first is not None, "nothing was recorded before"
        with self._daemon() as daemon:
            said = [self._upgrade_by_its_own_word()]
            if daemon.health()["pid"] != daemon.pid:
                raise Failed("the daemon that ran did not go on while its files were replaced")
        said.append(_version(self.user, version))
        self.user.run("carryover", "refresh", "--yes", "--no-service")
        with self._daemon() as daemon:
            daemon.settle()
            said.append(self._findings())
            at_once = recorded(self.user)
            self._play()
            daemon.settle()
            self._newest = recorded(self.user)
        _must_hold(lost(self._first, at_once), "after the upgrade")
        kept = f"all {len(self._first.events)} events of before are there"
        return [*said, f"after it: {at_once}", kept, f"work went on: {self._newest}"]

    def back(self, version: str, newer: str) -> list[str]:
        """Installs the release before again. Where it refuses the ledger, does what it says, and upgrades again."""
        assert self._first is not None and self._newest is not None, "nothing was upgraded before"
        self.user.run("uv", "tool", "install", "--quiet", f"{NAME}=={version}")
        said = [_version(self.user, version)]
        if self._newest.ledger != self._first.ledger:
            said += self._put_the_copy_back()
        with self._daemon() as daemon:
            daemon.settle()
            returned = recorded(self.user)
        _must_hold(lost_content(self._first, returned), "after going back")
        said += [f"gone back: {returned}", f"nothing of the {len(self._first.events)} events of before is lost"]
        # `uv tool upgrade` would stay with the version that was asked for.
        self.user.run("uv", "tool", "install", "--quiet", f"{NAME}=={newer}")
        said += [self._not_taken_back(returned), _version(self.user, newer)]
        with self._daemon() as daemon:
            daemon.settle()
            again = recorded(self.user)
        _must_hold(lost_content(self._newest, again), "after the second upgrade")
        return [*said, f"upgraded again: {again}; nothing of its {len(self._newest.events)} events is lost"]

    def _play(self) -> None:
        with self._load.resting():  # agents whose hooks alone say what happened are left out
            self._load.play(TURNS)

    def _agents(self) -> int:
        return len({turn.tool for turn in self._load.turns})

    @contextmanager
    def _daemon(self) -> Iterator[DaemonProcess]:
        command = (str(self.user.home / ".local/bin/carryoverd"),)
        with DaemonProcess(command, env=self.user.env) as daemon:
            daemon.wait_until_caught_up()
            yield daemon
            code, _ = daemon.stop()
            if code:
                raise Failed(f"the daemon ended with exit code {code}\n{daemon.last_words()}")

    def _upgrade_by_its_own_word(self) -> str:
        _, said = self.user.tries("carryover", "doctor")
        found = re.search(r"^To upgrade: ([^;]+);", said, re.MULTILINE)
        if found is None:
            raise Failed(f"`carryover doctor` does not say how to upgrade:\n{said}")
        self.user.run(*found[1].split())
        return f"`carryover doctor` says: {found[0]} and that works"

    def _findings(self) -> str:
        _, said = self.user.tries("carryover", "doctor", "--json")
        wrong = [each["what"] for each in json.loads(said)["findings"] if each["level"] == "wrong"]
        if wrong:
            raise Failed(f"after `carryover refresh --yes`, `carryover doctor` finds: {'; '.join(wrong)}")
        return "after `carryover refresh --yes`, `carryover doctor` finds nothing wrong"

    def _put_the_copy_back(self) -> list[str]:
        ledger = ledger_of(self.user)
        before = _content(ledger)
        code, words = self.user.tries("carryoverd", "--once")
        shown = [f"`carryoverd` of before, exit code {code}: {words}"]
        for command in ("status", "sessions"):
            its_code, its_words = self.user.tries("carryover", command)
            shown.append(f"`carryover {command}` of before, exit code {its_code}: {its_words.splitlines()[0]}")
        if not code or _content(ledger) != before:
            raise Failed("\n".join(("the older version did not leave the newer ledger alone", *shown)))
        advice = _BACK.search(words)
        if advice is None:
            raise Failed("\n".join(("the older version does not say how to go back", *shown)))
        away = self.user.home / "newer-ledger"
        away.mkdir()
        for part in ledger.parent.glob(f"{ledger.name}*"):
            part.rename(away / part.name)
        (ledger.parent / advice[1]).rename(ledger.parent / advice[2])
        return [*shown, f"done as it says: {advice[1]} is {advice[2]} again"]

    def _not_taken_back(self, returned: Recorded) -> str:
        assert self._newest is not None
        missing = self._newest.events - returned.events
        agents = ", ".join(sorted({agent for agent, *_ in missing}))
        return f"of the newer version's events it does not have {len(missing)}" + (f" ({agents})" if agents else "")


def _must_hold(differences: list[str], when: str) -> None:
    if differences:
        raise Failed("\n".join((f"{when}:", *differences)))


def _version(user: User, version: str) -> str:
    return stated_version(user, "uv tool", version)


def _content(ledger: Path) -> list[str]:
    parts = sorted(ledger.parent.glob(f"{ledger.name}*"))
    return [f"{part.name} {hashlib.sha256(part.read_bytes()).hexdigest()}" for part in parts if part.stat().st_size]
