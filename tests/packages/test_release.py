"""What a release promises: locked and licensed dependencies, checksums that are verified, no network at run time."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import carryover
from support.tools import program

CHECKOUT: Final = Path(__file__).parents[2]
PACKAGING: Final = CHECKOUT / "packaging"
SESSION: Final = str(CHECKOUT / "lab" / "demo" / "shop.jsonl")
LOCKS: Final = sorted((PACKAGING / "requirements").glob("[dr]*.txt"))
PROJECT: Final[dict[str, Any]] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS: Final = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
PERMISSIVE: Final = {"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PSF-2.0", "Unlicense", "0BSD"}


def locked(path: Path) -> dict[str, str]:
    """Each package with its version."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ]+)", path.read_text("utf-8"), re.MULTILINE))


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """A folder with two files of a release and their checksums."""
    folder = tmp_path / "download"
    folder.mkdir()
    names = ("carryoverd-0.1.0.tar.gz", "carryoverd-0.1.0-py3-none-any.whl")
    for name in names:
        (folder / name).write_bytes(name.encode() * 100)
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(f"{sums}{'0' * 64}  not-downloaded.deb\n")
    return folder


def verify(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", PACKAGING / "verify.sh", *arguments]
    env = {**os.environ, "PATH": path or os.environ["PATH"]}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_files_as_released_are_accepted_and_others_are_refused(download: Path) -> None:
    accepted = verify("--no-signature", download)
    wheel = download / "carryoverd-0.1.0-py3-none-any.whl"
    released = wheel.read_bytes()
    wheel.write_bytes(released[:-1] + b"!")
    refused = verify("--no-signature", download)
    wheel.write_bytes(released)
    unsigned = verify(download)
    (download / "carryoverd-0.0.9.tar.gz").touch()
    of_another_release = verify("--no-signature", download)

    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout.endswith("2 files are as released (signature not checked).\n")
    assert refused.returncode == 1
    assert refused.stderr == (f"REFUSED: {wheel.name} is not the file that was released. Do not install these files.\n")
    assert (unsigned.returncode, unsigned.stdout) == (1, "")
    assert "There is no SHA256SUMS.sigstore.json" in unsigned.stderr
    assert of_another_release.returncode == 1
    assert "carryoverd-0.0.9.tar.gz is not part of that release." in of_another_release.stderr


@pytest.mark.parametrize(("code", "accepted"), [(0, True), (1, False)])
def test_the_signature_has_to_be_the_release_workflows(
    code: int, accepted: bool, download: Path, tmp_path: Path
) -> None:
    (download / "SHA256SUMS.sigstore.json").touch()
    program(tmp_path / "bin/cosign", f'echo "$@" > {tmp_path}/asked', f"exit {code}")

    answer = verify(download, path=f"{tmp_path}/bin:/usr/bin:/bin")

    assert (answer.returncode == 0) == accepted
    identity = "https://github.com/carryover-dev/carryover/.github/workflows/release.yml@refs/tags/v0.1.0"
    assert (tmp_path / "asked").read_text() == (
        f"verify-blob --bundle SHA256SUMS.sigstore.json --certificate-identity {identity} "
        "--certificate-oidc-issuer https://token.actions.githubusercontent.com SHA256SUMS\n"
    )


def test_the_notes_are_the_changelogs_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PACKAGING))
    notes = import_module("make_dist").notes
    changelog = "# Changelog\n\n## 0.2.0 (unreleased)\n\n- New.\n\n### Agents\n- One.\n\n## 0.1.0\n\n- Old.\n"

    assert notes(changelog, "0.2.0") == "- New.\n\n### Agents\n- One.\n"
    assert notes(changelog, "0.1.0") == "- Old.\n"
    with pytest.raises(SystemExit, match=r"has no section '## 0\.3\.0'"):
        notes(changelog, "0.3.0")
    assert notes((CHECKOUT / "CHANGELOG.md").read_text("utf-8"), carryover.__version__)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_each_lock_is_by_hashes_and_names_no_index(path: Path) -> None:
    text = path.read_text("utf-8")
    entries = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]

    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_what_is_locked_is_what_the_project_asks_for() -> None:
    run, dev, release = (locked(PACKAGING / "requirements" / f"{name}.txt") for name in ("run", "dev", "release"))
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    asked = [
        *((name, dev) for name in (*project["dependencies"], *extras["dev"])),
        *((name, run) for name in project["dependencies"]),
        *((name, release) for name in PROJECT["dependency-groups"]["release"]),
    ]
    wanted = [(Requirement(text), lock) for text, lock in asked if not text.startswith("carryoverd")]

    versions = [(one, lock.get(canonicalize_name(one.name), "0")) for one, lock in wanted]
    assert [str(one) for one, version in versions if not one.specifier.contains(version)] == []
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_an_extra_that_is_no_longer_needed_is_still_known() -> None:
    """`pip install 'carryoverd[lean]'` would warn otherwise."""
    assert "lean" in (metadata.metadata("carryoverd").get_all("Provides-Extra") or ())


