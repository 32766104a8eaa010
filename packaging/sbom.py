"""The bill of materials (CycloneDX) of an installation with pip: every package, and what is inside of one."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
from pathlib import Path
from typing import Any, Final

from common import REQUIREMENTS, ROOT, VENDOR, VERSION, Release, run, sha256, sources

PACK: Final = "tree-sitter-language-pack"


def write(release: Release, scratch: Path, dist: Path) -> None:
    """`carryoverd-VERSION.cdx.json`, from an environment with all packages at their locked versions."""
    environment = scratch / "env"
    made = scratch / "sbom.json"
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", str(environment))
    into = ("--quiet", "--python", str(environment / "bin/python"), "--constraints", str(REQUIREMENTS / "dev.txt"))
    run(*uv, "pip", "install", *into, f"carryoverd[lean] @ {release.wheel.as_uri()}")
    tool = (str(Path(sys.executable).with_name("cyclonedx-py")), "environment", "--output-reproducible")
    about = ("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-file", str(made))
    run(*tool, *about, str(environment / "bin/python"))
    document: dict[str, Any] = json.loads(made.read_text("utf-8"))
    own = document["metadata"]["component"]
    own |= {"version": VERSION, "hashes": [{"alg": "SHA-256", "content": sha256(release.wheel)}]}
    own["components"] = vendored()
    [pack] = (found for found in document["components"] if found["name"] == PACK)
    [bindings] = environment.glob(f"lib/*/site-packages/{PACK.replace('-', '_')}/bindings")
    pack["components"] = _grammars({path.name.partition(".")[0] for path in bindings.iterdir()}, pack["version"])
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


def _grammars(shipped: set[str], version: str) -> list[dict[str, Any]]:
    """The grammars inside the pack's wheel. Only its source archive says of which repository and commit each is."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(f"{PACK}=={version}\n")
        wanted.flush()
        [source] = sources(wanted.name, "--no-deps")
    with urllib.request.urlopen(source["url"], timeout=300) as answer:
        archive = answer.read()
    if hashlib.sha256(archive).hexdigest() != source["sha256"]:
        sys.exit(f"{source['url']} is not the file that the index names. The bill of materials was not written.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        [name] = (name for name in files.getnames() if name.endswith("/sources/language_definitions.json"))
        definitions: dict[str, dict[str, str]] = json.load(files.extractfile(name) or io.BytesIO(b"{}"))
    return [_grammar(name, definitions.get(name, {})) for name in sorted(shipped - {"__init__", "py"})]


def _grammar(name: str, origin: dict[str, str]) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "library", "name": f"tree-sitter-{name}", "bom-ref": f"grammar-{name}"}
    if origin:
        component["version"] = origin["rev"]
        component["externalReferences"] = [{"type": "vcs", "url": origin["repo"]}]
    return component
