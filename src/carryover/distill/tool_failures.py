"""Whether a tool call failed in a way that says something of the approach, what it tried, and why it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language import lexicon
from carryover.distill.language.prose import one_line
from carryover.model import ToolResult
from carryover.text import lazy_re as re

_LOOKING: Final = frozenset(
    """
    ls ll cat head tail less more grep egrep rg ag find fd which whereis type stat file wc du df tree pwd cd echo printf
    test [ diff cmp ps pgrep env printenv date whoami id uname sleep true false jq sort uniq sed awk cut tr readlink
    realpath basename dirname kill pkill lsof man history
    """.split()
)
_CMDLET_LOOKING: Final = re.compile(
    r"^(?:get-(?:childitem|content|item|itemproperty|location|command|date|process)|gci|gc|dir|select-string|sls"
    r"|test-path|resolve-path)\b",
    re.I,
)
_NOTHING_FOUND: Final = re.compile(r"\bcannot find\b|\bdoes not exist\b|ObjectNotFound|ItemNotFound", re.I)
_IN_QUOTES: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_WRITES: Final = re.compile(r"(?<![\d&=<-])>{1,2}\s*(?!&|/dev/null)[\w./~$-]|\|\s*tee\b|^sed\s(?:\S+\s)*-i")
"""A command that looks when its output is shown, and writes when that goes into a file."""
_GIT_LOOKING: Final = re.compile(
    r"^git (?:-\S+ )*(?:status|log|diff|show|branch|remote|rev-parse|ls-files|blame|grep|stash list)\b"
)
_PREFIX: Final = re.compile(
    r"^\s*(?:(?:cd|pushd|source|\.|export|set)\s[^&|;]*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=\S+\s+"
    r"|(?:sudo|time|env|timeout \S+)\s+)+"
)
_EXIT_LINE: Final = re.compile(r"^(?:Error: )?Exit code \d+\s*$|^Error:\s*$")
_ONLY_THAT_IT_FAILED: Final = re.compile(
    r"\bexit(?:ed)? (?:with )?(?:status|code)\b|\bnon-?zero exit\b|\bcommand failed\b|\bELIFECYCLE\b"
    r"|^make(?:\[\d+\])?: \*\*\* \[.*Error \d+$|^\W*(?:error|failed|failure)\W*$",
    re.I,
)
"""What a program says of another one that it ran: the cause is in another line, where there is one."""
_LEVEL_OF_NO_FAILURE: Final = re.compile(r"(?:^|[\[|\s])(?:INFO|DEBUG|TRACE)(?=[\]|\s:])")
_WORDS_OF_FAILURE: Final = (
    r"\b(?:error|exception|fatal|failed|failure|cannot|can't|could not|couldn't|unable|not found|no such|denied"
    r"|unknown|invalid|unrecognized|unexpected|refused|timed? ?out|missing|undefined|unsupported|not allowed"
    r"|does not|doesn't|conflict|killed|panic|mismatch|incompatible|outdated|requires?|no longer|not supported)\b"
)
_SAYS_WHY: Final = re.compile(_WORDS_OF_FAILURE, re.I)
_SAYS_WHY_IN_SMALL: Final = re.compile(_WORDS_OF_FAILURE)
"""A fifth of the time, and the same in ASCII that was made small."""
_WRAPPED: Final = re.compile(r"(?<=\S) \r?\n(?=\S)")
# PowerShell 7 shows the line of the script, marks the place below it, and then says what is wrong, all behind a margin.
_IN_ANY_PLACE: Final = "Line |"
_SHOWS_PLACE: Final = re.compile(r"^(?:\w+: *)?\s*Line \|[ \r]*$", re.M)
_BEHIND_MARGIN: Final = re.compile(r"^ {0,20}\| +([^~\s].*)$", re.M)
_WRAPPER: Final = "failed in sandbox:"
"""Written by Codex before the output of a command (0.46)."""
_OF_THE_SHELL: Final = re.compile(
    r"/(?:etc/profile|profile\.d|conda\.sh|\.?bashrc|\.?zshrc|nvm\.sh)\S*[:\s]|^\w+:(?:unalias|alias):\d"
    r"|^\(eval\):\d|^(?:\S*/)?\.\w+: line \d+: "
)
"""Complaints of a shell's own start-up files, which come with every output."""
_BUILD_STEP: Final = re.compile(r"^(?:=>|#\d+|\[\d+/\d+\]|------|>)")
_MOST_TELLING: Final = 12
_FEW_LINES: Final = 3
_SAYS_GOOD: Final = re.compile(r"^\W*(?:✓|✅|ok\b|done\b|pass)", re.I)
_SAYS_NONE_FAILED: Final = re.compile(r"\b(?:0|no) (?:errors?|fail(?:ed|ures?))\b", re.I)
_RAISED: Final = re.compile(r"^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit)\b(?::|$)")
# Behind a pipe the exit code is another command's: what begins like this failed all the same.
_HIDDEN_FAILURE: Final = re.compile(r"^(?:error|fatal|panic|Traceback \(most recent call last\))\b", re.I)
_USER_SAID: Final = re.compile(r"the user said:\s*(.+)", re.I | re.S)


def failed(result: ToolResult) -> bool:
    """Did this call fail in a way that says something of the approach? Looking around and refused calls do not, nor
    does a result whose call is not known."""
    if not (result.subject or result.name):
        return False
    if result.never_ran or result.status in ("denied", "interrupted") or result.op in ("read", "search", "plan", "ask"):
        return False
    if result.op == "shell" and (is_looking(result.subject) or _found_nothing(result)):
        return False
    return result.status == "error" or (
        result.op == "shell" and _HIDDEN_FAILURE.match(result.output.lstrip()) is not None
    )


def is_looking(command: str) -> bool:
    """A shell command that only looks around: it finds nothing, it does not fail."""
    main = _PREFIX.sub("", command).strip()
    if _WRITES.search(_IN_QUOTES.sub("", main)):
        return False
    return (main.split(maxsplit=1) or [""])[0] in _LOOKING or _GIT_LOOKING.match(main) is not None


def is_linting(tried: str) -> bool:
    """What was tried is a linter: it marks places in files, and says nothing of an approach."""
    return _LINTER.search(tried) is not None


_LINTER: Final = re.compile(
    r"\b(?:flake8|pylint|pycodestyle|ruff|eslint|stylelint|shellcheck|golint|golangci-lint|clippy|rubocop|ktlint)\b"
)


def _found_nothing(result: ToolResult) -> bool:
    """PowerShell reports what it does not find as an error; a command that it could not understand did not look."""
    main = _PREFIX.sub("", result.subject).strip()
    return _CMDLET_LOOKING.match(main) is not None and _NOTHING_FOUND.search(result.output) is not None


def tried(result: ToolResult) -> str:
    """What was tried, in a few words."""
    subject = one_line(_PREFIX.sub("", result.subject)) or result.name
    if result.op == "shell":
        return f"`{clip(subject.replace('`', ''), chars=120)}`"
    return f"{result.name} {clip(subject, chars=120)}" if subject != result.name else subject


def signature(result: ToolResult) -> str:
    """The same for the same thing tried again: numbers and white space do not count."""
    return f"{result.op}:{_mark(_PREFIX.sub('', result.subject))}"


def program(command: str) -> str:
    """What a command runs, without its arguments: two commands of the same program may be tries at the same thing.
    Empty where it says nothing of the try (an interpreter with a script in the command itself)."""
    words = [word for word in _PREFIX.sub("", command).split() if not word.startswith("-")]
    if not words:
        return ""
    head = words[0].rpartition("/")[2]
    if head in _GENERIC or "<<" in command or re.search(r"\s-[ce]\s", command):
        return ""
    argument = [word for word in words[1:2] if re.fullmatch(r"[\w:.@/-]+", word)]
    tells = bool(argument) or words[0].startswith(("./", "/"))
    return " ".join([head, *argument]) if tells and not _CMDLET_LOOKING.match(head) else ""


_GENERIC: Final = frozenset(
    "cat echo cp mv rm mkdir touch chmod chown tee export set sudo for while if node python python3 bash sh zsh".split()
)


def _mark(subject: str) -> str:
    return re.sub(r"[0-9]+", "#", one_line(subject))[:160]


def is_edit_of(mark: str, path: str) -> bool:
    """Whether a failure with this signature was an edit of the file at `path`, which it may have named in short."""
    if not mark.startswith("edit:"):
        return False
    subject = mark.removeprefix("edit:").replace("\\", "/").removeprefix("./")
    return subject != "" and f"/{_mark(path)}".replace("\\", "/").endswith(f"/{subject.lstrip('/')}")


def why(output: str, *, of_edit: bool = False, only_telling: bool = False) -> str:
    """The line of an output that says best why it failed; the exception's line of a traceback; else the last line.

    An edit that failed says it first; after that comes what it wanted to change. With `only_telling`, empty where no
    line says that something failed.
    """
    if _IN_ANY_PLACE in output and _SHOWS_PLACE.search(output) and (behind := _BEHIND_MARGIN.findall(output)):
        return clip(one_line(" ".join(behind)), chars=200)
    if " \n" in output or " \r\n" in output:
        output = _WRAPPED.sub(" ", output)
    shown = [line.removeprefix(_WRAPPER).lstrip() for part in output.splitlines() if (line := part.strip())]
    # Few lines say why, and the rest costs more to find out.
    signs = [line for line in shown if _RAISED.match(line) or _says_why(line)]
    if not of_edit and (surest := _most_telling([line for line in signs if _is_said(line) and _says_more(line)])):
        return surest
    said = [line for line in shown if line and _is_said(line)]
    lines = [line for line in said if _says_more(line)] or said
    if not lines:
        return ""
    if of_edit:
        return clip(one_line(lines[0]).rstrip(":"), chars=200)
    if telling := _most_telling(lines):
        return telling
    if only_telling or len(lines) > _FEW_LINES or _SAYS_GOOD.match(lines[-1]):
        return ""
    return clip(one_line(lines[-1]), chars=200)


def _most_telling(lines: Sequence[str]) -> str:
    """The last exception's line; else the first line that says why, before that one that is no step of a build."""
    raised = [line for line in lines if _RAISED.match(line)]
    telling = [line for line in lines if _says_why(line)]
    plainly = [line for line in telling[:_MOST_TELLING] if not _BUILD_STEP.match(line)]
    return clip(one_line(next(iter((*raised[-1:], *plainly, *telling)), "")), chars=200)


def _is_said(line: str) -> bool:
    """A line of the command itself: not of the agent, nor of the shell that ran it."""
    return not (_EXIT_LINE.match(line) or _OF_THE_SHELL.search(line))


def _says_more(line: str) -> bool:
    return not (_ONLY_THAT_IT_FAILED.search(line) or _LEVEL_OF_NO_FAILURE.search(line))


def _says_why(line: str) -> bool:
    found = _SAYS_WHY_IN_SMALL.search(line.lower()) if line.isascii() else _SAYS_WHY.search(line)
    return found is not None and not _SAYS_NONE_FAILED.search(line)


def user_said(output: str) -> str | None:
    """The words a user gave when refusing a call, where the agent passes them on."""
    match = _USER_SAID.search(output)
    return one_line(match.group(1)) if match else None


def takes_back(prompt: str) -> bool:
    """Does this prompt undo what was done before it?"""
    return len(prompt) < 600 and lexicon.TAKES_BACK.search(prompt) is not None
