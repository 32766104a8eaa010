"""The kit on a made-up repository with a scripted agent, which does right only if it is told what the session knew."""

import hashlib
import os
import select
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from carryover.distill.quotes import estimated_tokens
from quality.arms import tail
from quality.fetch import Origin
from quality.happened import Happening
from quality.manifest import Session
from quality.manifest import read as read_sessions
from quality.successor import scripted
from quality.successor.__main__ import measure
from quality.successor.environment import environment
from quality.successor.kit import Kit, play, prepared, proof
from quality.successor.prompts import ARMS
from quality.successor.results import Result, keep, kept, report
from quality.successor.tasks import Task, TaskError, is_inside, read
from support.bounded_run import run
from support.claude_session import ClaudeSession, commit
from support.repository import git

pytestmark = pytest.mark.night

PYTHON = shlex.quote(sys.executable)
CENTS = """case "$PROMPT" in *"whole cents"*) echo 'UNIT = "cent"' > cart.py;; esac"""
LOOK = "git rev-list --all --count > ../commits; find . -path ./.git -prune -o -print > ../files; env > ../env"


def agent(command: str) -> str:
    return f"{PYTHON} -E -S {shlex.quote(scripted.__file__)} {shlex.quote(command)}"


def session_in(work: Path) -> Session:
    """A session that was cut after the user had decided the unit, and committed below logs/."""
    recorded = ClaudeSession(work / "logs", Path("/home/dev/shop"))
    recorded.prompt("Prices in this shop are whole cents, never floats. Read the cart.")
    recorded.answer("The cart has no unit yet. Shall I write it into cart.py?")
    recorded.prompt("yes, write the unit into cart.py")
    recorded.answer("I wrote it.")
    content = recorded.path.read_bytes()
    facts = {"licence": "MIT", "agent": "claude-code", "version": "2.1.328", "language": "en", "prompts": 2}
    path = str(recorded.path.relative_to(work))
    digest = hashlib.sha256(content).hexdigest()
    return Session("someone/shop", "", path, "session.jsonl", digest, len(content), **facts)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kit, Task]:
    top = tmp_path_factory.mktemp("successor")
    work = top / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    session = session_in(work)
    now = ClaudeSession(work, work).now
    (work / "cart.py").write_text("")
    (work / ".codex").mkdir()
    (work / ".codex" / "auth.json").write_text("{}")
    commit(work, "before", at=now)
    before = git(work, "rev-parse", "HEAD").strip()
    (work / "cart.py").write_text('UNIT = "cent"\n')
    (work / "test_cart.py").write_text('from cart import UNIT\nassert UNIT == "cent"\n')
    commit(work, "after", at=now)
    after = git(work, "rev-parse", "HEAD").strip()
    (top / "mirrors").mkdir()
    (top / "mirrors" / "someone+shop").symlink_to(work / ".git")
    passes = '<testsuite><testcase classname="cart" name="unit"/></testsuite>'
    task = Task(
        name="shop",
        session=replace(session, commit=before),
        before=before,
        after=after,
        until=3,
        asked=(),
        request="",
        hidden=("test_cart.py",),
        without=("logs/*",),
        needs=(),
        install="",
        run=f"{PYTHON} -S test_cart.py && echo '{passes}' > {{report}}",
        wanted=("cart::unit",),
        weak="",
    )
    return Kit(top / "kit", top / "sessions", Origin(mirrors=top / "mirrors"), (), (), "1"), task


@pytest.fixture(scope="module")
def measured(made_up: tuple[Kit, Task]) -> Iterator[tuple[Kit, dict[str, Result]]]:
    kit, task = made_up
    assert measure(kit, [task], ARMS, agent(f"{LOOK}; {CENTS}"), runs=1, minutes=1) == 0
    yield kit, {result.arm: result for result in kept(kit.folder / "results.jsonl")}


def test_a_task_is_done_if_what_was_handed_over_says_how(measured: tuple[Kit, dict[str, Result]]) -> None:
    results = measured[1]
    assert {arm: result.passed for arm, result in results.items()} == {**dict.fromkeys(ARMS, 1), "nothing": 0}
    assert all(result.counts for result in results.values())


def test_calls_and_tokens_are_those_that_the_agents_transcript_has(measured: tuple[Kit, dict[str, Result]]) -> None:
    kit, results = measured
    for arm, result in results.items():
        prompt = (kit.folder / "runs" / "shop" / f"{arm}-1" / "prompt.txt").read_text()
        assert (result.calls, result.tokens) == (1, len(prompt) // 4 + 1)


def test_the_agent_finds_one_commit_and_neither_transcripts_nor_tests(
    measured: tuple[Kit, dict[str, Result]], made_up: tuple[Kit, Task]
) -> None:
    folder = measured[0].folder / "runs" / "shop" / "handoff-1"
    assert (folder / "commits").read_text() == "1\n"
    assert (folder / "files").read_text().split() == [".", "./cart.py"]
    asked = ["git", "cat-file", "-e", made_up[1].after]
    assert subprocess.run(asked, cwd=folder / "project", capture_output=True).returncode != 0


def test_a_measure_that_was_ended_plays_only_what_is_missing(
    measured: tuple[Kit, dict[str, Result]], made_up: tuple[Kit, Task], tmp_path: Path
) -> None:
    kit, results = measured
    file = tmp_path / "results.jsonl"
    for result in results.values():
        keep(file, result)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert [result.arm for result in kept(file)] == list(ARMS[:-1])
    keep(file, results[ARMS[-1]])
    assert kept(file) == list(results.values())

    before = (kit.folder / "results.jsonl").read_bytes()
    measure(kit, [made_up[1]], ARMS, next(iter(results.values())).agent, runs=1, minutes=1)
    assert (kit.folder / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "arrived"), [(f"head -c 9 | {agent('true')}", False), ("cat > /dev/null", None)], ids=["cut", "unseen"]
)
def test_a_run_whose_text_is_not_known_to_have_arrived_is_no_result(
    made_up: tuple[Kit, Task], command: str, arrived: bool | None
) -> None:
    kit, task = made_up
    result = play(kit, prepared(kit, task), "tail", 2, command, 1)
    assert (result.arrived, result.counts) == (arrived, False)
    printed = report([result], ARMS)
    assert "0 of 1" in printed
    assert "no result" in printed


