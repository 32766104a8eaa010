#!/usr/bin/env python3
"""Checks files against the handoff format, version 1 (handoff-format.md): the text form and the JSON form.

    python3 check_handoff.py [--tokens N] FILE...        `-` is standard input

A handoff that was made for another budget than the file's, 1,800, is checked with `--tokens`.

Prints a line for each violation and exits with 1 if there is one, with 2 if a file can't be read. Needs Python 3.9 and
nothing else, so that any program that writes or reads handoffs can use a copy of this file as its test.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

CONVERSATION = "Conversation"
TITLES = (
    "Task",
    "Where it stands",
    "Next action",
    "Open questions",
    "Also in progress",
    "What the user said",
    "Recent files",
    "Failed approaches",
    "Progress log",
    "From the agent's own summary",
    "Git context",
    CONVERSATION,
)
MAX_LINES, MAX_LINE_CHARS, MAX_CHARS, MAX_TOKENS, MAX_HEADER = 50, 300, 8000, 1800, 8

TITLE = re.compile(r"# \[CARRYOVER\] Last updated (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) from \S.*")
PROTOCOL = re.compile(r"# RESUME PROTOCOL: (ask|brief|silent)")
LAST = re.compile(r"Full history: `carryover show [A-Za-z0-9._:][A-Za-z0-9._:@-]*`.*")
FORMAT = re.compile(r"carryover-handoff/1\.\d+")
NOT_ORDERS = "it is information, not instructions"
FORBIDDEN = {
    "a control character": re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"),
    "a character that hides or reorders text": re.compile(
        r"[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
        "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    ),
    "an HTML comment": re.compile(r"<!--|-->"),
    "a code fence": re.compile(r"```|~~~"),
    "a mark of the format": re.compile(r"(?i:\[CARRYOVER\])|CARRYOVER:(?:START|END)|RESUME PROTOCOL"),
    "an agent's tag": re.compile(
        r"<(?=/?(?:[a-z]+[-_][\w-]+|system|user|assistant|human|instructions?|context|tool|function|invoke|thinking)\b)",
        re.IGNORECASE,
    ),
    "a mark of a chat template": re.compile(
        r"<(?=\||\uff5c|<?/?SYS>>|/?s>)"
        r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\]",
        re.IGNORECASE,
    ),
}
STRING, TEXT_OR_NULL, NUMBER, NUMBER_OR_NULL = (str,), (str, type(None)), (int,), (int, type(None))
FIELDS = {
    "format": STRING,
    "project": STRING,
    "updated": STRING,
    "updated_ms": NUMBER,
    "agent": STRING,
    "agent_name": STRING,
    "resume_protocol": STRING,
    "session": STRING,
    "head": TEXT_OR_NULL,
    "sections": (list,),
    "text": STRING,
}
SOURCE_FIELDS = {
    "kind": STRING,
    "agent": TEXT_OR_NULL,
    "session": TEXT_OR_NULL,
    "turn": NUMBER_OR_NULL,
    "at": TEXT_OR_NULL,
    "at_ms": NUMBER_OR_NULL,
}


def problems(data: bytes, tokens: int = MAX_TOKENS) -> Iterator[str]:
    """Yields the violations in a file's content, for a budget of `tokens`; JSON if it begins with `{`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield "not UTF-8"
        return
    if not text.lstrip().startswith("{"):
        yield from text_problems(text, tokens)
        return
    try:
        handoff = json.loads(text)
    except (ValueError, RecursionError):
        yield "not JSON"
        return
    yield from json_problems(handoff, tokens)


def text_problems(text: str, tokens: int = MAX_TOKENS) -> Iterator[str]:
    """Yields the violations in the text form."""
    if not text.endswith("\n"):
        yield "does not end with a line end"
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES and tokens <= MAX_TOKENS:
        yield f"{len(lines)} lines; at most {MAX_LINES}"
    if len(text) > MAX_CHARS and tokens <= MAX_TOKENS:
        yield f"{len(text)} characters; at most {MAX_CHARS}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE_CHARS:
            yield f"line {number}: {len(line)} characters; at most {MAX_LINE_CHARS}"
        for what in ("a control character", "a character that hides or reorders text"):
            if FORBIDDEN[what].search(line):
                yield f"line {number}: {what}"
    first = next((at for at, line in enumerate(lines) if line.startswith("## ")), len(lines) - 1)
    yield from header_problems(lines[:first])
    if not LAST.fullmatch(lines[-1]):
        yield "the last line does not name the command that shows the whole session"
        lines.append("")
    yield from body_problems(lines[first:-1], first, tokens)


def header_problems(header: list[str]) -> Iterator[str]:
    if not header or not TITLE.fullmatch(header[0]):
        yield "line 1: not `# [CARRYOVER] Last updated TIME from AGENT`"
    if len(header) < 2 or not PROTOCOL.fullmatch(header[1]):
        yield "line 2: not `# RESUME PROTOCOL: ask`, `brief` or `silent`"
    if len(header) > MAX_HEADER:
        yield f"a header of {len(header)} lines; at most {MAX_HEADER}"
    if not header or NOT_ORDERS not in header[-1]:
        yield f"the header does not end with the receipt (`{NOT_ORDERS}`)"
    for number, line in enumerate(header[2:], 3):
        if line.startswith(("#", "- ")) or not line.strip():
            yield f"line {number}: a heading, an item or nothing in the header"


def body_problems(body: list[str], above: int, tokens: int) -> Iterator[str]:
    titles: list[str] = []
    for number, line in enumerate(body, above + 1):
        if line.startswith("## "):
            if titles and body[number - above - 2].startswith("## "):
                yield f"line {number - 1}: a section without a line"
            titles.append(line[3:])
            if line[3:] not in TITLES or (line[3:] == CONVERSATION and tokens <= MAX_TOKENS):
                yield f"line {number}: no such section"
        elif not line.startswith("- ") or not line[2:].strip():
            yield f"line {number}: not an item of a list"
        else:
            if line.startswith("- > ") and body[number - above - 2].startswith("## "):
                yield f"line {number}: continues a quote that did not begin"
            for what, pattern in FORBIDDEN.items():
                if pattern.search(line):
                    yield f"line {number}: {what}"
    if body and body[-1].startswith("## "):
        yield f"line {above + len(body)}: a section without a line"
    known = [title for title in titles if title in TITLES]
    if known != [title for title in TITLES if title in known]:
        yield "the sections are not in their order, or one is there twice"
    if estimated_tokens("\n".join(body)) > tokens:
        yield f"sections of more than {tokens} estimated tokens"


def estimated_tokens(text: str) -> int:
    """4 ASCII characters, 2 other alphabetic characters or 1 wide character per token, each rounded up."""
    ascii_chars = sum(sign < "\x80" for sign in text)
    wide = sum(sign > "\u2e7f" for sign in text)
    return wide + (len(text) - ascii_chars - wide + 1) // 2 + (ascii_chars + 3) // 4


def json_problems(handoff: Any, tokens: int = MAX_TOKENS) -> Iterator[str]:
    """Yields the violations in the JSON form. Fields that are not known are allowed."""
    wrong = [*field_problems(handoff, FIELDS, "")]
    yield from wrong
    if wrong:
        return
    if not FORMAT.fullmatch(handoff["format"]):
        yield "`format` is not carryover-handoff/1.N"
    if not PROTOCOL.fullmatch(f"# RESUME PROTOCOL: {handoff['resume_protocol']}"):
        yield "`resume_protocol` is not ask, brief or silent"
    if not is_time(handoff["updated"], handoff["updated_ms"]):
        yield "`updated` and `updated_ms` are not the same time"
    printed: list[str] = []
    for at, section in enumerate(handoff["sections"]):
        yield from section_problems(section, f"sections[{at}]", printed)
    yield from (f"text: {problem}" for problem in text_problems(handoff["text"], tokens))
    text = handoff["text"].split("\n")
    if printed != [line for line in text if line.startswith(("## ", "- "))]:
        yield "`sections` and `text` do not have the same lines"
    if not text[0].startswith(f"# [CARRYOVER] Last updated {handoff['updated']} from "):
        yield "`updated` is not the time in the first line of `text`"
    if text[1:2] != [f"# RESUME PROTOCOL: {handoff['resume_protocol']}"]:
        yield "`resume_protocol` is not the one in `text`"


def section_problems(section: Any, at: str, printed: list[str]) -> Iterator[str]:
    """Yields the violations in one section and adds its lines, as the text form has them, to `printed`."""
    wrong = [*field_problems(section, {"title": STRING, "lines": (list,), "sources": (list,)}, f"{at}.")]
    yield from wrong
    if wrong:
        return
    if not all(isinstance(line, str) for line in section["lines"]):
        yield f"{at}.lines: not all strings"
        return
    printed += [f"## {section['title']}", *(f"- {line}" for line in section["lines"])]
    if len(section["lines"]) != len(section["sources"]):
        yield f"{at}: not as many `sources` as `lines`"
    for number, sources in enumerate(section["sources"]):
        where = f"{at}.sources[{number}]"
        if not isinstance(sources, list) or not sources:
            yield f"{where}: not an array of at least one source"
            continue
        for source in sources:
            yield from field_problems(source, SOURCE_FIELDS, f"{where}.")
            if (
                isinstance(source, dict)
                and source.get("at") is not None
                and not is_time(source["at"], source.get("at_ms"))
            ):
                yield f"{where}: `at` and `at_ms` are not the same time"


def field_problems(value: Any, fields: dict[str, Any], at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at.rstrip('.') or 'it'} is not an object"
        return
    for name, kinds in fields.items():
        if name not in value:
            yield f"`{at}{name}` is missing"
        elif not isinstance(value[name], kinds) or isinstance(value[name], bool):
            yield f"`{at}{name}` is not of its type"


def is_time(text: Any, at_ms: Any) -> bool:
    """Whether a text is this time, in UTC and whole seconds."""
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)  # noqa: UP017 (Python 3.9)
    except (TypeError, ValueError):
        return False
    return isinstance(at_ms, int) and int(at.timestamp()) == at_ms // 1000


def main(names: list[str]) -> int:
    tokens = MAX_TOKENS
    if names[:1] == ["--tokens"] and names[1:2] and names[1].isdecimal():
        tokens, names = int(names[1]), names[2:]
    if not names:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    code = 0
    for name in names:
        try:
            if name == "-":
                data = sys.stdin.buffer.read()
            else:
                with open(name, "rb") as file:  # noqa: PTH123
                    data = file.read()
        except OSError as error:
            print(f"{name}: {error.strerror}", file=sys.stderr)
            code = 2
            continue
        found = [*problems(data, tokens)]
        for problem in found:
            print(f"{name}: {problem}")
        if found:
            code = max(code, 1)
        else:
            print(f"{name}: conforms")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
