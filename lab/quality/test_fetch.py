"""The public sessions: what the manifest may name, and that what is fetched is what it names and nothing else."""

import hashlib
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from quality.fetch import Origin, fetch, file_of, is_there
from quality.manifest import SESSIONS, ManifestError, Session, half_of, read, written

CONTENT = b'{"type":"session"}\n'
PATH = "logs/a b*.jsonl"
REPOSITORY = "someone/something"


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=N", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(["git", *names, "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return ran.stdout.strip()


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Session]:
    """A folder of bare repositories, one with a session, a link to it and a newer commit without it."""
    work = tmp_path / "work"
    (work / "logs").mkdir(parents=True)
    (work / PATH).write_bytes(CONTENT)
    (work / "link.jsonl").symlink_to(PATH)
    git(work, "init", "--quiet")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message=one")
    commit = git(work, "rev-parse", "HEAD")
    git(work, "rm", "--quiet", PATH)
    git(work, "commit", "--quiet", "--message=two")
    bare = tmp_path / "public" / REPOSITORY
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    for name in ("allowFilter", "allowAnySHA1InWant"):
        git(bare, "config", f"uploadpack.{name}", "true")
    (tmp_path / "mirrors").mkdir()
    (tmp_path / "mirrors" / "someone+something").symlink_to(bare)
    digest = hashlib.sha256(CONTENT).hexdigest()
    facts = {"licence": "MIT", "agent": "codex", "version": "1.0", "language": "en", "prompts": 2}
    session = Session(REPOSITORY, commit, PATH, "session.jsonl", digest, len(CONTENT), **facts)  # type: ignore[arg-type]
    return tmp_path, session


def test_the_manifest_names_sessions_of_many_agents_and_languages() -> None:
    sessions = read()
    assert len(sessions) >= 120
    assert len({session.agent for session in sessions}) >= 8
    assert len({session.language for session in sessions}) >= 8
    assert SESSIONS.read_text(encoding="utf-8") == written(sessions)


def test_each_half_has_a_third_of_the_repositories_or_more_and_all_of_a_repository() -> None:
    halves = Counter(half_of(repository) for repository in {session.repository for session in read()})
    assert min(halves["open"], halves["closed"]) * 3 >= halves.total()
    assert half_of("Some/Thing") == half_of("some/thing")


@pytest.mark.parametrize("mirrored", [True, False], ids=["mirrors", "network"])
def test_a_session_is_fetched_at_its_commit_once(published: tuple[Path, Session], mirrored: bool) -> None:
    folder, session = published
    origin = Origin(mirrors=folder / "mirrors") if mirrored else Origin(base=f"file://{folder}/public")
    assert fetch([session], folder / "cache", origin) == {}
    assert file_of(session, folder / "cache").read_bytes() == CONTENT
    assert fetch([session], folder / "cache", Origin(mirrors=folder / "nowhere")) == {}


def test_what_is_gone_or_another_file_is_named_and_the_rest_fetched(published: tuple[Path, Session]) -> None:
    folder, session = published
    wrong = {
        "gone": replace(session, repository="someone/gone", sha256="1" * 64),
        "no such file": replace(session, path="logs/none.jsonl", sha256="2" * 64),
        "a link": replace(session, path="link.jsonl", sha256="3" * 64),
        "a folder": replace(session, path="logs", sha256="4" * 64),
        "other bytes": replace(session, sha256="5" * 64),
        "another size": replace(session, bytes=3, sha256="6" * 64),
    }
    missing = fetch([*wrong.values(), session], folder / "cache", Origin(mirrors=folder / "mirrors"))
    assert set(missing) == set(wrong.values())
    assert is_there(session, folder / "cache")
    assert not any(is_there(each, folder / "cache") for each in wrong.values())


def test_a_file_that_was_changed_in_the_cache_is_fetched_again(published: tuple[Path, Session]) -> None:
    folder, session = published
    origin = Origin(mirrors=folder / "mirrors")
    fetch([session], folder / "cache", origin)
    file = file_of(session, folder / "cache")
    file.write_bytes(CONTENT.upper())
    assert not is_there(session, folder / "cache")
    assert fetch([session], folder / "cache", origin) == {}
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("repository", "../../etc"),
        ("repository", "--upload-pack=x/y"),
        ("commit", "HEAD"),
        ("path", "../../.ssh/id_rsa"),
        ("path", "/etc/passwd"),
        ("name", "../x.json"),
        ("bytes", 1 << 30),
        ("sha256", "0"),
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused(
    published: tuple[Path, Session], column: str, value: str | int
) -> None:
    folder, session = published
    file = folder / "sessions.tsv"
    file.write_text(written([replace(session, **{column: value})]), encoding="utf-8")  # type: ignore[arg-type]
    with pytest.raises(ManifestError):
        read(file)
