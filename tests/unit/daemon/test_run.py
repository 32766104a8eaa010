from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import carryover

LOADED_THEN = """
import sys
from carryover.daemon.run import load_all
load_all(with_sync=sys.argv[1:] == ["sync"])
print(*(name for name in sys.modules if name == "git" or name.startswith("carryover.")), sep="\\n")
"""


@pytest.mark.parametrize("sync", [(), ("sync",)], ids=["sync is off", "sync is on"])
def test_a_daemon_has_all_of_the_program_but_its_commands(sync: tuple[str, ...]) -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED_THEN, *sync], capture_output=True, text=True, check=True)
    source = Path(carryover.__file__).parent
    modules = {
        ".".join(("carryover", *path.relative_to(source).with_suffix("").parts)).removesuffix(".__init__")
        for path in source.rglob("*.py")
    } - {"carryover"}
    for_people = ("actions", "cli", "diagnose", "install", "page", "terminal", "views", *(() if sync else ("sync",)))
    for_daemons = {name for name in modules if name.split(".")[1] not in for_people}

    assert set(ran.stdout.split()) == for_daemons
