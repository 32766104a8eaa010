"""The bill of materials (CycloneDX) of an installation with pip of every package."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from common import REQUIREMENTS, ROOT, VERSION, Release, run, sha256


def write(release: Release, scratch: Path, dist: Path) -> None:
    """`carryoverd-VERSION.cdx.json`, from an environment with all packages at their locked versions."""
    environment = scratch / "env"
    made = scratch / "sbom.json"
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", str(environment))
    into = ("--quiet", "--python", str(environment / "bin/python"), "--constraints", str(REQUIREMENTS / "dev.txt"))
    run(*uv, "pip", "install", *into, f"carryoverd @ {release.wheel.as_uri()}")
    tool = (str(Path(sys.executable).with_name("cyclonedx-py")), "environment", "--output-reproducible")
    about = ("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-file", str(made))
    run(*tool, *about, str(environment / "bin/python"))
    document: dict[str, Any] = json.loads(made.read_text("utf-8"))
    own = document["metadata"]["component"]
    own |= {"version": VERSION, "hashes": [{"alg": "SHA-256", "content": sha256(release.wheel)}]}
    text = json.dumps(document, indent=1, sort_keys=True)
    (dist / f"carryoverd-{VERSION}.cdx.json").write_text(text, "utf-8")