def test_the_licence_of_all_that_ships_is_permissive() -> None:
    shipped = set(locked(PACKAGING / "requirements/run.txt"))
    installed = {canonicalize_name(found.metadata["Name"]) for found in metadata.distributions()}
    found = {name: licences(name) for name in sorted(shipped & installed)}

    assert len(found) >= len(shipped) - 2  # what other Pythons need is not here
    assert {name: names for name, names in found.items() if not names or not names <= PERMISSIVE} == {}


_CALLED: Final = {"Apache": "Apache-2.0", "BSD": "BSD-3-Clause", "Python": "PSF-2.0", "MIT": "MIT", "ISC": "ISC"}


def licences(name: str) -> set[str]:
    """SPDX names of a distribution, from its expression, its classifiers or its old free-text field."""
    about = metadata.metadata(name)
    expression, text = ((about.get_all(field) or [""])[0] for field in ("License-Expression", "License"))
    if expression:
        return set(re.split(r" (?:AND|OR) |[()]", expression)) - {""}
    texts = [one for one in about.get_all("Classifier") or () if one.startswith("License :: OSI")]
    called = " ".join((*texts, text.partition("\n")[0]))
    return {spdx for words, spdx in _CALLED.items() if words in called}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_its_actions_and_gives_each_job_no_more_than_it_needs(path: Path) -> None:
    text = path.read_text("utf-8")
    workflow = yaml.safe_load(text)
    used = [step["uses"] for job in workflow["jobs"].values() for step in job.get("steps", ()) if "uses" in step]

    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    targets = re.findall(r"make ([a-z -]+)$", text, re.MULTILINE)
    for target in " ".join(targets).split():
        subprocess.run(["make", "-n", target], cwd=CHECKOUT, check=True, capture_output=True)


def test_the_workflow_runs_the_pythons_that_the_package_names() -> None:
    jobs = yaml.safe_load((CHECKOUT / ".github/workflows/tests.yml").read_text())["jobs"]
    named = [text.rpartition(" ")[2] for text in PROJECT["project"]["classifiers"] if ":: 3." in text]

    for job, system in (("tests", "ubuntu-latest"), ("macos", "macos-latest")):
        assert jobs[job]["strategy"]["matrix"] == {"python": named}
        assert jobs[job]["runs-on"] == system


def _alone() -> bool:
    """Whether a command can be run without a network here."""
    command = ["unshare", "--map-root-user", "--net", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


@pytest.mark.skipif(not _alone(), reason="a process cannot be cut off the network here")
def test_it_works_with_the_network_off(home: Path) -> None:
    """Not even loopback is up. A session is read, its handoff made, and every grammar loaded."""
    grammars = "from carryover.probe import source_code\nprint(all(map(source_code.grammar, source_code.GRAMMARS)))"

    for arguments, said in (
        (("-c", grammars), "True\n"),
        (("-m", "carryover.faces.cli.main", "handoff", "--transcript", SESSION), "# [CARRYOVER] Last updated"),
    ):
        command = ["unshare", "--map-root-user", "--net", sys.executable, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr


CLEAN: Final = '{"name": "aiohttp", "version": "3", "vulns": []}'
HOLE: Final = '{"name": "aiohttp", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]}'
UNKNOWN: Final = '{"name": "idna", "skip_reason": "Dependency not found on PyPI and could not be audited"}'


@pytest.mark.parametrize(
    ("code", "packages", "said", "outcome"),
    [
        (0, [CLEAN], "", "audited"),
        (1, [HOLE], "", "vulnerable"),
        (1, [UNKNOWN, HOLE], "", "vulnerable"),
        (0, [UNKNOWN, CLEAN], "", "not audited"),
        (1, None, "ERROR:pip_audit._cli:Max retries exceeded with url: /pypi/aiohttp/json", "not audited"),
        (1, None, "pip_audit._service.interface.ServiceError: 503", "not audited"),
        (1, None, "No module named pip_audit", "failed"),
    ],
)
def test_a_list_is_audited_only_if_each_package_was_looked_up(
    code: int, packages: list[str] | None, said: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that the service does not know hides no vulnerability of another."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    printed = "" if packages is None else f'{{"dependencies": [{", ".join(packages)}]}}'

    assert import_module("audit").audit_of(code, printed, said).outcome == outcome
