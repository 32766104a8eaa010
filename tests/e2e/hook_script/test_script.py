"""Claude Code's line: what a session gets, with a daemon and without, and that it never disturbs the agent."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Final

import pytest

from carryover.agents import adapters
from carryover.edits.hooks import hook_command
from carryover.publish.hook_script import SECRET_HEADER
from support.hook_script import QUIET, SECRET, HookScript, installed, payload, stand_in
from support.repository import repository
from support.socket_server import Behaviour, SocketServer, answer, close, half, hang

HANDED: Final = '# [CARRYOVER] from the daemon\n- 50 % of \\n and `$HOME`, "quoted", grüße\n\n'
EVENTS: Final = ("PreCompact", "Stop", "StopFailure", "SessionEnd", "UserPromptSubmit")


STOOD_IN: Final = '# [CARRYOVER] from the program\n- 50 % of \\n and `$HOME`, "quoted", grüße\n\n'
PRINT: Final = f"cat <<'END'\n{STOOD_IN}END"


def test_without_a_daemon_a_starting_session_gets_what_the_program_prints_byte_for_byte(
    sh: HookScript, home: Path, project: Path
) -> None:
    """And nothing else does. Of the agent's variables, which a repository may set, it gets none but PATH."""
    asked = home / "asked"
    stand_in(sh.state, f"printf '%s\\n' \"$@\" >'{asked}'\nenv >>'{asked}'\ncat >>'{asked}'\n{PRINT}")

    said = sh.said("SessionStart", payload(), project, PYTHONPATH=str(project), CARRYOVER_HOME=str(project))

    assert said == (STOOD_IN, "", 0)
    written = asked.read_bytes()
    module = "carryover.daemon.hooks.without_daemon"
    assert written.startswith(f"-P\n-m\n{module}\n{sh.state.root}\nclaude-code\nSessionStart\n".encode())
    assert written.endswith(payload().rstrip(b"\n")) and f"\nHOME={home}\n".encode() in written
    assert b"PYTHONPATH" not in written and b"CARRYOVER_HOME" not in written
    asked.unlink()
    assert {sh.said(event, payload(event=event), project) for event in EVENTS} == {QUIET}
    assert sh.said("SessionStart", b"", project) == QUIET
    assert not asked.exists()


@pytest.mark.parametrize("before", [":", ".:", "bin:"])
def test_no_program_of_the_project_is_run(sh: HookScript, home: Path, project: Path, before: str) -> None:
    """An agent's PATH may have an entry that leads into the folder that it works in."""
    stand_in(sh.state, PRINT)
    (project / "bin").mkdir()
    for name in ("env", "cat", "curl", "sleep"):
        for program in (project / name, project / "bin" / name):
            program.write_text(f"#!/bin/sh\n: >'{home}/run'\n")
            program.chmod(0o755)

    given = json.dumps(json.loads(payload()), indent=2).encode()
    said = sh.said("SessionStart", given, project, PATH=f"{before}{sh.env['PATH']}")

    assert said == (STOOD_IN, "", 0)
    assert not (home / "run").exists()


LEFT_BEHIND: Final = {
    "not there": None,
    "without rights": "",
    "failing": "printf half; exit 1",
    "killed": "printf half; kill -9 $$",
    "with nothing to say": "exit 0",
    "half installed": "exec /nowhere/python",
}


@pytest.mark.parametrize("how", LEFT_BEHIND)
def test_of_a_program_that_is_gone_or_broken_nothing_is_said(sh: HookScript, project: Path, how: str) -> None:
    steps = LEFT_BEHIND[how]
    program = stand_in(sh.state, steps or PRINT)
    if steps is None:
        program.unlink()
    elif not steps:
        program.chmod(0)

    assert sh.said("SessionStart", payload(), project) == QUIET


def test_a_program_that_takes_too_long_is_not_waited_for(sh: HookScript, project: Path) -> None:
    stand_in(sh.state, "printf half; exec sleep 60")
    alone = sh.run("SessionStart", payload(), project)
    with SocketServer(sh.state.socket, hang):
        beside = sh.run("SessionStart", payload(), project)

    for run in (alone, beside):
        assert (run.out, run.err, run.code) == QUIET
        assert 1.4 < run.seconds < 15


