"""Files that the last command of a PowerShell script certainly wrote."""

from __future__ import annotations

import pytest

from carryover.records.shell_files import changes
from support.costs import costing_little

TEXT = "@'\n<p>Cap; of {} prices</p>\nSet-Content other.md\n'@"


@pytest.mark.parametrize(
    ("script", "path"),
    [
        (f"Set-Content -Path 'docs/cap.md' -Value {TEXT} -Encoding UTF8", "docs/cap.md"),
        (f"{TEXT} | Set-Content docs/cap.md", "docs/cap.md"),
        (f'$text = {TEXT};\nAdd-Content -LiteralPath "docs/the cap.md" -Value $text;\n', "docs/the cap.md"),
        ("$c = Get-Content -Raw a.ts; $c -replace 'a', 'b' | Out-File -FilePath a.ts", "a.ts"),
        ("cd shop; $c | Out-File /srv/shop/a.ts", "a.ts"),
        ("$path='a.ts'; $c = Get-Content -Raw $path;\r\nset-content $path $c", "a.ts"),
    ],
)
def test_the_file_that_the_last_command_wrote_is_changed(script: str, path: str) -> None:
    assert [(one.path, one.change) for one in changes(script, "/srv/shop")] == [(f"/srv/shop/{path}", "modify")]


@pytest.mark.parametrize(
    "script",
    [
        "Set-Content a.ts $c; npm test",  # may have failed
        "if ($old) { Set-Content a.ts $c }",
        "if ($old) {\n  $c\n  Set-Content a.ts $c\n}",
        "Set-Content $path $c",
        "$path = Join-Path $root 'a.ts'; Set-Content $path $c",
        "$path = 'a.ts'; $path = 'b.ts'; Set-Content $path $c",
        'Set-Content "$root/a.ts" $c',
        "Get-ChildItem | Set-Content *.ts",
        "Set-Content -Value $c -Path a.ts",
        'cd shop && powershell -Command "Set-Content a.ts 1" && echo ok',
        "cd shop; Set-Content a.ts $c",
        "Push-Location shop\n$c | Out-File a.ts",
        "@'\nSet-Content a.ts",
        "grep -rn 'Set-Content a.ts' docs",
    ],
)
def test_nothing_is_guessed(script: str) -> None:
    assert changes(script, "/srv/shop") == ()


def test_a_long_name_of_a_variable_costs_no_time() -> None:
    """No pattern is made of it, which would take a hundred times its length in memory."""
    name = "a" * 4_000_000
    with costing_little():
        found = changes(f"${name} = 'a.ts'; Set-Content ${name} $c", "/srv/shop")

    assert [one.path for one in found] == ["/srv/shop/a.ts"]
