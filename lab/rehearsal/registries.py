"""A package index and an npm registry on loopback, as static files: what a release would have published there."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

NAME: Final = "carryoverd"


class Registries:
    """Serves from `folder`. A release is there from the moment that it is published, and stays."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._address = f"http://127.0.0.1:{port}"

    @property
    def index(self) -> str:
        """Address of the package index, for pip and uv."""
        return f"{self._address}/simple/"

    @property
    def npm(self) -> str:
        """Address of the npm registry."""
        return f"{self._address}/npm/"

    def publish(self, packages: Iterable[Path]) -> None:
        """Adds wheels and source archives to the index, and a tarball of npm's to the registry."""
        for package in packages:
            files = self._folder / ("npm-files" if package.name.endswith("-npm.tgz") else "files")
            files.mkdir(parents=True, exist_ok=True)
            shutil.copy(package, files)
        self._write("simple/carryoverd/index.html", simple_page(sorted((self._folder / "files").iterdir())))
        tarballs = sorted((self._folder / "npm-files").glob("*"))
        if tarballs:
            self._write(f"npm/{NAME}", json.dumps(npm_document(tarballs, f"{self._address}/npm-files")))

    def _write(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def simple_page(files: Iterable[Path]) -> str:
    """Returns the page of a project in the simple repository API of PyPI; `files` are two folders above it."""
    links = (
        f'<a href="../../files/{html.escape(file.name)}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">'
        f"{html.escape(file.name)}</a><br>"
        for file in files
    )
    return "\n".join(("<!DOCTYPE html>", "<html><body>", *links, "</body></html>"))


def npm_document(tarballs: Iterable[Path], address: str) -> dict[str, Any]:
    """Returns what an npm registry answers about the package; the last of `tarballs` is the latest version."""
    versions = {}
    for tarball in tarballs:
        stated = _manifest(tarball)
        digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
        dist = {"tarball": f"{address}/{tarball.name}", "integrity": f"sha512-{digest}"}
        versions[stated["version"]] = {**stated, "hasInstallScript": "scripts" in stated, "dist": dist}
    return {"name": NAME, "dist-tags": {"latest": list(versions)[-1]}, "versions": versions}


def _manifest(tarball: Path) -> dict[str, Any]:
    with tarfile.open(tarball) as packed:
        file = packed.extractfile("package/package.json")
        assert file is not None
        found: dict[str, Any] = json.load(file)
    return found


@contextmanager
def served(folder: Path) -> Iterator[Registries]:
    """Serves both from `folder` on a free port of 127.0.0.1 meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answer, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Registries(folder, server.server_address[1])
        finally:
            server.shutdown()


class _Answer(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        # uv would not look again for ten minutes, and so not see what is published meanwhile.
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass
