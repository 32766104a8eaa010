from __future__ import annotations

from pathlib import Path

import pytest

from carryover.config import Config, ProjectsConfig, project_settings


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("~/work/app", True),
        ("~/work", True),
        ("~/work/*", True),
        ("~/*/app", True),
        ("~/work/**", True),
        ("app", True),
        ("work/a*", True),
        ("~/work/ap", False),
        ("~/app", False),
        ("/srv/app", False),
        ("~nobody-of-that-name/app", False),
    ],
)
def test_a_pattern_excludes_a_folder_and_what_lies_below(home: Path, pattern: str, excluded: bool) -> None:
    config = Config(projects=ProjectsConfig(exclude=(pattern,)))
    reason = f"[projects] exclude = {pattern!r} in config.toml"

    (home / "work" / "app").mkdir(parents=True)
    (home / "link").symlink_to("work/app")

    found = [project_settings(home / path, config).excluded for path in ("work/app", "work/app/lib/deep", "link")]

    assert found == [reason if excluded else None] * 3


@pytest.mark.parametrize("pattern", ["~/clients/*", "~/clients", "~/clients/ac*", "~/*/acme", "~/gone/*"])
def test_a_pattern_may_name_a_folder_through_a_link(home: Path, tmp_path: Path, pattern: str) -> None:
    """Projects are recorded by their real paths: a home folder may be a link, or what is in it lead to another disk."""
    disk = tmp_path / "disk [b]"
    (disk / "acme").mkdir(parents=True)
    (home / "clients").symlink_to(disk)
    config = Config(projects=ProjectsConfig(exclude=(pattern,)))

    leads_there = pattern.startswith("~/clients")
    assert (project_settings(disk / "acme", config).excluded is not None) is leads_there
