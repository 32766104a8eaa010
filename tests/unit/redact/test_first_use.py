"""Redacting something short in a command at a prompt does not wait for patterns that the text has no use for."""

from __future__ import annotations

import subprocess
import sys

LOAD = """
import gc
from carryover.redact import named, places, private_keys, redact, tokens
from carryover.text.pattern import later
patterns = [each for each in gc.get_objects() if type(each) is type(later(""))]
used = lambda: sum(len(vars(each)) > len(vars(later(""))) for each in patterns)
print(used())
redact("- `receipt.py`: edited 3 min earlier, tests fail; the key of the fixture has no discount yet")
print(used())
redact("TOKEN=glsa_" + "a8" * 16 + "_0123abcd")
print(used())
"""


def test_a_pattern_is_compiled_when_a_text_needs_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)

    at_import, for_a_line, for_a_secret = map(int, done.stdout.split())
    assert at_import == 0
    assert for_a_line < 12
    assert for_a_line < for_a_secret < 40
