"""The command that updates Carryover, by how it was installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carryover.actions.version import runnable
from carryover.how_installed import (
    HowInstalled,
    OnPath,
    deduced_from,
    on_path,
    on_path_here,
)
from support.tools import versioned

SITE = "lib/python3.11/site-packages/carryover"


def facts(prefix: Path, **more: Any) -> dict[str, Any]:
    """An environment at `prefix`, made by pip."""
    given: dict[str, Any] = {
        "python": prefix / "bin/python",
        "prefix": prefix,
        "base_prefix": Path("/usr"),
        "package": prefix / SITE,
        "installed": True,
        "installer": "pip",
    }
    return given | more


def url(**more: Any) -> bytes:
    return json.dumps(more).encode()


FROM_FOLDER = url(url="file:///src/c", dir_info={})
EDITABLE = url(url="file:///src/c", dir_info={"editable": True})
FROM_GIT = url(url="https://x.invalid/c.git", vcs_info={"vcs": "git"})
ALONE = "'pyrage>=1.4,<2'"


def environment(tmp_path: Path, mark: str, name: str = "env") -> Path:
    prefix = tmp_path / name
    prefix.mkdir()
    if mark:
        (prefix / mark).touch()
    return prefix


USER = Path("/home/dev/.local/lib/python3.11/site-packages")
VENV = "virtual environment"
OF_USER = {"python": Path("/usr/bin/python3"), "package": USER / "carryover", "user_packages": USER}


@pytest.mark.parametrize(
    ("more", "by", "update"),
    [
        ({"installer": "brew"}, "Homebrew", "brew upgrade carryoverd"),
        ({"installer": "npm"}, "npm", "npm install --global carryoverd@latest"),
        ({"installer": "dpkg"}, "dpkg", "sudo apt install ./carryoverd_*.deb"),
        ({"installer": "pacman"}, "pacman", "git pull && makepkg -si"),
        ({}, VENV, "/e/bin/python -m pip install --upgrade carryoverd"),
        (
            {"python": Path("/my env/python")},
            "virtual environment",
            "'/my env/python' -m pip install --upgrade carryoverd",
        ),
        ({"installer": "uv"}, VENV, "uv pip install --python /e/bin/python --upgrade carryoverd"),
        ({"mark": "pipx_metadata.json"}, "pipx", "pipx upgrade e"),
        ({"mark": "uv-receipt.toml"}, "uv tool", "uv tool upgrade e"),
        (
            {**OF_USER, "base_prefix": Path("/e")},
            "pip, for this user",
            "/usr/bin/python3 -m pip install --user --upgrade carryoverd",
        ),
    ],
)
def test_an_environment_is_updated_by_what_made_it(tmp_path: Path, more: Any, by: str, update: str) -> None:
    prefix = environment(tmp_path, more.get("mark", ""), "e")
    given = {name: prefix if value == Path("/e") else value for name, value in more.items() if name != "mark"}

    how = deduced_from(**facts(prefix, **given))

    assert (how.by, how.update.partition("  #")[0].replace(str(prefix), "/e")) == (by, update)


def test_a_source_tree_and_an_editable_checkout_also_in_an_environment_of_pipx(tmp_path: Path) -> None:
    (tmp_path / "pipx_metadata.json").touch()
    editable = facts(tmp_path, direct_url=url(url="file:///srv/my%20src", dir_info={"editable": True}))

    update = f"git -C '/srv/my src' pull && {tmp_path}/bin/python -m pip install -e '/srv/my src'"
    assert deduced_from(**editable)[:2] == ("editable checkout", update)

    package = tmp_path / "src" / "carryover"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    source = facts(Path("/usr"), package=package, installed=False)
    assert deduced_from(**source)[:2] == ("not installed, run from its source", f"git -C {tmp_path} pull")


@pytest.mark.parametrize(
    ("direct_url", "wanted"),
    [
        (FROM_FOLDER, "/src/c"),
        (url(url="https://x.invalid/c.git", vcs_info={"vcs": "git"}), "'carryoverd @ git+https://x.invalid/c.git'"),
        (url(url="https://x.invalid/c.whl", archive_info={}), "'carryoverd @ https://x.invalid/c.whl'"),
        (b"not json", "carryoverd"),
        (b"", "carryoverd"),
    ],
)
def test_what_came_from_elsewhere_is_updated_from_there(direct_url: bytes, wanted: str) -> None:
    update = deduced_from(**facts(Path("/srv/env"), direct_url=direct_url)).update

    pull = "git -C /src/c pull && " if wanted == "/src/c" else ""
    assert update == f"{pull}/srv/env/bin/python -m pip install --upgrade {wanted}"


@pytest.mark.parametrize(
    ("mark", "update"),
    [("uv-receipt.toml", "uv tool upgrade env"), ("pipx_metadata.json", "pipx upgrade env")],
)
def test_a_checkout_is_pulled_before_it_is_installed_again(tmp_path: Path, mark: str, update: str) -> None:
    given = facts(environment(tmp_path, mark), direct_url=FROM_FOLDER)

    assert deduced_from(**given).update == f"git -C /src/c pull && {update}"


@pytest.mark.parametrize(
    ("more", "mark", "command"),
    [
        ({}, "pipx_metadata.json", "pipx install --force 'carryoverd[all]'"),
        ({}, "uv-receipt.toml", "uv tool install 'carryoverd[all]'"),
        ({"direct_url": FROM_FOLDER}, "uv-receipt.toml", "uv tool install '/src/c[all]'"),
        ({"direct_url": FROM_FOLDER}, "pipx_metadata.json", "pipx install --force '/src/c[all]'"),
        ({}, "", "PREFIX/bin/python -m pip install 'carryoverd[all]'"),
        ({"direct_url": EDITABLE}, "", "PREFIX/bin/python -m pip install -e '/src/c[all]'"),
        (
            {"direct_url": FROM_GIT},
            "",
            "PREFIX/bin/python -m pip install 'carryoverd[all] @ git+https://x.invalid/c.git'",
        ),
        ({"installer": "uv"}, "", "uv pip install --python PREFIX/bin/python 'carryoverd[all]'"),
        ({"installer": "npm"}, "", f"python3 -m pip --python PREFIX/bin/python install {ALONE}"),
        ({"installer": "dpkg"}, "", f"sudo python3 -m pip --python PREFIX/bin/python install {ALONE}"),
        ({"installed": False}, "", f"PREFIX/bin/python -m pip install {ALONE}"),
    ],
)
def test_what_extras_ask_for_comes_into_this_copy(tmp_path: Path, more: Any, mark: str, command: str) -> None:
    prefix = environment(tmp_path, mark)

    assert deduced_from(**facts(prefix, **more)).complete == command.replace("PREFIX", str(prefix))


HOW: HowInstalled = deduced_from(**facts(Path("/srv/env")))


@pytest.fixture
def own(home: Path) -> Path:
    return versioned(home / "venv" / "bin" / "carryover", "1")


def test_its_folder_or_a_link_to_it_is_enough_unless_another_installation_comes_first(home: Path, own: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "carryover").symlink_to(own)

    assert on_path({"PATH": str(own.parent)}, HOW, own) == OnPath()
    assert on_path({"PATH": f"/nowhere:{home}/bin"}, HOW, own) == OnPath()

    other = versioned(home / "other" / "carryover", "0")
    found = on_path({"PATH": f"{other.parent}:{own.parent}"}, HOW, own)
    assert found.problem == f"`carryover` is another installation here: {other}."


@pytest.mark.parametrize(
    ("mark", "name", "remedy"),
    [
        ("pipx_metadata.json", "env", "Run `pipx ensurepath`, then open a new shell."),
        ("uv-receipt.toml", "env", "Run `uv tool update-shell`, then open a new shell."),
        ("", "archive-v0/env", "Run `uv tool install carryoverd`, then open a new shell."),
        ("", "env", 'Add `export PATH="{folder}:$PATH"` to your shell\'s profile, then open a new shell.'),
    ],
)
def test_each_way_of_installing_has_its_remedy(tmp_path: Path, own: Path, mark: str, name: str, remedy: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    how = deduced_from(**facts(environment(tmp_path, mark, name)))
    found = on_path({"PATH": "/nowhere"}, how, own)

    assert found.problem == "`carryover` is not on the PATH of this shell."
    assert found.remedy == remedy.format(folder=own.parent)
    assert found.command == str(own)


def test_hints_name_a_command_that_works_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    on_path_here.cache_clear()
    command = on_path_here().command

    assert Path(command).is_absolute()
    assert runnable("Run `carryover refresh`; carryover is fine.") == f"Run `{command} refresh`; carryover is fine."
    assert runnable("Start it: `carryoverd`.") == f"Start it: `{command}d`."
    on_path_here.cache_clear()
