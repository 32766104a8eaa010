"""Debian packages: a private environment in /usr/lib/carryoverd, for each release's Python and architecture.

The dependencies of Carryover are newer than Debian's packages of them, so they are part of it, as locked.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from common import PACKAGING, REQUIREMENTS, ROOT, VERSION, Release, filled, run

PYTHON_OF: Final = {"bookworm": "3.11", "noble": "3.12", "trixie": "3.13"}
"""Debian 12, Ubuntu 24.04, Debian 13, with their Python: compiled modules fit one version."""
PLATFORM_OF: Final = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
HOME: Final = Path("usr/lib/carryoverd")


def build_all(release: Release, scratch: Path, dist: Path) -> None:
    """A package for each release and architecture, in `dist`."""
    for suite, python in PYTHON_OF.items():
        for arch, platform in PLATFORM_OF.items():
            root = scratch / f"{suite}-{arch}"
            _environment(release, root / HOME, python, platform)
            _around_it(release, root)
            _control(root, suite, arch)
            name = f"carryoverd_{VERSION}-1_{suite}_{arch}.deb"  # GitHub would rename a `~`
            run("dpkg-deb", "--root-owner-group", "-Zxz", "-z2", "--build", str(root), str(dist / name))
            shutil.rmtree(root)


def _environment(release: Release, home: Path, python: str, platform: str) -> None:
    """A virtual environment as `python -m venv` makes it, filled for a Python that need not be on this machine."""
    packages = home / f"lib/python{python}/site-packages"
    target = ("--target", str(packages), "--python-version", python, "--python-platform", platform)
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *target)
    run(*uv, "--require-hashes", "--requirements", str(REQUIREMENTS / "run.txt"))
    run(*uv, str(release.wheel))
    for made_here in ("bin", "share", ".lock"):
        path = packages / made_here
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    [info] = packages.glob("carryoverd-*.dist-info")
    for own in ("direct_url.json", "uv_cache.json"):
        (info / own).unlink(missing_ok=True)
    (info / "INSTALLER").write_text("dpkg\n")
    (home / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n")
    (home / "bin").mkdir()
    for name in ("python", "python3"):
        (home / "bin" / name).symlink_to(f"/usr/bin/python{python}")
    for name, module in (("carryover", "main"), ("carryoverd", "carryoverd")):
        script = home / "bin" / name
        script.write_text(
            f"#!/{HOME}/bin/python3\nimport sys\n\nfrom carryover.faces.cli.{module} import main\n\nsys.exit(main())\n"
        )
        script.chmod(0o755)


def _around_it(release: Release, root: Path) -> None:
    """The commands on PATH, manual pages, licence and the user's service."""
    (root / "usr/bin").mkdir()
    for name in ("carryover", "carryoverd"):
        (root / "usr/bin" / name).symlink_to(f"../lib/carryoverd/bin/{name}")
    manual = root / "usr/share/man/man1"
    manual.mkdir(parents=True)
    with ZipFile(release.wheel) as wheel:
        for name in sorted(name for name in wheel.namelist() if "/share/man/man1/" in name):
            page = manual / Path(name).name
            page.write_bytes(wheel.read(name))
            run("gzip", "-9n", str(page))
    documents = root / "usr/share/doc/carryoverd"
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents / "copyright")
    unit = root / "usr/lib/systemd/user/carryoverd.service"
    unit.parent.mkdir(parents=True)
    text = (PACKAGING / "carryoverd.service").read_text("utf-8")
    unit.write_text(text.replace("@COMMAND@", "/usr/bin/carryoverd").replace("@ENVIRONMENT@\n", ""), "utf-8")


def _control(root: Path, suite: str, arch: str) -> None:
    """Metadata and the two scripts that compile and remove Python's bytecode, which nobody else may write there."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files) // 1024
    (root / "DEBIAN").mkdir()
    python = PYTHON_OF[suite]
    values = {"VERSION": f"{VERSION}-1~{suite}", "ARCH": arch, "PYTHON": python, "SIZE": str(size)}
    (root / "DEBIAN/control").write_text(filled(PACKAGING / "debian/control", **values), "utf-8")
    for name in ("postinst", "prerm"):
        script = root / "DEBIAN" / name
        script.write_text(filled(PACKAGING / "debian" / name, PYTHON=python), "utf-8")
        script.chmod(0o755)
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
