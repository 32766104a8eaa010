"""The bill of materials (CycloneDX) of an installation with pip: every package, and what the page brings along."""

from __future__ import annotations

import base64
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from common import REQUIREMENTS, ROOT, VENDOR, VERSION, Release, run, sha256


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
    own["components"] = vendored()
    text = json.dumps(document, indent=1, sort_keys=True)
    (dist / f"carryoverd-{VERSION}.cdx.json").write_text(text, "utf-8")


def vendored() -> list[dict[str, Any]]:
    """The libraries that the page in the browser brings along, as they say of themselves."""
    stated: dict[str, dict[str, Any]] = tomllib.loads((VENDOR / "vendored.toml").read_text("utf-8"))
    return [_library(name, library) for name, library in stated.items()]


def _library(name: str, stated: dict[str, Any]) -> dict[str, Any]:
    digest = base64.b64decode(stated["integrity"].removeprefix("sha512-"))
    return {
        "type": "library",
        "name": name,
        "version": stated["version"],
        "bom-ref": stated["package"],
        "purl": stated["package"],
        "licenses": [{"license": {"id": stated["licence"]}}],
        "hashes": [{"alg": "SHA-512", "content": digest.hex()}],
        "externalReferences": [{"type": "vcs", "url": stated["source"]}],
    }
