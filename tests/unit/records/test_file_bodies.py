"""The text of a file that a command wrote is on disk: the command is named, its text is not quoted."""

from __future__ import annotations

import pytest

from carryover.records.file_bodies import without_bodies

TEXT = "\n".join(f"price_{number} = {number}" for number in range(120))
PATCH = f"*** Begin Patch\n*** Add File: cart.py\n+{TEXT}\n*** Update File: receipt.py\n@@\n-a\n+b\n*** End Patch"


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (f"cat > cart.py <<'EOF'\n{TEXT}\nEOF\npytest -q", "cat > cart.py <<'EOF' … (120 lines)\npytest -q"),
        (f"cat <<EOF | tee -a notes.md\n{TEXT}\nEOF", "cat <<EOF | tee -a notes.md … (120 lines)"),
        (f"cat > cart.py <<EOF\n{TEXT} …", "cat > cart.py <<EOF …"),
        (f"cat > cart.py <<EOF\n{TEXT} …\nEOF\nmake", "cat > cart.py <<EOF …\nmake"),
        (
            f"python3 - <<'PY'\nfrom pathlib import Path\ntext = '''{TEXT}'''\nPath('cart.py').write_text(text)\nPY",
            "python3 - <<'PY' … (122 lines; cart.py)",
        ),
        (f"apply_patch <<'EOF'\n{PATCH}\nEOF", "apply_patch <<'EOF' … (127 lines; cart.py, receipt.py)"),
    ],
)
def test_a_text_that_becomes_a_file_is_named_by_its_length(command: str, named: str) -> None:
    assert without_bodies(command) == named


@pytest.mark.parametrize(
    "command",
    [
        f"python3 - <<'PY'\n{TEXT}\nprint(price_3)\nPY\nmake",
        "cat > .env.example <<EOF\nPORT=4711\nEOF",
        f"psql shop 2>/dev/null <<'SQL'\n{TEXT}\nSQL",
        "make && ./run",
    ],
)
def test_a_script_that_is_on_no_disk_and_a_short_text_are_quoted(command: str) -> None:
    assert without_bodies(command) == command
