"""The service templates: one of each, shipped with the package, and explained."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path

import carryover

PACKAGE = Path(carryover.__file__).parent
ROOT = Path(__file__).parents[3]
PACKAGING = ROOT / "packaging"
TEMPLATES = ("carryoverd.service", "com.carryover.carryoverd.plist")


def test_the_files_for_packagers_are_the_templates_themselves() -> None:
    assert [(PACKAGING / name).resolve() for name in TEMPLATES] == [
        (PACKAGE / "install" / name).resolve() for name in TEMPLATES
    ]


def test_every_setting_is_explained() -> None:
    explained = (PACKAGING / "README.md").read_text()
    unit = set(re.findall(r"^(\w+)=", (PACKAGING / TEMPLATES[0]).read_text(), re.MULTILINE))
    agent = set(plistlib.loads((PACKAGING / TEMPLATES[1]).read_bytes()))
    plain = {"Description", "ExecStart", "Label", "ProgramArguments", "EnvironmentVariables"}

    assert sorted(name for name in (unit | agent) - plain if f"`{name}" not in explained) == []
