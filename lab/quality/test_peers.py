"""How other programs are run: on the session up to the cut, alone, in a home that is nobody's."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from quality.peers import PROGRAMS, NpmPackage, Program, installed


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
    echoes = program(
        tmp_path, 'cat "$HOME/.codex/session.jsonl" > "$1"; env >> "$1"; tail -n +3 /proc/net/dev >> "$1"', ["{out}"]
    )
    text = echoes.text(tmp_path, session, 2, "codex", "all")
    assert text.startswith("one\ntwo\n")
    assert "three" not in text
    assert "OWN_KEY" not in text
    assert "eth0" not in text


@pytest.mark.skipif(not can_be_alone(), reason="namespaces are not permitted here")
def test_a_program_that_fails_is_no_empty_text(tmp_path: Path) -> None:
    session = tmp_path / "session.jsonl"
    session.write_text("one\n")
    with pytest.raises(subprocess.CalledProcessError):
        program(tmp_path, "exit 3", ["{file}"]).text(tmp_path, session, 0, "codex", "all")


def test_programs_that_are_not_installed_are_left_out(tmp_path: Path) -> None:
    assert installed(tmp_path) == []
    assert len({each.name for each in PROGRAMS}) == len(PROGRAMS)
