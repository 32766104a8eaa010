"""The jobs that shell commands leave running, and those that end them."""

from __future__ import annotations

import pytest

from carryover.records.shell_jobs import ends_job, job_left, reports_end
from support.costs import costing_little

SERVE = "python -m http.server"


@pytest.mark.parametrize(
    ("command", "job"),
    [
        ("npm start &", ("npm start", "npm start")),
        ("npm start > logs/web.log 2>&1 &", ("web.log", "npm start")),
        ("npm start > /dev/null &", ("npm start", "npm start")),
        ("npm start 2>&1&", ("npm start", "npm start")),
        ("npm start 2>&1 && date", None),
        ("npm start >& web.log", None),
        ("tmux new -d -s web 'npm start'", ("web", "tmux new -d -s web npm start")),
        ("tmux send-keys -t web 'npm start' Enter", ("web", "tmux send-keys -t web npm start Enter")),
        ("tmux send-keys -t web Enter && sleep 1", None),
        ("tmux send-keys C-m", None),
        ("tmux send-keys -t 'my web' Enter", None),
        ("tmux send-keys -t 'my web' 'npm start' Enter", ("my web", "tmux send-keys -t my web npm start Enter")),
        ("screen -dm npm start", ("screen -dm npm start", "screen -dm npm start")),
        ("npm start & sleep 2; curl localhost", ("npm start", "npm start")),
        ("(cd shop && npm start > web.log 2>&1 &); curl localhost", ("web.log", "npm start")),
        ("(npm start &)", ("npm start", "npm start")),
        ("npm start & sleep 2; kill %1", None),
        ("tmux new -d -s web 'npm start'; tmux kill-session -t web", None),
        ("tmux new -s web", None),
        ("try { & $msbuild shop.sln } catch { exit 1 }", None),
        ("$out = & msbuild shop.sln", None),
        ("$out=& msbuild shop.sln", None),
        ("npm start", None),
    ],
)
def test_a_job_is_left_running_unless_the_same_command_ends_it(command: str, job: tuple[str, str] | None) -> None:
    assert job_left(command) == job


@pytest.mark.parametrize(
    ("command", "is_end"),
    [
        ("pkill -f http.server", True),
        ("sudo killall python", True),
        ("kill 4711", True),
        ("pkill", True),
        ("ls", False),
    ],
)
def test_a_command_ends_a_job_by_its_words(command: str, is_end: bool) -> None:
    assert ends_job(command) == is_end


@pytest.mark.parametrize(
    ("output", "is_over"),
    [
        (f"[1]+  Done                    {SERVE}", True),
        (f"[1]  + exit 1     {SERVE}", True),
        (f"[1]+  Fertig                  {SERVE}", True),
        (f"[1]+  Running                 {SERVE} &", False),
        (f"[1]+  Läuft                   {SERVE} &", False),
        ("[1]+  Done                    npm start", False),
        (SERVE, False),
    ],
)
def test_a_shell_reports_the_end_of_a_job_in_any_language(output: str, is_over: bool) -> None:
    assert reports_end(f"$ ls\n{output}\ncart.py", SERVE) == is_over


@pytest.mark.parametrize("log", ["." * 20_000, "./" * 10_000, "~a" * 10_000])
def test_a_log_with_a_name_without_an_end_costs_no_time(log: str) -> None:
    with costing_little():
        assert job_left(f"npm start & echo > {log}$") == ("npm start", "npm start")


def test_many_jobs_of_one_command_cost_no_time() -> None:
    with costing_little():
        assert job_left("a&" * 10_000) == ("a", "a")


def test_blanks_behind_what_seems_a_job_that_ended_cost_no_time() -> None:
    words = "  ".join("abcdefghijklm")
    with costing_little():
        assert not reports_end(f"[1]+  {words}{' ' * 5_600}x &", SERVE)
