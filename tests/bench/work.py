"""What is said and read in a generated conversation: prompts, answers and code like those of a real day of work.

The code that is read, searched and edited is that of Python's own library: it lies on every machine and is real code,
with the words (password, token, Authorization...) that a search for secrets has to look at.
"""

from __future__ import annotations

import random
import re
import sysconfig
from functools import cache
from pathlib import Path
from typing import Final

MODULES: Final = (
    "argparse.py",
    "configparser.py",
    "csv.py",
    "difflib.py",
    "ftplib.py",
    "http/client.py",
    "shutil.py",
    "smtplib.py",
    "ssl.py",
    "subprocess.py",
    "tarfile.py",
    "urllib/request.py",
)

PROMPTS: Final = (
    "Add a timeout to `{name}` in {file}. Keep the signature as it is, callers rely on it.",
    "`{name}` fails when the input is empty, can you find out why and write a test that shows it?",
    "Split {file}: `{name}` and what belongs to it should have a module of their own.",
    "The build is red since yesterday, something in {file} around `{name}`. Repair it, no workaround please.",
    "ok, go on",
    "Please look at how `{name}` treats errors and make it tell which file was meant.",
    "yes, the second one",
)
RULINGS: Final = (
    "From now on always run the tests before you say that something is done.",
    "Never touch the migrations, they are released.",
    "Don't add dependencies. We use the standard library only.",
)
ANSWERS: Final = (
    "Done: `{name}` checks its input first, and the tests pass. Next I would do the same for its callers in {file}.",
    "I changed `{name}` in {file} and added a test. One test still fails because the fixture has no trailing newline.",
    "`{name}` returned early when the list was empty. Fixed. Should the error name the file, or only its number?",
    "There are two ways: (a) a small cache beside `{name}`, (b) reading {file} once at the start. Which do you prefer?",
)


class Code:
    """The source files of a project, as `(name, lines)`, and the names of functions in them."""

    def __init__(self) -> None:
        library = Path(sysconfig.get_paths()["stdlib"])
        texts = {name: (library / name).read_text(encoding="utf-8") for name in MODULES}
        self.files = {f"src/{name.replace('/', '_')}": text.splitlines() for name, text in texts.items()}
        self.names = {
            file: re.findall(r"^ *def (\w+)", "\n".join(lines), re.MULTILINE) for file, lines in self.files.items()
        }
        self.all_text = "\n".join(texts.values())

    def some(self, chance: random.Random) -> tuple[str, str]:
        """A file and the name of a function in it."""
        file = chance.choice(list(self.files))
        return file, chance.choice(self.names[file])

    def part(self, chance: random.Random, file: str, most: int) -> tuple[int, list[str]]:
        """Some lines of `file` and the number of the first, from 1."""
        lines = self.files[file]
        length = chance.randint(5, most)
        start = chance.randrange(max(1, len(lines) - length))
        return start + 1, lines[start : start + length]


@cache
def code() -> Code:
    return Code()
