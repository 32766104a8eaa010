"""The hook_script where things are odd, missing or hostile: it never disturbs the agent, and gives nothing away."""

from __future__ import annotations

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
from support.hook_script import QUIET, SECRET, HookScript, installed, keep, payload
from support.repository import repository
from support.socket_server import SocketServer, answer

HANDED: Final = '# [CARRYOVER] from the daemon\n- 50 % of \\n and `$HOME`, "quoted", grüße\n\n'
ODD_NAMES: Final = ("plain", 'it\'s  two "words" $HOME `id` \\n', "-rf *", "日本 ä")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_folders_make_no_difference(home: Path, shell_folder: Path, name: str) -> None:
    state = installed(home / name / ".carry over")
    project = repository(home / "work" / name)
    inside = project / name
    inside.mkdir()
    texts = keep(state, project, "Add a discount")
    there = HookScript(state, home, shell_folder)

    assert there.said("SessionStart", payload(), inside) == (texts["startup"], "", 0)
    with SocketServer(state.socket, answer(200, b"from the daemon")):
        assert there.said("SessionStart", payload(), inside) == ("from the daemon", "", 0)
        assert there.said("Stop", payload(), inside) == QUIET


def test_surroundings_that_lack_things_are_borne_in_silence(
    sh: HookScript, home: Path, project: Path, tmp_path: Path
) -> None:
    texts = keep(sh.state, project, "Add a discount")
    bare = tmp_path / "few programs"
    bare.mkdir()
    (bare / "sh").symlink_to(os.path.realpath(Path(sh.env["PATH"].split(":")[0]) / "sh"))
    stored = (texts["startup"], "", 0)

    with SocketServer(sh.state.socket, answer(200, b"from the daemon")):
        assert sh.said("SessionStart", None, project) == QUIET
        assert sh.said("Stop", None, project) == QUIET
        (bare / "cat").symlink_to(str(shutil.which("cat")))
        assert sh.said("SessionStart", payload(), project, PATH=str(bare)) == stored
        assert sh.said("Stop", payload(), project, PATH=str(bare)) == QUIET
        del sh.env["HOME"]
        assert sh.said("SessionStart", payload(), project) == ("from the daemon", "", 0)
    assert sh.said("SessionStart", payload(), project) == stored


def test_settings_of_the_users_own_do_not_reach_curl(stub_here: HookScript, home: Path, project: Path) -> None:
    (home / ".curlrc").write_text("verbose\ninclude\nheader = X-Theirs: 1\nproxy = http://127.0.0.1:1\n")
    proxies = dict.fromkeys(("http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    with SocketServer(stub_here.state.socket, answer(200, HANDED.encode())) as server:
        assert stub_here.said("SessionStart", payload(), project, CURL_HOME=str(home), **proxies) == (HANDED, "", 0)

    assert "x-theirs" not in server.requests[0].headers


def test_a_folder_that_is_read_only_or_gone_is_borne(sh: HookScript, home: Path, project: Path) -> None:
    texts = keep(sh.state, project, "Add a discount")
    project.chmod(0o500)
    assert sh.said("SessionStart", payload(), project) == (texts["startup"], "", 0)
    project.chmod(0o700)

    gone = home / "work" / "gone"
    keep(sh.state, gone, "a lost task")
    gone.mkdir()
    gone_meanwhile = ["/bin/sh", "-c", f"rmdir '{gone}'; {sh.line('SessionStart')}"]
    done = subprocess.run(gone_meanwhile, input=payload(), cwd=gone, env=sh.env, capture_output=True, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)


@pytest.mark.parametrize("lost", ["daemon.sock", "hook.secret", "hook.curl", "hook.sh", "."])
def test_whatever_of_the_state_folder_is_gone_nothing_is_said_of_it(sh: HookScript, project: Path, lost: str) -> None:
    texts = keep(sh.state, project, "Add a discount")
    path = sh.state.root / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    script_left = lost not in ("hook.sh", ".")

    assert sh.said("SessionStart", payload(), project) == ((texts["startup"], "", 0) if script_left else QUIET)
    assert sh.said("Stop", payload(event="Stop"), project) == QUIET


@pytest.mark.parametrize("odd", ["daemon.sock", "hook.secret", "hook.curl"])
def test_a_fifo_in_the_state_folder_keeps_no_agent_waiting(sh: HookScript, project: Path, odd: str) -> None:
    texts = keep(sh.state, project, "Add a discount")
    (sh.state.root / odd).unlink(missing_ok=True)
    os.mkfifo(sh.state.root / odd)

    assert sh.said("SessionStart", payload(), project) == (texts["startup"], "", 0)


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