def test_a_run_that_names_the_repository_is_said_to_have_perhaps_looked_the_answer_up(
    made_up: tuple[Kit, Task],
) -> None:
    kit, task = made_up
    looked = "echo https://example.com/Someone/Shop/commits"
    result = play(kit, prepared(kit, task), "nothing", 3, agent(looked), 1)
    assert result.looked_up == 1
    assert "may have looked the answer up: 1" in report([result], ARMS)


def test_without_mirrors_a_task_comes_from_the_address_of_its_repository(
    made_up: tuple[Kit, Task], tmp_path: Path
) -> None:
    kit, task = made_up
    bare = tmp_path / "public" / "someone" / "shop"
    bare.parent.mkdir(parents=True)
    bare.symlink_to(kit.folder.parent / "work" / ".git")
    for name in ("allowFilter", "allowAnySHA1InWant"):
        git(bare.resolve().parent, "config", f"uploadpack.{name}", "true")
    public = replace(
        kit, folder=tmp_path / "kit", sessions=tmp_path / "sessions", origin=Origin(base=f"file://{tmp_path}/public")
    )
    assert proof(public, prepared(public, task)) == (frozenset(), frozenset(task.wanted))


def test_the_report_compares_arms_on_the_tasks_that_all_have_a_result_of(
    measured: tuple[Kit, dict[str, Result]],
) -> None:
    nothing, handoff = measured[1]["nothing"], measured[1]["handoff"]
    other = msgspec.structs.replace(nothing, task="other", passed=1)
    printed = report([nothing, handoff, other], ["nothing", "handoff"])
    assert "on the 1 of 2 tasks that each arm has a result of" in printed
    assert "handoff: more than nothing on 1 of 1 tasks, fewer on 0" in printed
    both = report([nothing, other], ["nothing"])
    assert "50% (0%–100%)" in both


def test_the_tests_of_a_task_fail_before_and_pass_as_it_was_really_done(made_up: tuple[Kit, Task]) -> None:
    kit, task = made_up
    assert proof(kit, prepared(kit, task)) == (frozenset(), frozenset(task.wanted))


def test_a_tail_that_ends_where_an_entry_begins_takes_nothing_of_the_one_before() -> None:
    past = [Happening(1, "answer", "much " * 900), Happening(2, "prompt", "go on")]
    assert tail(past, estimated_tokens("User: go on") + 1) == "User: go on"


def test_a_command_gets_only_the_variables_that_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "1")
    monkeypatch.setenv("OTHER_KEY", "2")
    named = environment(tmp_path / "home", ["SOME_KEY"])
    assert set(named) == {"PATH", "HOME", "TMPDIR", "LANG", "TERM", "CI", "SOME_KEY"}
    assert named["HOME"] == str(tmp_path / "home")


def test_what_runs_over_its_time_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    ran = run("sleep 600 & echo $!; wait", tmp_path, environment(tmp_path, []), tmp_path / "log", 0.05)
    assert ran.status is None
    child = int((tmp_path / "log").read_text())
    with suppress(ProcessLookupError):  # it is gone
        handle = os.pidfd_open(child)
        ended, _, _ = select.select([handle], [], [], 60)
        os.close(handle)
        assert ended


def test_the_tasks_name_sessions_of_the_manifest_and_tests_that_judge_them() -> None:
    tasks = read({session.sha256: session for session in read_sessions()})
    assert len(tasks) >= 10
    assert len({task.repository for task in tasks}) == len(tasks)
    assert sum(len(task.wanted) for task in tasks) > 100


def test_a_task_that_could_lead_out_of_its_tree_is_refused(made_up: tuple[Kit, Task], tmp_path: Path) -> None:
    task = made_up[1]
    file = tmp_path / "tasks.toml"
    lines = [
        f'before = "{task.before}"',
        f'after = "{task.after}"',
        "until = 1",
        'run = "x {report}"',
        'wanted = ["a"]',
    ]
    file.write_text("\n".join(["[shop]", 'session = "s"', *lines, 'hidden = ["../test.py"]']))
    with pytest.raises(TaskError, match="hidden"):
        read({"s": task.session}, file)
    assert not is_inside("/etc/passwd")
    assert not is_inside("a/.git/hooks/x")
