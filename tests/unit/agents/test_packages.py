"""Agents that other packages bring: the page that shows how, as it stands, and packages that can't be used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from carryover import packages
from carryover.packages import OWN, PackagePlace, entry_points
from support.forked import ALTERED, run
from support.repository import repository

PAGE: Final = Path(__file__).parents[3] / "docs" / "agents-of-your-own.md"
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def install(site: Path, package: str, agent: str, module: str, **files: str) -> None:
    """A package as an installer leaves it."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[carryover.agents]\n{agent} = {module}\n")
    for name, text in files.items():
        path = site / module / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site-packages"


@pytest.fixture
def scribbler(site: Path) -> Path:
    """The agent of the page; its recording."""
    (_, entry), (_, spec), (_, adapter), (_, recording) = BLOCK.findall(PAGE.read_text("utf-8"))
    _, agent, module = re.split(r"\n(?=\w)| = \"|\" #", entry)[:3]
    install(site, "carryover_scribbler", agent, module, __init__=spec, adapter=adapter)
    path = site / module / "recordings/.scribbler/talks/t1.talk"
    path.parent.mkdir(parents=True)
    path.write_text(recording)
    return path


WITH_PACKAGES: Final = """
import sys
from carryover import agents
sys.path.insert(0, sys.argv.pop(1))
for each in vars(agents).values():
    if hasattr(each, "cache_clear"):  # of the agents that were known where this was forked
        each.cache_clear()
from carryover.faces.cli.main import main
"""


def carryover(
    site: Path, home: Path, *arguments: str, call: str = "sys.exit(main())"
) -> subprocess.CompletedProcess[str]:
    """The program with packages that lie in `site`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    return run((*ALTERED, f"{WITH_PACKAGES}{call}", str(site), *arguments), env=environment)


def test_the_page_is_short() -> None:
    assert len(PAGE.read_text("utf-8").splitlines()) <= 60


def test_the_agent_of_the_page_keeps_the_contract(scribbler: Path, site: Path, home: Path) -> None:
    ran = carryover(site, home, "agents", "check", "carryover-scribbler")

    assert (ran.stderr, ran.returncode) == ("", 0)
    assert ran.stdout.splitlines() == [
        "✓ scribbler keeps the contract",
        "  understood: 1 session, 1 version, 1 model, 1 prompt, 1 answer, 2 calls, 1 successful call, 1 failed call, "
        "1 edit, 0 turn ends",
    ]


def test_an_answer_that_ends_its_turn_counts_as_its_end(scribbler: Path, site: Path, home: Path) -> None:
    adapter = scribbler.parents[3] / "adapter.py"
    adapter.write_text(
        adapter.read_text().replace("ident, text)\n    talk.put", "ident, text, final=True)\n    talk.put")
    )

    assert carryover(site, home, "agents", "check", "scribbler").stdout.endswith("1 edit, 1 turn end\n")


def test_a_session_of_the_agent_of_the_page_reaches_a_handoff(scribbler: Path, site: Path, home: Path) -> None:
    shop = home / "shop"
    repository(shop)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    talk = home / ".scribbler/talks/t1.talk"
    talk.parent.mkdir(parents=True)
    talk.write_text(scribbler.read_text().replace("/home/dev/shop", str(shop)).replace("2026-03-02", day))

    ran = carryover(site, home, "handoff", str(shop))

    assert (ran.stderr, ran.returncode) == ("", 0)
    assert "Scribbler" in ran.stdout.splitlines()[0]
    assert ": Add a discount to the cart" in ran.stdout
    assert "make test" in ran.stdout


def test_transcripts_of_the_agent_of_the_page_can_be_imported_where_they_lie(
    scribbler: Path, site: Path, home: Path
) -> None:
    talk = home / ".scribbler/talks/t1.talk"
    talk.parent.mkdir(parents=True)
    talk.write_text(scribbler.read_text())

    ran = carryover(site, home, "import", "--dry-run", "--json", str(talk.parent))

    [file] = json.loads(ran.stdout)["files"]
    assert (file["agent"], file["problem"], ran.returncode) == ("scribbler", None, 0)


BROKEN: Final = (
    ('f"{ident}/call"', 'f"{ident}/result"', "2 events have the key t1/2/result"),
    (
        "OneSession.of(source, context, ",
        "OneSession(session=source.session, context=context, at_ms=",
        "as a copy elsewhere",
    ),
    ('talk.skip(kind, "no time, or an unknown type")', "pass", "gives 0 events and is counted 0 times, not once"),
    (
        "line = fields_of(record.data)",
        "import json; line = fields_of(json.dumps(json.loads(record.data)))",
        "it raises ",
    ),
    (
        "    talk = OneSession",
        "    line['type'].split()\n    talk = OneSession",
        "it raises AttributeError in adapter.py, line 14: ",
    ),
    ('cwd=usable_folder(text_of(line.get("in")))', 'cwd="shop"', "has a relative path"),
    ('result=f"{ident}/result"', "result=str(id(record))", "a second time it gives other events"),
    ('globs=("*.talk",)', 'globs=("*.story",)', "no recordings"),
    ("reader=JsonlReader()", "reader=Forgetful()", "a file that was truncated is not read again from its start"),
    ("reader=JsonlReader()", "reader=Repeating()", "read in 12 parts it gives other events than whole"),
    ("reader=JsonlReader()", "reader=Repeating()", "a last line that was half written gives other events"),
)
"""Of the example: what is replaced by what, and what is found then."""
READERS: Final = """
class Forgetful(JsonlReader):
    def read(self, path, cursor):
        batch = super().read(path, cursor)
        import msgspec
        return msgspec.structs.replace(batch, records=()) if batch.restarted else batch
