"""A wheel of the package as it lies in `src`, under any version: for tests of what an upgrade does."""

from __future__ import annotations

import zipfile
from pathlib import Path

import carryover

PACKAGE = Path(carryover.__file__).parent
SCRIPTS = "[console_scripts]\ncarryover = carryover.cli.main:main\ncarryoverd = carryover.cli.carryoverd:main\n"


def make_wheel(folder: Path, version: str) -> Path:
    """Write the wheel into `folder`. The program in it says that it is `version`."""
    info = f"carryoverd-{version}.dist-info"
    path = folder / f"carryoverd-{version}-py3-none-any.whl"
    contents = {f"carryover/{file.relative_to(PACKAGE)}": file.read_bytes() for file in _files()}
    contents["carryover/__init__.py"] = f'__version__ = "{version}"\n'.encode()
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: carryoverd\nVersion: {version}\n".encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/entry_points.txt"] = SCRIPTS.encode()
    record = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in {**contents, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(name, data)
    return path


def _files() -> list[Path]:
    return [file for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
