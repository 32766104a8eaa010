"""What was tried and did not work: out of tool results, and out of the user's own "go back"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Failure
from carryover.distill.prose import one_line
from carryover.distill.view import SessionView
from carryover.model import ToolResult

_MOST: Final = 6
_RECENT_MS: Final = 3 * 86_400_000
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
_GIT_LOOKING: Final = re.compile(
    r"^git (?:-\S+ )*(?:status|log|diff|show|branch|remote|rev-parse|ls-files|blame|grep|stash list)\b"
)
_PREFIX: Final = re.compile(
    r"^\s*(?:(?:cd|pushd|source|\.|export|set)\s[^&|;]*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=\S+\s+"
    r"|(?:sudo|time|env|timeout \S+)\s+)+"
)
_EXIT_LINE: Final = re.compile(r"^(?:Error: )?Exit code \d+\s*$|^Error:\s*$")
_SAYS_WHY: Final = re.compile(
    r"\b(?:error|exception|fatal|failed|failure|cannot|can't|could not|couldn't|unable|not found|no such|denied"
    r"|unknown|invalid|unrecognized|unexpected|refused|timed? ?out|missing|undefined|unsupported|not allowed"
    r"|does not|doesn't|conflict|killed|panic)\b",
    re.I,
)
_WRAPPED: Final = re.compile(r"(?<=\S) \r?\n(?=\S)")
# PowerShell 7 shows the line of the script, marks the place below it, and then says what is wrong, all behind a margin.
_SHOWS_PLACE: Final = re.compile(r"^(?:\w+: *)?\s*Line \|[ \r]*$", re.M)
_BEHIND_MARGIN: Final = re.compile(r"^ {0,20}\| +([^~\s].*)$", re.M)
_SAYS_NONE_FAILED: Final = re.compile(r"\b(?:0|no) (?:errors?|fail(?:ed|ures?))\b", re.I)
_RAISED: Final = re.compile(r"^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit)\b(?::|$)")
# Behind a pipe the exit code is another command's: what begins like this failed all the same.
_HIDDEN_FAILURE: Final = re.compile(r"^(?:error|fatal|panic|Traceback \(most recent call last\))\b", re.I)
_USER_SAID: Final = re.compile(r"the user said:\s*(.+)", re.I | re.S)
# A line a language, in the order of `words`; whole sentences of dislike stand behind, for they need no borders.
_UNDO: Final = re.compile(
    r"\b(?:go back to|roll(?:ed)? back|revert|undo|scrap (?:that|this|it)|never ?mind|forget (?:it|that|about)"
    r"|take (?:it|that) (?:out|back)|i (?:do not|don't|dont|really don't) like|not what i (?:asked|wanted|meant)"
    r"|zurück zu|rückgängig"
    r"|reviens"
    r"|vuelve a"
    r"|верни|отмени)\b"
    r"|gefällt mir nicht"
    r"|je n'aime pas"
    r"|no me gusta"
    r"|не нрав[ия]тся|не то,? что я"
    r"|元に戻|気に入らない"
    r"|撤销|回退|不喜欢"
    r"|되돌|마음에 (?:안|들지)",
    re.I,
)


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
    return (main.split(maxsplit=1) or [""])[0] in _LOOKING or _GIT_LOOKING.match(main) is not None


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


def _mark(subject: str) -> str:
    return re.sub(r"[0-9]+", "#", one_line(subject))[:160]


def is_edit_of(mark: str, path: str) -> bool:
    """Whether a failure with this signature was an edit of the file at `path`, which it may have named in short."""
    subject = mark.removeprefix("edit:").replace("\\", "/").removeprefix("./")
    return (
        mark.startswith("edit:")
        and subject != ""
        and f"/{_mark(path)}".replace("\\", "/").endswith(f"/{subject.lstrip('/')}")
    )


def why(output: str, *, of_edit: bool = False) -> str:
    """The line of an output that says best why it failed; the exception's line of a traceback; else the last line.

    An edit that failed says it first; after that comes what it wanted to change.
    """
    if _SHOWS_PLACE.search(output) and (behind := _BEHIND_MARGIN.findall(output)):
        return clip(one_line(" ".join(behind)), chars=200)
    unwrapped = (line.strip() for line in _WRAPPED.sub(" ", output).splitlines())
    lines = [line for line in unwrapped if line and not _EXIT_LINE.match(line)]
    if not lines:
        return ""
    if of_edit:
        return clip(one_line(lines[0]).rstrip(":"), chars=200)
    raised = [line for line in lines if _RAISED.match(line)]
    telling = [line for line in lines if _SAYS_WHY.search(line) and not _SAYS_NONE_FAILED.search(line)]
    line = raised[-1] if raised else telling[0] if telling else lines[-1]
    return clip(one_line(line), chars=200)


def user_said(output: str) -> str | None:
    """The words a user gave when refusing a call, where the agent passes them on."""
    match = _USER_SAID.search(output)
    return one_line(match.group(1)) if match else None


def takes_back(prompt: str) -> bool:
    """Does this prompt undo what was done before it?"""
    return len(prompt) < 600 and _UNDO.search(prompt) is not None


def failure_lines(sessions: Iterable[SessionView], chain: Iterable[SessionView], at_ms: int) -> list[str]:
    """Of the sessions of the `chain` or of the last three days, newest first; what soon worked is left out."""
    of_task = {session.session for session in chain}
    found = [
        failure
        for session in sessions
        for digest in session.digests
        for failure in digest.failures
        if session.session in of_task or failure.at_ms > at_ms - _RECENT_MS
        if not failure.mended or failure.times + failure.detours > 2
    ]
    found.sort(key=lambda failure: (-failure.at_ms, failure.signature))
    return list(dict.fromkeys(_line(failure) for failure in found[:_MOST]))


def _line(failure: Failure) -> str:
    more = [f"{failure.times} times"] * (failure.times > 1) + ["worked in the end"] * failure.mended
    told = f" ({', '.join(more)})" if more else ""
    return f"{failure.tried} → {failure.why or 'failed without a word'}{told}"
