"""The Homebrew formula and the AUR recipe: templates, filled with addresses and SHA-256 of a release."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from common import DOWNLOADS, PACKAGING, ROOT, VERSION, Release, filled, run, sha256, sources, with_hashes

_RESOURCE: Final = """\
  resource "{name}" do
    url "{url}"
    sha256 "{sha256}"
  end
"""
_FIELDS: Final = """
for name in pkgdesc pkgver pkgrel url arch license makedepends depends noextract options source sha256sums; do
  declare -n values=$name
  for value in "${values[@]}"; do printf '\\t%s = %s\\n' "$name" "$value"; done
done
"""
"""Prints a recipe's fields as `makepkg --printsrcinfo` does."""


def homebrew(release: Release, dist: Path) -> None:
    """`carryoverd.rb`, with a resource for each dependency that macOS and Homebrew's Python need."""
    python = "3.14"
    for_mac = ("--python-version", python, "--python-platform", "aarch64-apple-darwin")
    text = filled(
        PACKAGING / "homebrew/carryoverd.rb",
        URL=f"{DOWNLOADS}/{release.sdist.name}",
        SHA256=sha256(release.sdist),
        PYTHON=python,
        RESOURCES="\n".join(
            _RESOURCE.format(**found) for found in sources(str(ROOT / "pyproject.toml"), *for_mac)
        ).rstrip(),
    )
    (dist / "carryoverd.rb").write_text(text, "utf-8")


def arch(release: Release, dist: Path) -> None:
    """`PKGBUILD`, the requirements that it reads, and `SRCINFO`, which is `.SRCINFO` in the AUR's repository."""
    requirements = dist / f"carryoverd-{VERSION}-requirements.txt"
    requirements.write_text(with_hashes(release), "utf-8")
    sums = {"WHEEL_SHA256": sha256(release.wheel), "REQUIREMENTS_SHA256": sha256(requirements)}
    recipe = dist / "PKGBUILD"
    recipe.write_text(filled(PACKAGING / "aur/PKGBUILD", VERSION=VERSION, **sums), "utf-8")
    fields = run("bash", "-c", f"source {recipe}\n{_FIELDS}")
    (dist / "SRCINFO").write_text(f"pkgbase = carryoverd\n{fields}\npkgname = carryoverd\n", "utf-8")
