"""What `make rehearse` serves, compares and reports. It is run whole before a release, since it needs registries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from carryover.ledger.schema import MIGRATIONS
from rehearsal.__main__ import timed
from rehearsal.installs import outcomes
from rehearsal.recorded import Event, Recorded, lost, lost_content
from rehearsal.registries import served
from rehearsal.release import after, migrations_of, version_of
from rehearsal.report import Result, page
from rehearsal.stage import Failed, NotRun, megabytes, user
from support.clone import CHECKOUT
from support.repository import git, repository

ONE, TITLE = ("codex", "s1", "AA", "UserPrompt"), ("codex", "s1", "BB", "SessionInfo")


def wheel(folder: Path, version: str) -> Path:
    """The smallest wheel that pip takes for ours."""
    folder.mkdir(exist_ok=True)
    path = folder / f"carryoverd-{version}-py3-none-any.whl"
    about = f"carryoverd-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: carryoverd\nVersion: {version}\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    return path


def npm_tarball(folder: Path, version: str) -> Path:
    folder.mkdir(exist_ok=True)
    manifest = folder / "package.json"
    manifest.write_text(json.dumps({"name": "carryoverd", "version": version, "bin": {"carryover": "run"}}))
    path = folder / f"carryoverd-{version}-npm.tgz"
    with tarfile.open(path, "w:gz") as packed:
        packed.add(manifest, "package/package.json")
    return path


def downloaded(index: str, into: Path) -> list[str]:
    """What pip gets of the newest version there."""
    pip = (sys.executable, "-m", "pip", "download", "--isolated", "--quiet", "--disable-pip-version-check", "--no-deps")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = (*pip, "--no-cache-dir", "--index-url", index, "--dest", str(into), "carryoverd")
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return [path.name for path in into.iterdir()]


@pytest.mark.night
def test_an_index_gives_the_newest_release_that_was_published(tmp_path: Path) -> None:
    with served(tmp_path / "served") as registries:
        registries.publish([wheel(tmp_path / "built", "0.1.0")])
        first = downloaded(registries.index, tmp_path / "first")
        registries.publish([wheel(tmp_path / "built", "0.1.1")])
        then = downloaded(registries.index, tmp_path / "then")

    assert (first, then) == (["carryoverd-0.1.0-py3-none-any.whl"], ["carryoverd-0.1.1-py3-none-any.whl"])


def test_a_file_that_is_not_the_one_that_was_published_is_refused(tmp_path: Path) -> None:
    with served(tmp_path / "served") as registries:
        registries.publish([wheel(tmp_path / "built", "0.1.0")])
        published = tmp_path / "served/files/carryoverd-0.1.0-py3-none-any.whl"
        published.write_bytes(published.read_bytes() + b"!")

        with pytest.raises(subprocess.CalledProcessError) as refused:
            downloaded(registries.index, tmp_path / "first")

    assert b"DO NOT MATCH THE HASHES" in refused.value.stderr


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_an_npm_registry_gives_the_package(tmp_path: Path, home: Path) -> None:
    prefix = tmp_path / "prefix"
    with served(tmp_path / "served") as registries:
        registries.publish([npm_tarball(tmp_path / "built", "0.1.0"), wheel(tmp_path / "built", "0.1.0")])
        npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(prefix))
        subprocess.run([*npm, "--registry", registries.npm, "carryoverd"], check=True, capture_output=True)

    installed = json.loads((prefix / "node_modules/carryoverd/package.json").read_text())
    assert installed["version"] == "0.1.0"


def test_a_user_has_nothing_of_the_one_who_rehearses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", "/elsewhere")
    monkeypatch.setenv("UV_TOOL_DIR", "/elsewhere")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://mirror.example/simple")
    with served(tmp_path / "served") as registries:
        someone = user(tmp_path / "home", registries)

    assert someone.env["HOME"] == str(tmp_path / "home")
    assert someone.env["PIP_EXTRA_INDEX_URL"] == f"{registries.index} https://mirror.example/simple"
    assert [name for name, value in someone.env.items() if value == "/elsewhere"] == []


def seen(*events: Event, said: Sequence[str] = ("hello",), prompts: int = 1) -> Recorded:
    steps = [{"step_id": number, "message": text, "metrics": len(events)} for number, text in enumerate(said)]
    return Recorded(
        14, frozenset(events), {"s1": {"id": "s1", "prompts": prompts}}, {"s1": json.dumps({"steps": steps})}
    )


def test_what_was_recorded_before_has_to_be_there_and_to_look_the_same() -> None:
    before = seen(ONE, TITLE)
    further = replace(before, listed={"s1": {**before.listed["s1"], "tokens": 7}, "s2": {}})

    assert lost(before, further) == []
    assert lost(before, seen(ONE)) == [f"1 events are gone: {TITLE}"]
    assert lost(before, replace(before, listed={}, shown={})) == ["1 sessions are no longer listed: s1"]
    assert lost(before, seen(ONE, TITLE, prompts=2)) == ["1 sessions are listed differently: s1 (prompts)"]
    assert lost(before, seen(ONE, TITLE, said=("bye",))) == ["1 sessions are shown differently: s1 (1)"]


def test_a_session_that_went_on_has_to_have_what_was_said_before() -> None:
    before, went_on = seen(ONE, TITLE), seen(ONE, said=("hello", "and bye"), prompts=2)

    assert lost_content(before, went_on) == []
    assert lost_content(before, replace(went_on, events=frozenset({TITLE}))) == [f"1 events are gone: {ONE}"]
    assert lost_content(before, seen(ONE, said=("and bye",))) == ["1 sessions lack messages: s1"]


def test_the_release_before_is_known_by_its_ledger() -> None:
    schema = (CHECKOUT / "src/carryover/ledger/schema.py").read_text("utf-8")

    assert migrations_of(schema) == len(MIGRATIONS)
    assert migrations_of("MIGRATIONS: Final = (_FIRST_RELEASE,)") == 1
    assert migrations_of("nothing of the kind") == 0


def test_the_next_version_is_after_the_one_that_the_package_states() -> None:
    assert after(version_of('"""Carryover."""\n\n__version__ = "0.1.9"\n')) == "0.1.10"


def test_a_step_that_fails_ends_no_rehearsal() -> None:
    def raising(error: Exception) -> Sequence[str]:
        raise error

    results = [
        timed("a", "works", lambda: ["one", "two\nthree"]),
        timed("b", "fails", lambda: raising(Failed("exit code 1\nwhy"))),
        timed("c", "can't", lambda: raising(NotRun("brew is not on this machine"))),
        timed("d", "breaks", lambda: raising(KeyError("x"))),
    ]

    assert [(each.outcome, each.said[-1]) for each in results] == [
        ("held", "three"),
        ("failed", "why"),
        ("not run", "brew is not on this machine"),
        ("failed", "KeyError: 'x'"),
    ]


def test_the_report_names_what_failed_and_what_was_not_run() -> None:
    results = [
        Result("uv", "`uv tool install`", "held", 4.4, ("45 MB",)),
        Result("npx", "`npx`", "failed", 41.0, ("exit code 1",)),
        Result("brew", "`brew style`", "not run", 0.0, ("brew is not on this machine",)),
    ]

    text = page("0.1.1", "f" * 40, results)

    assert text.startswith("# Release 0.1.1, rehearsed: failed: npx\n\nCommit ffffffffffff. ")
    assert "Not run: brew." in text
    assert "| uv | `uv tool install` | held | 4 |\n| npx | `npx` | **failed** | 41 |" in text
    assert "## brew\n    brew is not on this machine" in text
    assert page("0.1.1", "f" * 40, results[:1]).startswith("# Release 0.1.1, rehearsed: nothing failed\n")


def test_tests_that_were_all_skipped_are_no_step_that_held() -> None:
    held = '<testcase name="test_a"><system-out>\n| Debian 12 | 9 s | 50 MB | 99 ms |\n</system-out></testcase>'
    skipped = '<testcase name="test_b"><skipped message="needs root"/></testcase>'

    assert outcomes(f"<testsuites>{held}{skipped}</testsuites>") == [
        "test_a: held",
        "| Debian 12 | 9 s | 50 MB | 99 ms |",
        "test_b: not run: needs root",
    ]
    with pytest.raises(NotRun, match="needs root"):
        outcomes(f"<testsuites>{skipped}</testsuites>")


def test_a_size_counts_no_file_twice(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_bytes(b"x" * 500_000)
    (tmp_path / "link").symlink_to(tmp_path / "folder/file")

    assert megabytes(tmp_path) == megabytes(tmp_path / "folder/file") == 0.5


def test_it_is_a_target_of_make() -> None:
    assert re.search(r"^rehearse:.*## ", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_projects_are_made_where_nothing_of_the_suite_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_TEMPLATE_DIR")
    shop = repository(tmp_path / "shop", {"cart.py": "a = 1\n"})

    assert git(shop, "log", "--format=%s").strip() == "first commit"