def test_a_session_gets_what_the_daemon_answers_byte_for_byte(sh: HookScript, project: Path) -> None:
    with SocketServer(sh.state.socket, answer(200, HANDED.encode())) as server:
        for given in (payload(), json.dumps(json.loads(payload()), indent=2).encode()):
            assert sh.said("SessionStart", given, project) == (HANDED, "", 0)

    request, indented = server.requests
    assert request.line == "POST /hook/claude-code/SessionStart HTTP/1.1"
    assert request.body == payload().rstrip(b"\n")
    assert request.headers[SECRET_HEADER.lower()] == SECRET
    assert (request.headers["host"], request.headers["content-type"]) == ("localhost", "application/json")
    assert "expect" not in request.headers
    assert json.loads(indented.body) == json.loads(payload())


def test_an_agent_that_keeps_its_end_open_is_answered(stub_here: HookScript, project: Path) -> None:
    with (
        SocketServer(stub_here.state.socket, answer(200, b"handoff")),
        stub_here.start("SessionStart", project) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(payload())
        process.stdin.flush()
        assert process.stdout.read() == b"handoff"


def test_a_daemon_that_has_nothing_to_say_is_believed(stub_here: HookScript, project: Path) -> None:
    stand_in(stub_here.state, PRINT)
    for status in (204, 302, 400, 401, 403, 404, 413, 429):
        with SocketServer(stub_here.state.socket, answer(status, b"5xx\n500")):
            assert stub_here.said("SessionStart", payload(), project) == QUIET, status


FAILING: Final[dict[str, Behaviour]] = {
    "500": answer(500, b"Traceback"),
    "503": answer(503, b"starting\n200"),
    "closing": close,
    "half and closing": half(b"# half", then_hang=False),
    "half and hanging": half(b"# half\n200", then_hang=True),
    "hanging": hang,
}


@pytest.mark.parametrize("how", FAILING)
def test_a_daemon_that_fails_is_stood_in_for_in_time_and_shows_nothing_of_it(
    stub_here: HookScript, project: Path, how: str
) -> None:
    """One that hangs is waited for, and less where nothing is injected."""
    stand_in(stub_here.state, PRINT)
    with SocketServer(stub_here.state.socket, FAILING[how]):
        started = stub_here.run("SessionStart", payload(), project)
        stopped = stub_here.run("Stop", payload(event="Stop"), project)

    assert (started.out, started.err, started.code) == (STOOD_IN, "", 0)
    assert (stopped.out, stopped.err, stopped.code) == QUIET
    assert stopped.seconds < 15 and started.seconds < 15
    if how == "hanging":
        assert started.seconds > 0.9
        assert 0.25 < stopped.seconds < started.seconds


@pytest.mark.parametrize("name", ["plain", 'it\'s  two "words" $HOME `id` \\n', "-rf *", "日本 ä"])
def test_odd_names_of_folders_make_no_difference(home: Path, shell_folder: Path, name: str) -> None:
    state = installed(home / name / ".carry over")
    project = repository(home / "work" / name)
    inside = project / name
    inside.mkdir()
    stand_in(state, PRINT)
    there = HookScript(state, home, shell_folder)

    assert there.said("SessionStart", payload(), inside) == (STOOD_IN, "", 0)
    with SocketServer(state.socket, answer(200, b"from the daemon")):
        assert there.said("SessionStart", payload(), inside) == ("from the daemon", "", 0)
        assert there.said("Stop", payload(), inside) == QUIET


def test_surroundings_that_lack_things_are_borne_in_silence(
    sh: HookScript, home: Path, project: Path, tmp_path: Path
) -> None:
    stand_in(sh.state, PRINT)
    bare = tmp_path / "few programs"
    bare.mkdir()
    (bare / "sh").symlink_to(os.path.realpath(Path(sh.env["PATH"].split(":")[0]) / "sh"))

    with SocketServer(sh.state.socket, answer(200, b"from the daemon")):
        assert sh.said("SessionStart", None, project) == QUIET
        assert sh.said("Stop", None, project) == QUIET
        (bare / "cat").symlink_to(str(shutil.which("cat")))
        assert sh.said("SessionStart", payload(), project, PATH=str(bare)) == QUIET
        assert sh.said("Stop", payload(), project, PATH=str(bare)) == QUIET
        del sh.env["HOME"]
        assert sh.said("SessionStart", payload(), project) == ("from the daemon", "", 0)
    assert sh.said("SessionStart", payload(), project) == (STOOD_IN, "", 0)


def test_settings_of_the_users_own_do_not_reach_curl(stub_here: HookScript, home: Path, project: Path) -> None:
    (home / ".curlrc").write_text("verbose\ninclude\nheader = X-Theirs: 1\nproxy = http://127.0.0.1:1\n")
    proxies = dict.fromkeys(("http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    with SocketServer(stub_here.state.socket, answer(200, HANDED.encode())) as server:
        assert stub_here.said("SessionStart", payload(), project, CURL_HOME=str(home), **proxies) == (HANDED, "", 0)

    assert "x-theirs" not in server.requests[0].headers


def test_a_folder_that_is_read_only_or_gone_is_borne(sh: HookScript, home: Path, project: Path) -> None:
    stand_in(sh.state, PRINT)
    project.chmod(0o500)
    assert sh.said("SessionStart", payload(), project) == (STOOD_IN, "", 0)
    project.chmod(0o700)

    gone = home / "work" / "gone"
    gone.mkdir()
    gone_meanwhile = ["/bin/sh", "-c", f"rmdir '{gone}'; {sh.line('SessionStart')}"]
    done = subprocess.run(gone_meanwhile, input=payload(), cwd=gone, env=sh.env, capture_output=True, timeout=30)
    assert (done.stdout.decode(), done.stderr, done.returncode) == (STOOD_IN, b"", 0)


@pytest.mark.parametrize("lost", ["daemon.sock", "hook.secret", "hook.curl", "hook.sh", "."])
def test_whatever_of_the_state_folder_is_gone_nothing_is_said_of_it(sh: HookScript, project: Path, lost: str) -> None:
    stand_in(sh.state, PRINT)
    path = sh.state.root / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    script_left = lost not in ("hook.sh", ".")

    assert sh.said("SessionStart", payload(), project) == ((STOOD_IN, "", 0) if script_left else QUIET)
    assert sh.said("Stop", payload(event="Stop"), project) == QUIET


def test_a_fifo_in_the_state_folder_keeps_no_agent_waiting(sh: HookScript, project: Path) -> None:
    stand_in(sh.state, PRINT)
    for odd in ("daemon.sock", "hook.secret", "hook.curl"):
        (sh.state.root / odd).unlink(missing_ok=True)
        os.mkfifo(sh.state.root / odd)

        assert sh.said("SessionStart", payload(), project) == (STOOD_IN, "", 0), odd


def test_other_users_see_neither_the_secret_nor_the_payload_in_the_list_of_processes(
    stub_here: HookScript, project: Path
) -> None:
    seen: list[bytes] = []

    def look(connection: socket.socket, stop: threading.Event) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            for file in ("cmdline", "environ"):
                try:
                    seen.append((process / file).read_bytes())
                except OSError:
                    continue
        answer(204)(connection, stop)

    with SocketServer(stub_here.state.socket, look):
        for event in ("SessionStart", "Stop"):
            stub_here.run(event, payload(event=event, last_assistant_message="only 0f this payload"), project)

    assert any(b"hook.curl" in text for text in seen)
    assert not any(SECRET.encode() in text or b"only 0f this payload" in text for text in seen)
    assert SECRET not in stub_here.line("SessionStart")


def test_the_guide_names_every_event_and_shows_the_line() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide.md").read_text(encoding="utf-8")
    chapter = guide.partition("\n## Hooks\n")[2].partition("\n## ")[0]
    [settings] = re.findall(r"```json\n(.*?)```", chapter, re.DOTALL)
    [(event, [entry])] = json.loads(settings)["hooks"].items()
    named = set(re.findall(r"\w+", chapter))

    for agent in adapters().values():
        assert {name for known in agent.spec.hooks.sets for name in known.events} <= named
    command = hook_command(Path("/state"), "codex", event).replace("/state", "~/.carryover")
    assert [hook["command"] for hook in entry["hooks"]] == [command]
