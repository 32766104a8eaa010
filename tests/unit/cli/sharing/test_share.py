"""What Ann shares: for whom, how deep, shown and asked before it is written."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from carryover.sync.bundle import unpacked
from carryover.sync.sealing import new_identity, open_with
from support.claude_work import ClaudeWork
from support.recorded_shop import Run
from support.repository import repository
from support.shared_file import public_of, ssh_key
from support.terminal import ENTER, Terminal

pytest.importorskip("pyrage")

ANTHROPIC = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


def test_depths(recorded: Path, run: Run, tmp_path: Path, key: str) -> None:
    public = public_of(key)

    def dry(*more: str) -> str:
        code, out, _ = run("share", str(recorded), "--to", public, "--dry-run", *more)
        assert code == ExitCode.OK
        return out

    some, session, whole = dry(), dry("--depth", "session"), dry("--depth", "all")
    assert "(turns" not in whole
    assert len(some) <= len(session) <= len(whole)
    assert all("Do not cap it. Now wire it into checkout." in text for text in (some, session, whole))
    assert not (Path.cwd() / "shop.age").exists()


def test_the_preview_says_for_whom_what_and_what_was_hidden(home: Path, run: Run, tmp_path: Path) -> None:
    project = repository(home / "shop", {"a.py": "1\n"})
    work = ClaudeWork(home / ".claude" / "projects", project)
    work.prompt(f"Use {ANTHROPIC} of {home}/notes.txt, not {home}2/x or /mnt{home}/y")
    keys = tmp_path / "bob.keys"
    ed, ec = ssh_key(tmp_path / "ed"), ssh_key(tmp_path / "ec", "ecdsa")
    keys.write_text(f"{ed}\n{ec}\nsk-ssh-ed25519@openssh.com {'A' * 90}=\n")

    code, out, err = run("share", str(project), "--to", str(keys), "--expires", "7d", "--from", "Ann", "--dry-run")

    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(tmp_path / "ed.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert code == ExitCode.OK
    assert f"To       ssh-ed25519 {fingerprint}  (bob@work)" in err
    kinds = "ecdsa-sha2-nistp256, sk-ssh-ed25519@openssh.com"
    assert f"Not to   2 keys that age can't encrypt to: {kinds}" in err
    assert "secrets: anthropic" in err
    assert f"~/notes.txt, not {home}2/x or /mnt{home}/y" in out
    assert ANTHROPIC not in out + err and f"{home}/" not in out.replace(f"/mnt{home}/y", "")
    assert "Nothing was written." in err


def test_without_a_terminal_nothing_is_written_or_imported_unasked(
    recorded: Path, shared: Path, run: Run, key: str, be_bob: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    public = public_of(key)
    monkeypatch.chdir(recorded.parent)
    assert run("share", str(recorded), "--to", public)[0] == ExitCode.REFUSED
    assert not Path("shop.age").exists()

    be_bob()
    assert run("import", str(shared))[0] == ExitCode.REFUSED
    assert not state_dir().ledger.exists()


@pytest.mark.parametrize("answer", ["n", "y"])
def test_on_a_terminal_both_ask(
    answer: str, recorded: Path, shared: Path, be_bob: Callable[[], Path], key: str, tmp_path: Path
) -> None:
    def ask(question: str, *arguments: str) -> int:
        command = [sys.executable, "-m", "carryover.cli.main", *arguments]
        with Terminal(command, dict(os.environ), columns=300) as terminal:
            terminal.wait_for(question)
            terminal.press(answer, ENTER)
            return terminal.end()[0]

    public = public_of(key)
    file = tmp_path / "shop.age"
    expected = ExitCode.OK if answer == "y" else ExitCode.INTERRUPTED

    assert ask("Encrypt this into", "share", str(recorded), "--to", public, "-o", str(file)) == expected
    assert file.exists() == (answer == "y")
    be_bob()
    assert ask("as another person's words? [y/N]", "import", str(shared)) == expected
    assert state_dir().ledger.exists() == (answer == "y")


def test_the_file_shows_nothing_of_what_it_holds_and_is_the_users_alone(shared: Path) -> None:
    data = shared.read_bytes()

    assert data.startswith(b"age-encryption.org/v1")
    assert [word for word in (b"discount", b"checkout", b"shop", b"Ann", b"bob@work") if word in data] == []
    assert shared.stat().st_mode & 0o777 == 0o600


def test_what_is_no_public_key_says_what_to_do(recorded: Path, run: Run, tmp_path: Path) -> None:
    def refusal(to: str) -> str:
        code, out, err = run("share", str(recorded), "--to", to, "--yes")
        assert (code, out) in ((ExitCode.USAGE, ""), (ExitCode.REFUSED, ""))
        assert "Nothing was written." in err
        return err

    ssh_key(tmp_path / "own")
    (tmp_path / "page.html").write_text("Not Found")
    assert "private key" in refusal(str(tmp_path / "own"))
    assert "holds no public key" in refusal(str(tmp_path / "page.html"))
    assert "Carryover fetches nothing" in refusal("https://github.com/bob.keys")
    assert "Put an ssh key in quotes" in refusal("ssh-ed25519")
    assert "neither a public key nor a file" in refusal("x" * 300)
    assert "can't encrypt to keys of the kind ecdsa-sha2-nistp256" in refusal(ssh_key(tmp_path / "ec", "ecdsa"))
    assert run("share", str(recorded), "--to", str(tmp_path / "own.pub"), "--expires", "0d")[0] == ExitCode.USAGE


def test_more_keys_than_a_header_holds_are_too_many(recorded: Path, run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "all.keys"
    keys.write_text("".join(f"{public_of(new_identity())}\n" for _ in range(200)))

    code, _, err = run("share", str(recorded), "--to", str(keys), "--yes", "-o", str(tmp_path / "x.age"))

    assert (code, "200 keys of this size are too many. Nothing was written." in err) == (ExitCode.REFUSED, True)
    assert not (tmp_path / "x.age").exists()


def test_a_project_without_work_has_nothing_to_share(shop: Path, run: Run, tmp_path: Path) -> None:
    empty = repository(tmp_path / "empty", {"a": "1"})
    code, _, err = run("share", str(empty), "--to", ssh_key(tmp_path / "k"), "--yes", "-o", str(tmp_path / "x.age"))

    assert (code, "there is nothing to share" in err) == (ExitCode.NOTHING_FOUND, True)
    assert not (tmp_path / "x.age").exists()


def test_a_long_history_is_cut_at_its_old_end(
    home: Path, run: Run, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.actions.sharing.LARGEST_TEXT", 80_000)
    project = repository(home / "shop", {"a.py": "1\n"})
    work = ClaudeWork(home / ".claude" / "projects", project)
    for number in range(10):
        work.prompt(f"Step {number}: " + "a lot of words " * 700)
    work.prompt("The end")
    file = tmp_path / "shop.age"
    public = public_of(key)
    _, out, _ = run("share", str(project), "--to", public, "--depth", "all", "--yes", "--json", "-o", str(file))

    whole = unpacked(open_with([key.encode()], file.read_bytes())).documents[0].text
    assert file.stat().st_size == json.loads(out)["bytes"]
    assert "The beginning is left out" in whole and "Step 0:" not in whole
    assert whole.rstrip().endswith("The end")
