"""Files that were changed, with their newest test results; files that were read; commands that were run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, Literal, NamedTuple

import msgspec

from carryover.distill.digest import Call, EditedFile, SeenRun
from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.quotes import cut_middle, earlier, excerpt
from carryover.distill.sections.quoting import from_the_top, from_turn, packed, parted
from carryover.distill.trail import Past, Step
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Boxes, FileFacts
from carryover.testruns.related import verdict
from carryover.text.lines import one_line
from carryover.text.looking import is_looking
from carryover.text.pattern import later

TestStatus = Literal["pass", "fail", "unknown", "failing before this edit"]
_NOT_CODE: Final = tuple(".md .markdown .rst .txt .adoc .json .toml .yaml .yml .ini .cfg .csv .lock .svg".split())
_NOT_THE_PROJECT: Final = (".git/", ".carryover/", "node_modules/")
_KEPT_ASIDE: Final = later(r"^/(?:tmp|var|private|dev|proc)/|/\.(?!claude/CLAUDE\.md)[^/]+/")
"""Scratch files, and files below a hidden folder."""
_NAMES_CHARS: Final = 270
_CALL_CHARS: Final = 160
_SCRIPT_CHARS: Final = 400
_MOST_OUTPUT: Final = 12
_MOST_READ: Final = 3
_SEVERAL_GAPS: Final = later(r"(?m)^…(?:\n…)+$")
_NUMBERED: Final = later(r"(?m)^ *\d+(?:→|\t|: )")
_VERBS: Final = {"add": "added", "modify": "edited", "delete": "deleted", "rename": "moved here"}


class RecentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A changed file. `status` is None if tests do not apply: for a document, or in a project without a test run."""

    path: str
    touched: EditedFile
    status: TestStatus | None
    facts: FileFacts | None = None


def recent_files(
    view: ProjectView, facts: Mapping[str, FileFacts] = {}, *, outside: bool = True, limit: int = 16
) -> list[RecentFile]:
    """Returns the newest edit of each file of the project, newest first; those written and then deleted come last.
    A file in another checkout, or `outside` of the project, has its full path. The path of one below a former root is
    relative to the current root."""
    digests = [digest for session in view.sessions for digest in session.digests]
    newest: dict[str, EditedFile] = {}
    for file in chain.from_iterable(digest.touched for digest in digests):
        path = placed(file.path, view, outside=outside)
        if path is not None and (path not in newest or newest[path].at_ms < file.at_ms):
            newest[path] = file
    runs = sorted((seen for digest in digests for seen in digest.runs), key=lambda seen: seen.at_ms)
    ordered = sorted(newest.items(), key=lambda item: (item[1].temporary, -item[1].at_ms, item[0]))
    return [
        RecentFile(path=path, touched=file, status=_status(path, file, runs), facts=facts.get(path))
        for path, file in ordered[:limit]
    ]


def placed(path: str, view: ProjectView, *, outside: bool) -> str | None:
    """Returns the name under which a file of the project is shown, see `recent_files`; None for others."""
    places = (relative(path, place) for place in (view.root, *view.former_roots))
    below = ((checkout, relative(path, checkout)) for checkout in view.checkouts)
    in_full = (f"{checkout}/{name}" for checkout, name in below if name is not None)
    found = next(filter(None, places), None) or next(in_full, None)
    return found or (_outside(path, view.root) if outside else None)


def relative(path: str, root: str) -> str | None:
    """Returns `path` relative to `root` with forward slashes; None if it is not below it or not part of the work."""
    prefix = root.replace("\\", "/").rstrip("/") + "/"
    tidy = path.replace("\\", "/")
    begins = tidy[: len(prefix)]
    # Windows paths are case-insensitive, and agents write drive letters in either case.
    if begins != prefix and (begins[1:2] != ":" or begins.lower() != prefix.lower()):
        return None
    below = one_line(tidy[len(prefix) :])
    return None if not below or below.startswith(_NOT_THE_PROJECT) or "/../" in f"/{below}/" else below


def _outside(path: str, root: str) -> str | None:
    """Returns the full path of a file outside the project; None for files that programs keep for themselves."""
    tidy = path.replace("\\", "/")
    inside = relative(path, root) is not None or tidy.startswith(f"{root.rstrip('/')}/")
    return None if inside or not tidy.startswith("/") or _KEPT_ASIDE.search(tidy) else tidy


def _status(path: str, file: EditedFile, runs: list[SeenRun]) -> TestStatus | None:
    """Returns the file's status in the newest run that covers it; a pass before the newest edit doesn't count."""
    if not runs or file.change == "delete" or not may_be_tested(path):
        return None
    for seen in reversed(runs):
        if (said := verdict(seen.run, path)) is not None:
            before: TestStatus = "failing before this edit" if said == "fail" else "unknown"
            return said if seen.at_ms >= file.at_ms else before
    return "unknown"


def may_be_tested(path: str) -> bool:
    """Whether tests can cover the file: not documents, settings, or files like LICENSE or .gitignore."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return "." in name.lstrip(".") and not name.lower().endswith(_NOT_CODE)


def file_entries(past: Past, recent: Sequence[RecentFile], documents: Sequence[Entry] = ()) -> list[Entry]:
    """Returns the newest files, one per line; then the names of more files on one line, `documents`, and what was
    read and run."""
    weight = WEIGHTS["file"]
    agents = {session.session: session.agent for session in past.view.sessions}
    entries = [
        Entry(
            text=_file(file, past.at_ms),
            kind="edit",
            weight=weight.at(at).first,
            session=file.touched.session,
            agent=agents.get(file.touched.session, ""),
            turn=file.touched.turn,
            at_ms=file.touched.at_ms,
        )
        for at, file in enumerate(recent[: weight.most])
    ]
    more = [f"`{file.path}`" for file in recent[weight.most :]]
    if more:
        entries.append(_names("Before these", more, WEIGHTS["more files"].first))
    entries = [*packed(entries), *documents]
    known = {file.path for file in recent}
    named = " ".join(entry.text for entry in documents)
    read = [(path, f"`{path}`") for path in _looked_at(past)]
    only_read = [shown for path, shown in read if path not in known and shown not in named]
    if only_read:
        entries.append(_names("Looked at", only_read, WEIGHTS["looked at"].first))
    return [*entries, *added_entries(past, recent), *_ran(past)]


def _file(file: RecentFile, at_ms: int) -> str:
    facts = file.facts
    where = f" ({facts.symbol})" if facts is not None and facts.symbol else ""
    ago = earlier(file.touched.at_ms, at_ms)
    changed = _changed(file.touched)
    parts = [f"{changed} {ago}" if ago else changed]
    if file.status is not None:
        parts.append(file.status if file.status == "failing before this edit" else f"tests {file.status}")
    if facts is not None and facts.boxes is not None:
        parts.append(counted(facts.boxes))
    if facts is not None and not facts.exists:
        parts.append("not there now")
    elif facts is not None and facts.parses is False:
        parts.append("does not parse")
    return f"`{file.path}`{where}: {', '.join(parts)}"


def _changed(file: EditedFile) -> str:
    verb = _VERBS[file.change]
    edits = file.edits
    if edits < 2 or file.change == "delete":
        return verb
    if file.change == "add":
        return f"added, edited {edits - 1} times" if edits > 2 else "added, then edited"
    return f"{verb} {edits} times"


def counted(boxes: Boxes) -> str:
    """Returns how many boxes of a document are checked, in words."""
    return f"{boxes.checked} of {boxes.total} boxes checked"


def _names(label: str, names: Sequence[str], weight: float) -> Entry:
    while len(text := ", ".join(names)) > _NAMES_CHARS:
        names = names[:-1]
    return Entry(text=text, kind="files", weight=weight, label=label)


def _ran(past: Past) -> list[Entry]:
    """Returns the newest calls with their output, and older ones that printed a value used since. Calls that only
    looked weigh more while their turn has no answer, since nothing else shows what they found."""
    calls = _shown_calls(past.view)
    most = WEIGHTS["ran"].most
    newest = calls[-most:]
    used = [made for made in calls[:-most] if made.call.used]
    used.sort(key=lambda made: (made.call.used, made.call.at_ms))
    entries: list[Entry] = []
    for back, made in enumerate(_without_repeated_lines(newest)):
        entries += _call(past, made.call, made.session, _source(past, made), back)
    for back, made in enumerate(reversed(used[-WEIGHTS["used"].most :])):
        entries += _call(past, made.call, made.session, "used", back)
    return packed(sorted(entries, key=lambda entry: entry.at_ms))


def _looked_at(past: Past) -> Iterable[str]:
    """Returns the paths of files that were read, newest first."""
    seen = [file for session in past.view.sessions for file in session.digest.looked_at]
    seen.sort(key=lambda file: -file.at_ms)
    names = (relative(file.path, past.view.root) or file.path for file in seen)
    return dict.fromkeys(cut_middle(name, 120) for name in names)


class _Made(NamedTuple):
    call: Call
    session: SessionView


def _shown_calls(view: ProjectView) -> list[_Made]:
    """Returns the calls to show, oldest first; of equal ones, the newest."""
    # Without a turn, a session has at most the report of a job that another one started.
    sessions = [session for session in view.sessions if session.digest.turns]
    calls = [_Made(call, session) for session in sessions for call in session.digest.calls]
    calls.sort(key=lambda made: made.call.at_ms)
    different = {(made.call.subject, made.call.output): made for made in calls}
    return [made for made in different.values() if _is_shown(made.call)]


def _is_shown(call: Call) -> bool:
    if not call.subject and not call.output:
        return False
    # Todo lists and questions are shown under their headings, edits on their own lines.
    return call.op not in ("plan", "ask") and not (call.op in ("edit", "write") and call.status == "ok")


def _without_repeated_lines(calls: Sequence[_Made]) -> Iterator[_Made]:
    """Yields the calls, newest first. Lines that several printed (a banner, a warning) stay only in the newest."""
    printed = Counter(line for made in calls for line in {*made.call.output.splitlines()} if len(line) > 20)
    known: set[str] = set()
    for call, session in reversed(calls):
        lines = call.output.splitlines()
        output = "\n".join("…" if line in known else line for line in lines)
        known |= {line for line in lines if printed[line] > 2}
        yield _Made(msgspec.structs.replace(call, output=_SEVERAL_GAPS.sub("…", output)), session)


def _source(past: Past, made: _Made) -> str:
    """Returns the key of `WEIGHTS` for a newest call."""
    call = made.call
    main = past.main
    if call.op == "agent":
        return "report"
    is_now = made.session is main.view and call.turn == main.turn.number and main.turn.end != "answered"
    if is_now and call.op != "read":  # a file that was read is still there
        return "ran now"
    looks = call.op in ("read", "search") or (call.op == "shell" and is_looking(call.subject))
    return "read" if looks else "ran"


def added_entries(past: Past, recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns what a turn without an answer added to files, since no words say what its edits were."""
    step = past.main
    weight = WEIGHTS["added now"]
    if step.turn.end == "answered":
        return []
    files = [file for file in recent if file.touched.added and file.touched.session == step.view.session]
    entries: list[Entry] = []
    for back, file in enumerate(files[: weight.most]):
        label = f"Added to `{file.path}` ({past.turn(step.turn.number, step.view)})"
        text = file.touched.added
        at_ms = file.touched.at_ms
        entries += from_the_top(parted(step, text, "edit", weight.at(back), label=label, most=4, at_ms=at_ms))
    return entries


def _call(past: Past, call: Call, session: SessionView, source: str, back: int) -> list[Entry]:
    turns = session.digest.turns
    step = Step(next((turn for turn in turns if turn.number == call.turn), turns[-1]), session)
    is_path = call.op in ("read", "edit", "write")
    path = relative(call.subject, past.view.root) if is_path else None
    what = (path or call.subject).replace("`", "")
    status = "" if call.status in ("ok", "unknown") else f" → {call.status}"
    output = call.output
    room = _CALL_CHARS
    if call.op == "shell" and len(what) > _SCRIPT_CHARS:  # a script's text is worth more than its output
        begins, rest = _parted(what)
        what = f"{begins} …"
        output = f"… {rest}\n→ {output}" if output else f"… {rest}"
        room = 2 * _CALL_CHARS
    subject = "" if what in ("", call.name) else f"`{excerpt(what, room)}`"
    name = "" if call.op == "shell" and subject else call.name
    label = f"{name} {subject}".strip() + status
    weight = WEIGHTS[source].at(back)
    if call.op == "read":
        output = _NUMBERED.sub("", output)
    most = _MOST_READ if source == "read" else _MOST_OUTPUT
    said = parted(step, output, "call", weight, label=label, most=most, at_ms=call.at_ms)
    if len(said) > 1 or "…" in f"{label}{output}":
        label = f"{label} ({past.turn(call.turn, session)})"
        said = parted(step, output, "call", weight, label=label, most=most, at_ms=call.at_ms)
    if not said:
        return [from_turn(step, label, "call", weight.first, at_ms=call.at_ms)]
    return from_the_top(said) if call.op == "read" else said


def _parted(script: str) -> tuple[str, str]:
    """Splits a script after what a label has room for, between words if possible."""
    head = script[:_CALL_CHARS]
    cut = max(head.rfind("\n"), head.rfind(" "))
    cut = cut if cut > _CALL_CHARS // 2 else _CALL_CHARS
    return script[:cut], script[cut:].lstrip()