class Repeating(JsonlReader):
    def read(self, path, cursor):
        return super().read(path, None)
"""


@pytest.mark.parametrize(("old", "new", "finding"), BROKEN)
def test_what_breaks_the_contract_is_found(
    scribbler: Path, site: Path, home: Path, old: str, new: str, finding: str
) -> None:
    adapter = scribbler.parents[3] / "adapter.py"
    whole = adapter.read_text()
    adapter.write_text(whole.replace(old, new).replace("AGENT =", f"{READERS}\nAGENT ="))

    ran = carryover(site, home, "agents", "check", "scribbler")

    assert old in whole
    assert (finding in ran.stdout, ran.stderr, ran.returncode) == (True, "", 1), ran.stdout


def test_a_package_that_cannot_be_loaded_is_left_out_and_named(site: Path, home: Path) -> None:
    spec = BLOCK.findall(PAGE.read_text("utf-8"))[1][1]
    install(site, "a_torn", "torn", "torn", __init__="SPEC = (")
    install(site, "b_exit", "leaves", "leaves", __init__="raise SystemExit('bye')")
    install(site, "c_half", "scribbler", "half", __init__=spec, adapter="import missing_module")
    install(site, "d_codex", "codex", "other_codex", __init__="raise RuntimeError")
    install(site, "e_other", "other", "other", __init__=spec)
    install(site, "f_gone", "gone", "gone")

    listed = carryover(site, home, "agents", "--json")

    assert (listed.stderr, listed.returncode) == ("", 0)
    rows = json.loads(listed.stdout)
    assert {row["id"]: row["problem"].partition(":")[0] for row in rows if row["problem"]} == {
        "torn": "SyntaxError",
        "leaves": "SystemExit",
        "scribbler": "ModuleNotFoundError",
        "codex": "carryoverd has an agent of that name",
        "other": "other.SPEC is no AgentSpec of other",
        "gone": "ModuleNotFoundError",
    }
    assert [row["package"] for row in rows if row["id"] == "codex"] == [OWN, "d_codex"]
    assert all(row["problem"] for row in rows if row["package"] != OWN), "each is listed once"
    status = carryover(site, home, "status")
    assert (status.stderr, "The agent torn of a_torn does not work: SyntaxError: " in status.stdout) == ("", True)
    assert carryover(site, home, "agents", "check", "torn").returncode == 1
    assert carryover(site, home, "agents", "check", "nothing").returncode == 3


FAILS: Final = """
def fails(*_): raise RuntimeError('words')
def leaves(*_): raise SystemExit('words')
class Torn:
    read = stat = last_input = source_of = fails
    sources = property(fails)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(?P<session>[\w-]{1,99})\.talk", "("),
        ("layouts=LAYOUTS", "layouts=None"),
        ("parse=parse", "parse=fails"),
        ("parse=parse", "parse=leaves"),
        ("reader=JsonlReader()", "reader=None"),
        ("reader=JsonlReader()", "reader=Torn()"),
    ],
)
def test_an_agent_that_raises_costs_its_own_sessions_alone(
    scribbler: Path, site: Path, home: Path, old: str, new: str
) -> None:
    adapter = scribbler.parents[3] / "adapter.py"
    whole = adapter.read_text()
    adapter.write_text(FAILS + whole.replace(old, new))
    talk = home / ".scribbler/talks/t1.talk"
    talk.parent.mkdir(parents=True)
    talk.write_text(scribbler.read_text())

    commands = (["status"], ["handoff", str(home)], ["sessions", "--all"], ["agents", "check", "scribbler"])
    ran = carryover(site, home, call=f"print([main(each) for each in {commands!r}][-1])")

    assert old in whole
    assert ("Traceback" in ran.stderr or "words" in ran.stderr, ran.returncode) == (False, 0)
    assert ran.stdout.splitlines()[-1] == "1"


def test_the_list_says_which_package_an_agent_is_from(scribbler: Path, site: Path, home: Path) -> None:
    lines = carryover(site, home, "agents").stdout.splitlines()

    assert [line.split() for line in lines if line.startswith(("codex", "scribbler", "windsurf"))] == [
        ["codex", "Codex", "CLI", "Carryover"],
        ["scribbler", "Scribbler", "carryover_scribbler"],
        ["windsurf", "Windsurf", "Carryover"],
    ]
    assert "Name the package: `carryover agents check PACKAGE`." in carryover(site, home, "agents", "check").stderr
    assert "`carryover agents check scribe`" in carryover(site, home, "agents", "scribe").stderr


def test_only_folders_of_packages_are_looked_into(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (site, tmp_path):
        install(folder, f"of_{folder.name.replace('-', '_')}", "scribbler", "scribbler")
    (site / "broken-1.0.dist-info").mkdir()
    (site / "broken-1.0.dist-info/entry_points.txt").write_bytes(b"[carryover.agents]\n\xff = \xfe")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), str(site), str(site / "missing"), *sys.path])

    assert [place for place in entry_points() if place.id == "scribbler"] == [
        PackagePlace("scribbler", "scribbler", "of_site_packages")
    ]


def test_windsurf_is_one_of_them() -> None:
    assert PackagePlace("windsurf", "carryover_windsurf", OWN) in entry_points()
    assert not (Path(packages.__file__).parent / "agents" / "windsurf" / "__init__.py").exists()
