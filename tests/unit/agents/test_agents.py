"""An agent is added by its folder alone: a fictional one, put on the path, is found, read, installed, and judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carryover.agents import adapters, agent_id_of, agent_ids, agent_names, places, specs, startable_agents
from carryover.config import ProjectSettings
from carryover.daemon.hooks.without_daemon import answer_hook
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from carryover.probe.checkout import Checkout
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths
from carryover.publish.pointers import NEW_FILE, hidden_files
from carryover.publish.project_files import place
from carryover.publish.shared_pointers import place_shared_pointers
from support.agent_here import only_this_path
from support.agents_elsewhere import also_agents_in
from support.passes import begun
from support.repository import repository
from support.tools import versioned

ELSEWHERE = Path(__file__).with_name("elsewhere")
BLOCK = NEW_FILE.decode()
COVERED = {place.module for place in places()}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scribe(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Scribe 1.4 is on this machine and its folder among the agents'; the folder where it keeps what is its own."""
    only_this_path(home, monkeypatch)
    versioned(home / "bin/scribe", "scribe 1.4")
    (home / ".scribe").mkdir()
    with also_agents_in(ELSEWHERE):
        yield home / ".scribe"


@pytest.fixture
def shop(scribe: Path, home: Path) -> Path:
    """A repository that Scribe has worked in until its limit was reached."""
    project = home / "shop"
    repository(project)
    now_ms = int(time.time() * 1000)
    talk = (
        {"id": "1", "at": now_ms - 3_000, "in": str(project), "you": "Add a discount to the cart"},
        {"id": "2", "at": now_ms - 2_000, "it": "The discount works. Next I will wire it into checkout."},
        {"id": "3", "at": now_ms - 1_000, "limit": "You are out of ink, it resets at 3pm"},
    )
    (scribe / "talks").mkdir()
    (scribe / "talks/t1.talk").write_text("".join(json.dumps(line) + "\n" for line in talk))
    return project


def test_it_is_found_by_its_folder_and_forgotten_with_it() -> None:
    with also_agents_in(ELSEWHERE):
        assert "scribe-cli" in adapters()
        assert set(agent_ids()) == {spec.id for spec in specs()} >= {"scribe-cli"}
        assert agent_names()["scribe-cli"] == "Scribe"
        named = [agent_id_of(name) for name in ("Scribe", "scribe-cli", "scribble")]
        assert named == ["scribe-cli", "scribe-cli", None]

    assert "scribe-cli" not in {*adapters(), *agent_ids(), *agent_names()}
    assert agent_id_of("scribe") is None


def test_its_transcripts_become_a_handoff_that_names_it(shop: Path, run: Run) -> None:
    code, out, err = run("handoff", str(shop))

    assert (code, err) == (0, "")
    assert "Scribe" in out.splitlines()[0]
    assert ": Add a discount to the cart" in out
    assert "Scribe reached its usage limit" in out


def test_a_transcript_of_its_is_recognised_by_its_content(shop: Path, scribe: Path, run: Run) -> None:
    code, out, _ = run("handoff", "--transcript", str(scribe / "talks/t1.talk"))

    assert (code, "Add a discount to the cart" in out) == (0, True)


def test_its_hooks_are_installed_in_its_own_form_and_taken_out_again(scribe: Path, run: Run) -> None:
    settings = scribe / "settings.json"
    settings.write_text('{"ink": "blue"}\n')

    code, out, err = run("install", "--agents", "scribe-cli", "--no-service")

    assert (code, err) == (0, "")
    assert "✓ Scribe CLI 1.4 detected\n  config: ~/.scribe/settings.json\n  hooks written: Awake, Rest\n" in out
    assert "  Scribe reads new hooks aloud first: nod to each.\n" in out
    hooks = json.loads(settings.read_bytes())["hooks"]
    script = state_dir().root / "hook.sh"
    assert hooks["Awake"][0]["hooks"][0]["command"] == f"sh {script} scribe-cli Awake 2>/dev/null || true"

    assert run("uninstall", "--yes")[0] == 0
    assert settings.read_text() == '{"ink": "blue"}\n'


def test_nothing_is_published_in_its_own_folder(scribe: Path, home: Path) -> None:
    refused = refusal(Checkout(scribe), StatePaths(state_dir(), home))

    assert refused is not None
    assert refused.reason.startswith("it is an agent's own folder")


def test_the_file_that_it_reads_gets_the_pointer(scribe: Path, tmp_path: Path) -> None:
    (tmp_path / ".carryover").mkdir()
    (tmp_path / "AGENTS.md").write_text("x" * 32_750 + "\n")
    (tmp_path / "SCRIBE.md").write_text("Write slowly.\n")
    (tmp_path / "SCRIBE.local.md").write_text("mine\n")
    edits = begun(tmp_path)

    place_shared_pointers(edits)

    assert (tmp_path / "SCRIBE.md").read_text() == f"Write slowly.\n\n{BLOCK}"
    assert (tmp_path / "AGENTS.md").read_text().startswith(BLOCK), "not every agent reads more"
    assert not (tmp_path / "CLAUDE.md").exists()
    assert [(file.name, file.by) for file in hidden_files(tmp_path)] == [("SCRIBE.md", "SCRIBE.local.md")]

    place(begun(tmp_path), ProjectSettings(pointers="off"))
    assert (tmp_path / "SCRIBE.md").read_text() == "Write slowly.\n"
    assert (tmp_path / "AGENTS.md").read_text() == "x" * 32_750 + "\n"


def test_a_session_that_starts_without_a_daemon_gets_the_answer_in_its_form(
    shop: Path, scribe: Path, home: Path
) -> None:
    state_dir().root.mkdir(mode=0o700)
    catch_up(str(shop))

    def told(event: str, **fields: str) -> bytes | None:
        payload = json.dumps({"in": str(shop), "talk": str(scribe / "talks/t2.talk"), **fields}).encode()
        now_ms = int(time.time() * 1000)
        return answer_hook(state_dir(), "scribe", event, payload, home=home, env=os.environ, now_ms=now_ms)

    told_at_start = told("Awake", quill="t2") or b""
    assert told_at_start.startswith(b"HEAR: # [CARRYOVER]") and b"Add a discount to the cart" in told_at_start
    assert told("Rest", quill="t2") is None
    assert told("Awake", session_id="t2") is None


def test_the_example_is_as_long_as_contributing_says() -> None:
    files = [*ELSEWHERE.rglob("*.py"), *ELSEWHERE.with_name("elsewhere_tests").rglob("agents/**/*.py")]
    lines = sum(len(path.read_text().splitlines()) for path in files)

    assert lines < 300
    assert f"{lines} lines" in (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("asked", ["agent_ids", "specs"])
def test_nothing_is_loaded_before_it_is_asked_for(asked: str) -> None:
    """Every command asks for ids, most for nothing more: what reads transcripts would double their start-up time."""
    code = f"import sys; from carryover import agents; agents.{asked}(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    rooms = ("carryover.agents.", "carryover_", "carryover.transcript", "carryover.records")
    found = {name for name in modules if name.startswith(rooms)}
    assert found - COVERED == set()


def test_those_are_offered_that_can_be_started_and_that_it_was_installed_for() -> None:
    assert startable_agents(("windsurf", "claude-code")) == ("claude-code",)
    assert startable_agents(()) == ()
