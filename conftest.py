"""No test sees the real home folder: an autouse fixture moves everything that leads there, and catches who finds it."""

from __future__ import annotations

import gc
import os
import pwd
import random
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import count
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from carryover.adapter.spec import AgentSpec
from carryover.agents import agent_ids
from carryover.probe import memory
from carryover.probe.looks import DISKS
from support import as_darwin

settings.register_profile(
    "fixed",
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    # The first depends on how busy the machine is; the second is meant where examples share a folder.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("more", settings.get_profile("fixed"), max_examples=50)
settings.register_profile(
    "random",
    settings.get_profile("fixed"),
    derandomize=False,
    max_examples=400,
    print_blob=False,  # `make fuzz` says how to repeat a failure, and that also holds after a test has changed
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
"""`fixed`: the same examples in each run, so that what is green stays so; `more` of them with the tests of the night.
`random`: those of a seed (`make fuzz`)."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background; programs would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_HOMES = {Path.home(), Path(pwd.getpwuid(os.getuid()).pw_dir)} - {Path("/")}


def _variables(agent_id: str) -> tuple[str, ...]:
    """None where the agent's folder is half written: `pytest tests/contract --agent ID` says what it lacks."""
    try:
        spec: AgentSpec = import_module(f"carryover.agents.{agent_id.replace('-', '_')}").SPEC
    except Exception:
        return ()
    return spec.variables


LEADS_ELSEWHERE = (
    *("CARRYOVER_HOME", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "NO_COLOR", "FORCE_COLOR"),
    *(name for agent_id in agent_ids() for name in _variables(agent_id)),
)
"""Variables of the surroundings that would lead a test to real data, or make its outcome depend on who runs it."""

GIT_CONFIG = """\
[user]
	name = Dev
	email = dev@example.invalid
[init]
	defaultBranch = main
[maintenance]
	auto = false
"""

IN_MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 << 30
"""Where so much is free in memory, tests have their folders there and none waits for the disk."""
TEMPROOT = "PYTEST_DEBUG_TEMPROOT"

XDG = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--any-order", type=int, metavar="SEED", help="run the tests in the order that SEED gives")
    parser.addoption("--as-darwin", action="store_true", help="take this machine for a Mac")
    parser.addoption("--without-git", action="store_true", help="take it for one without Apple's command line tools")
    parser.addoption("--all", action="store_true", help="run also the tests that are left to the night")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--all") and "HYPOTHESIS_PROFILE" not in os.environ:
        settings.load_profile("more")
    if config.getoption("--as-darwin"):
        as_darwin.begin(with_git=not config.getoption("--without-git"))
    if TEMPROOT not in os.environ and IN_MEMORY.is_dir():
        room = os.statvfs(IN_MEMORY)
        # Docker lets nothing run from there, also where `--shm-size` makes it large enough; tests run scripts.
        if room.f_bavail * room.f_frsize >= ENOUGH_BYTES and not room.f_flag & os.ST_NOEXEC:
            os.environ[TEMPROOT] = str(IN_MEMORY)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what needs a package registry, and what is left to the night, unless `-m` asks for it or `--all`
    does for the night's, skips on macOS what asks Linux, and orders the rest.
    """
    seed = config.getoption("--any-order")
    if seed is not None:
        items[:] = in_any_order(items, seed)
    is_linux = sys.platform == "linux" and not config.getoption("--as-darwin")
    for item in items:
        if not is_linux and (mark := item.get_closest_marker("linux")) is not None:
            item.add_marker(pytest.mark.skip(reason=f"asks Linux: {mark.args[0]}"))
    asked = config.getoption("markexpr") + (" night" if config.getoption("--all") else "")
    without = [name for name in ("network", "night") if name not in asked]
    left_out = [item for item in items if any(map(item.get_closest_marker, without))]
    kept = set(items) - set(left_out)
    items[:] = [item for item in items if item in kept]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """In a new checkout, two processes rewrite the asserts of half of the files each; else each worker those of all."""
    rewritten = any(Path(__file__).parent.glob("tests/unit/__pycache__/test_*-pytest-*.pyc"))
    if rewritten or sys.dont_write_bytecode or config.getoption("file_or_dir"):
        return
    folders = [config.rootpath / name for name in config.getini("testpaths")]
    files = sorted(path for folder in folders for path in folder.rglob("test_*.py"))
    command = (sys.executable, "-m", "pytest", "--collect-only", "-qq", "-n", "0")
    halves = (files[::2], files[1::2])
    for process in [Popen([*command, *half], cwd=config.rootpath, stdout=DEVNULL, stderr=DEVNULL) for half in halves]:
        process.wait()


def pytest_collection() -> None:
    """Until all tests are collected, next to nothing of what was made is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nine thousand tests live to the end: the garbage collector need not look through them again and again."""
    gc.freeze()
    gc.enable()


def in_any_order(items: Sequence[pytest.Item], seed: int) -> list[pytest.Item]:
    """Returns the tests in another order; those of a file stay together, so that what they share is made once."""
    chance = random.Random(seed)
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    files = list(by_file.values())
    chance.shuffle(files)
    for tests in files:
        chance.shuffle(tests)
    return [item for tests in files for item in tests]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new path for each test: pytest's own search for the next free name takes longer with each test before."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / f"home{number}" for number in count())


@pytest.fixture(scope="session", autouse=True)
def author(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What several tests share is made before a test has its home folder: git knows an author there too.

    A new repository has none of git's examples of hooks, thirteen files each.
    """
    path = tmp_path_factory.mktemp("author") / ".gitconfig"
    path.write_text(GIT_CONFIG)
    template = path.with_name("template")
    (template / "hooks").mkdir(parents=True)
    (template / "info").mkdir()
    (template / "info" / "exclude").write_text("# patterns\n")
    (template / "description").write_text("a repository\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in LEADS_ELSEWHERE:
            patch.delenv(name, raising=False)
        patch.setenv("GIT_CONFIG_GLOBAL", str(path))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TEMPLATE_DIR", str(template))
        yield


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder for this test alone, for one marked `on_disk` never below `/dev`; git knows an author in it
    and nothing of the machine's settings.
    """
    home = next(homes)
    if request.node.get_closest_marker("on_disk") is not None:
        folder = TemporaryDirectory()
        request.addfinalizer(folder.cleanup)
        home = Path(folder.name).resolve() / "home"
    home.mkdir(mode=0o700)
    for name, folder in XDG.items():
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CARRYOVER_HOME", str(home / ".carryover"))
    git_config = home / ".gitconfig"
    git_config.write_text(GIT_CONFIG)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(git_config))
    monkeypatch.setattr(DISKS, "silent", {})  # one test's silent disk is none in the next
    monkeypatch.setattr(memory, "KNOWN", {})  # nor is what stood in git's place
    _guard_real_home(home, monkeypatch)
    return home


def _guard_real_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = os.path.expanduser

    def expanduser(path: str) -> str:
        if not str(path).startswith("~"):
            return str(Path(path))
        found = Path(resolve(path))
        leads_home = any(found.is_relative_to(real) for real in REAL_HOMES) and not found.is_relative_to(home)
        if leads_home:
            pytest.fail(f"resolved the real home folder from {path!r}")
        return str(found)

    monkeypatch.setattr(os.path, "expanduser", expanduser)
