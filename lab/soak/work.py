"""A day at one machine: agents that write, hooks, look-ups, git, commands and the page, each at a realistic pace."""

import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from chaos.load import chaos_tools
from chaos.pair import AS_SOMEONE
from chaos.world import Broken, World
from soak.figures import Timings
from support.claude_session import ClaudeSession
from support.daemon_process import handoff_of
from support.hook_client import HookClient, PageClient
from support.mcp_client import McpClient

TURN_S: Final = 6.0
"""Seconds between two turns on one machine, in the mean: several agents at work."""
HOOK_S: Final = 3.0
LINE_S: Final = 10.0
LOOK_S: Final = 20.0
PAGE_S: Final = 5.0
LATE_S: Final = 15.0
POLL_S: Final = 0.01
LINES_IN_A_SESSION: Final = 20
PAGE: Final = ("me", "projects", "sessions", "search?q=change")
COMMANDS: Final = (("status", "--json"), ("handoff",), ("sessions", "--json"), ("search", "change"), ("log",))


class Workday:
    """Works at `machine` in threads from `begin` to `end`. `failed`: what must not have happened."""

    def __init__(self, machine: World) -> None:
        self.machine = machine
        self.failed: list[Exception] = []
        self._timings = Timings()
        self._over = threading.Event()
        self._session: ClaudeSession | None = None
        self._lines = 0
        self._page: PageClient | None = None
        paces: dict[Callable[[], None], float] = {
            self._turn: TURN_S,
            self._start_session: HOOK_S,
            self._follow_line: LINE_S,
            self._look_around: LOOK_S,
            self._show_page: PAGE_S,
        }
        self._threads = [threading.Thread(target=self._repeat, args=each, daemon=True) for each in paces.items()]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def take_timings(self) -> Timings:
        taken, self._timings = self._timings, Timings()
        return taken

    def _repeat(self, work: Callable[[], None], mean_s: float) -> None:
        try:
            while not self._over.wait(self.machine.chance.expovariate(1 / mean_s)):
                work()
        except Exception as error:
            self.failed.append(error)

    def _turn(self) -> None:
        self.machine.load.play(1)

    def _start_session(self) -> None:
        """The hook of an agent's new session, timed as the daemon answers it."""
        chance = self.machine.chance
        tool, starts = chance.choice([(tool, tool.starts) for tool in chaos_tools() if tool.starts is not None])
        with self.machine.load.at_home():
            call = starts(self.machine.home, chance.choice(self.machine.load.projects), None)
        began = time.monotonic()
        answer = HookClient(self.machine.state.socket).call(call.event, call.payload, agent=tool.agent)
        self._timings.hooks.append(time.monotonic() - began)
        if answer.status not in (200, 204, 503):
            raise Broken(f"a hook was answered with {answer.status}")

    def _follow_line(self) -> None:
        """Appends a prompt to a transcript, and waits until the project's handoff has it."""
        if self._session is None or self._lines % LINES_IN_A_SESSION == 0:
            project = self.machine.chance.choice(self.machine.load.projects)
            self._session = ClaudeSession(self.machine.home / ".claude" / "projects", project)
        self._lines += 1
        session, text = self._session, f"Look at line {self._lines} of {self.machine.name} next"
        session.now = datetime.now(UTC)
        began = time.monotonic()
        session.prompt(text)
        while text not in handoff_of(session.cwd):
            if time.monotonic() - began > LATE_S:
                self._timings.missed += 1
                return
            time.sleep(POLL_S)
        self._timings.lines.append(time.monotonic() - began)
        session.answer(f"Line {self._lines} is fine.")

    def _look_around(self) -> None:
        project = self.machine.chance.choice(self.machine.load.projects)
        self.machine.chance.choice((self._ask_mcp, self._commit, self._run_command))(project)

    def _ask_mcp(self, project: Path) -> None:
        with self.machine.load.at_home():
            client = McpClient(project)
        with client:
            client.call("recall", query="change")

    def _commit(self, project: Path) -> None:
        message = f"Step {self._lines}"
        command = ["git", *AS_SOMEONE, "commit", "-q", "--allow-empty", "-m", message]
        subprocess.run(command, cwd=project, env=self.machine.env(), check=True)

    def _run_command(self, project: Path) -> None:
        self.machine.run(*self.machine.chance.choice(COMMANDS), cwd=project)

    def _show_page(self) -> None:
        if self._page is None:
            answer = self.machine.daemon.ask("POST", "/page")
            assert answer is not None
            self._page = PageClient(self.machine.daemon.port, answer["host"])
            self._page.open(answer["key"])
        for target in PAGE:
            self._page.data(target)
