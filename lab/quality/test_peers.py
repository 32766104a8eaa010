"""How other programs are run: on the session up to the cut, alone, in a home that is nobody's."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from quality.peers import PROGRAMS, BuiltProgram, NpmPackage, Program, installed


def can_be_alone() -> bool:
    command = ["unshare", "--user", "--map-root-user", "--net", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


def program(folder: Path, script: str, arguments: Sequence[str]) -> Program:
    package = NpmPackage("echoes", "1.0")
    file = package.program(folder)
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return Program(package, {"codex": ".codex/session.jsonl"}, {"all": tuple(arguments)})


@pytest.mark.skipif(not can_be_alone(), reason="namespaces are not permitted here")
def test_a_program_gets_the_session_up_to_the_cut_and_nothing_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWN_KEY", "secret")
    session = tmp_path / "session.jsonl"
    session.write_text("one\ntwo\nthree\n")
    os.utime(session, (86400, 86400))
    script = 'cd "$HOME/.codex"; (cat session.jsonl; stat -c %Y session.jsonl; env; tail -n +3 /proc/net/dev) > "$1"'
    echoes = program(tmp_path, script, ["{out}"])
    text = echoes.text(tmp_path, session, 2, "codex", "all")
    assert text.startswith("one\ntwo\n86400\n")
    assert "carryover" not in text
    assert "three" not in text
    assert "OWN_KEY" not in text
    assert "eth0" not in text


@pytest.mark.skipif(not can_be_alone(), reason="namespaces are not permitted here")
def test_a_program_that_goes_by_the_folder_is_run_in_it(tmp_path: Path) -> None:
    session = tmp_path / "session.jsonl"
    session.write_text("one\n")
    echoes = replace(program(tmp_path, 'echo "${PWD#"$HOME"/}"', []), within="dev/work")
    assert echoes.text(tmp_path, session, 0, "codex", "all") == "dev/work\n"


def test_who_builds_a_program_is_told_where_to_put_it(tmp_path: Path) -> None:
    built = BuiltProgram("echoes", "0a1b2c3d")
    assert built.install(tmp_path) == f"not installed: build echoes 0a1b2c3d, and put it at {built.program(tmp_path)}"
    built.program(tmp_path).parent.mkdir(parents=True)
    built.program(tmp_path).touch()
    assert built.install(tmp_path) == ""


@pytest.mark.skipif(not can_be_alone(), reason="namespaces are not permitted here")
def test_a_program_that_fails_is_no_empty_text(tmp_path: Path) -> None:
    session = tmp_path / "session.jsonl"
    session.write_text("one\n")
    with pytest.raises(subprocess.CalledProcessError):
        program(tmp_path, "exit 3", ["{file}"]).text(tmp_path, session, 0, "codex", "all")


def test_programs_that_are_not_installed_are_left_out(tmp_path: Path) -> None:
    assert installed(tmp_path) == []
    assert len({each.name for each in PROGRAMS}) == len(PROGRAMS)
