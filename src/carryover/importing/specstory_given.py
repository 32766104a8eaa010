"""Reads what SpecStory shows of a tool without a form of its own: arguments, state and result as JSON (Cursor)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import msgspec

from carryover.model import Answer, AnyBody, PlanItem, PlanUpdate, Question
from carryover.records.asked import PLAN_STATES, checklist, plan_items
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.rawjson import content_text
from carryover.records.text import unescaped, without_ansi
from carryover.records.uris import uri_in
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall

_LABEL: Final = later(r"(Parameters|Additional data|Result):$")
_FOUND: Final = {"topFiles": "uri", "topEntries": "name"}
_MOST_QUESTIONS: Final = 20
_INPUT: Final = "**Input:**"
_ARGUMENT: Final = later(r"- \w{1,60}:$")
"""A bullet below `_INPUT` whose value is in a fenced block."""
_TODOS: Final = "- todoList: `["
_PRIORITY: Final = later(r"^(\s*- \[.\]\s+)[🔥❄🌡]\ufe0f?\s+")
"""What separates a box from its task in Claude Code's documents."""
_ACTIVE: Final = "⚡-"
"""The mark in the box of a task in progress."""
_ASKED: Final = later(r"\*\*(?!(?:Input|Result):\*\*)(.+?)\*\*(?: _\(select multiple\)_)?$")
_OPTION: Final = later(r"- \*\*(.+?)\*\*(?: - .*)?$")
_ANSWER: Final = later(r"\*\*Answer:\*\* (.+)$")
_QUESTIONS: Final = "- questions: `[map["
"""How Codex's questions begin, as Go prints them: a map each, its names in order."""
_GO_QUESTION: Final = later(r"\bquestion:(?=.)")
_GO_END: Final = later(r"\](?: map\[|\]`$)")
_GO_OPTION: Final = later(r"\blabel:([^\n\]]{1,400})\]")
_UNTELLING: Final = 'Using "'
"""How a message of VS Code begins that only names the tool."""
_LINK: Final = "](file:"
"""The beginning of a link to a file in such a message."""
_TODO: Final = later(r"(?:^| )id:\d{1,9} status:([a-z-]{1,20}) title:([^\n]+)")
"""The end of a todo list's entry, after its description, as Go prints a map."""


_CUT: Final = "\n… (output truncated)"
"""The end of a result that SpecStory cut after 2,000 characters."""
_WHOLE: Final = "\n  ],\n"
"""The end of a complete list in the JSON object of such a result."""
_REPLACEMENTS: Final = "[map["
_REPLACED: Final = later(r"(?:map\[| )filePath:")
"""How VS Code's list of replacements begins, as Go prints it: a map each, its names in order."""
_IN_ONE_LINE: Final = "- replacements: `"
"""Before a list that has no line break."""


class Given(msgspec.Struct, frozen=True):
    """The lines of a block, and the JSON objects below its labels; one that is missing is empty."""

    lines: Sequence[str] = ()
    arguments: Fields = {}
    result: Fields = {}
    shown: str | None = None
    """The text of the result or, without one, of the state; None if the block has no labels."""
    todos: tuple[PlanItem, ...] = ()
    """The todo list in the arguments of VS Code."""
    message: str = ""
    """What VS Code says of the call, with what it is about in backquotes or as a link."""
    exit_code: int | None = None

    @property
    def command(self) -> str:
        """The command line of a shell; that of VS Code may be changed by the user, or by the tool."""
        line = first_text(fields_of(self.arguments.get("commandLine")), "userEdited", "toolEdited", "original")
        return unescaped(first_text(self.arguments, "command") or line).strip()

    @property
    def question(self) -> str:
        """The questions in bold that a call puts."""
        asked = (_ASKED.match(line) for line in self.lines if not line.startswith("**Answer:"))
        return "\n".join(found[1] for found in asked if found is not None)

    @property
    def first_question(self) -> str:
        """The questions in bold, or the first one in the arguments."""
        return self.question or unescaped(next(map(_question, self.questions), ""))

    @property
    def questions(self) -> list[Fields]:
        """The questions that a call puts."""
        return [fields_of(one) for one in items_of(self.arguments.get("questions"))[:_MOST_QUESTIONS]]


def given_in(lines: Sequence[str], fenced: Sequence[tuple[str, str]]) -> Given:
    """Returns what the labels in `lines` of a block stand above, each one above a fenced text."""
    labels = [label[1] for line in lines if (label := _LABEL.match(line))]
    texts = dict(zip(labels, (text for _, text in fenced), strict=False))
    if not texts:
        return Given(lines, _questions_in(lines), todos=_todos_in(lines))
    arguments, state, result = (texts.get(label, "") for label in ("Parameters", "Additional data", "Result"))
    made, given = fields_of(arguments.encode()), fields_of(_whole(result).encode())
    if message := unescaped(first_text(given, "pastTenseMessage", "invocationMessage")):
        ended, printed = (fields_of(made.get(name)) for name in ("terminalCommandState", "terminalCommandOutput"))
        found = map(uri_in, items_of(given.get("resultDetails")))
        message = "" if message.startswith(_UNTELLING) else message
        if "file_path" in made and _LINK not in message:
            made["path"] = made["file_path"]  # with a link in the message, `file_path` is only the end of the path
        shown = text_of(printed.get("text")) or "\n".join(filter(None, found)) or message
        return Given(lines, made, given, without_ansi(shown), (), message, number_of(ended.get("exitCode")))
    shown = _found(fields_of(state.encode())) or _said(given) or result or state
    return Given(lines, made, given, shown)


def _whole(result: str) -> str:
    """Returns a JSON object without what follows its last complete list, if SpecStory cut it."""
    head, ended, _ = result.rpartition(_WHOLE) if result.rstrip().endswith(_CUT) else (result, "", "")
    return f"{head}\n  ]\n}}" if ended else result


def starts_subagent(text: str, session: str) -> bool:
    """Whether a call in a document started the sub-agent with this session (Cursor)."""
    return f'"subagentComposerId": "{session}"' in text


def printed_in(lines: Sequence[str], fenced: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Returns the fenced texts of a block without those of its arguments, which come first."""
    return fenced[sum(map(bool, map(_ARGUMENT.match, lines))) if _INPUT in lines else 0 :]


def replaced_in(lines: Sequence[str], fenced: Sequence[tuple[str, str]]) -> list[str]:
    """Returns the files in lists of replacements, of which each names its file and has the texts behind it."""
    texts = (*(line.removeprefix(_IN_ONE_LINE) for line in lines), *(text for _, text in fenced))
    lists = (text for text in texts if text.startswith(_REPLACEMENTS))
    entries = chain.from_iterable(_REPLACED.split(text)[1:] for text in lists)
    named = (one.partition(" newString:") for one in entries)
    return list(dict.fromkeys(path for path, texts, _ in named if texts and "\n" not in path))


def _todos_in(lines: Sequence[str]) -> tuple[PlanItem, ...]:
    told = next((line for line in lines if line.startswith(_TODOS)), "")
    entries = filter(None, map(_TODO.search, told.split("map[")[1:]))
    return tuple(PlanItem(text=entry[2].rstrip("`] "), state=PLAN_STATES.get(entry[1], "pending")) for entry in entries)


def _questions_in(lines: Sequence[str]) -> Fields:
    listed = next((line for line in lines if line.startswith(_QUESTIONS)), "")
    asked: list[dict[str, object]] = []
    begin = 0
    while len(asked) < _MOST_QUESTIONS and (named := _GO_QUESTION.search(listed, begin)):
        end = _GO_END.search(listed, named.end() + 1)
        if end is None:
            break
        options = [{"id": label, "label": label} for label in _GO_OPTION.findall(listed, begin, named.start())]
        asked.append({"prompt": listed[named.end() : end.start()], "options": options})
        begin = end.end()
    return fields_of(msgspec.json.encode({"questions": asked})) if asked else {}


def _found(state: Fields) -> str:
    """Returns the files that a search found, a line each."""
    named = ((name, fields_of(one)) for name in _FOUND for one in items_of(state.get(name)))
    return "\n".join(filter(None, (unescaped(text_of(one.get(_FOUND[name]))) for name, one in named)))


def _said(result: Fields) -> str:
    """Returns what a server's tool answered: JSON in a text, whose blocks have the words."""
    answer = fields_of(text_of(result.get("result")).encode())
    return (content_text(answer["content"]) or "") if "content" in answer else ""


def plan_or_questions(call: OpenCall, given: Given) -> Iterator[AnyBody]:
    """Yields the plan, or the questions and their answers, that a call shows."""
    if call.op == "plan" and call.name != "create_plan":  # the user may refuse that one's plan
        items = _plan_in(given)
        if items or (given.shown or "").rstrip().endswith(_CUT):  # after a cut list, the one before is out of date
            yield PlanUpdate(items=items)
    if call.op == "ask":
        answers = {text_of(one.get("questionId")): one for one in map(fields_of, items_of(given.result.get("answers")))}
        for asked in given.questions:
            answer = answers.get(text_of(asked.get("id")), {})
            options = [fields_of(option) for option in items_of(asked.get("options"))]
            labels = {text_of(option.get("id")): unescaped(text_of(option.get("label"))) for option in options}
            chosen = [labels.get(name, name) for name in map(text_of, items_of(answer.get("selectedOptionIds")))]
            said = ", ".join(filter(None, (*chosen, unescaped(text_of(answer.get("freeformText"))))))
            yield from _asked_and_answered(call, unescaped(_question(asked)), labels.values(), said)
        shown = (option[1] for option in map(_OPTION.match, given.lines) if option is not None)
        answered = (found[1] for found in map(_ANSWER.match, given.lines) if found is not None)
        yield from _asked_and_answered(call, given.question, shown, next(answered, ""))


def _plan_in(given: Given) -> tuple[PlanItem, ...]:
    """Returns the entries of a list: in the arguments, in JSON, or with boxes. Of a call that changes a part of the
    list, only the result has all of it."""
    items = given.todos or plan_items(given.result.get("finalTodos"), "content")
    if not items and not is_true(given.arguments.get("merge")):
        items = plan_items(given.arguments.get("todos"), "content")
    listed = "\n".join(_PRIORITY.sub(r"\1", line) for line in given.lines)
    told = (msgspec.structs.replace(item, text=unescaped(item.text)) for item in items)
    return tuple(told) or checklist(listed, active=_ACTIVE)


def _asked_and_answered(call: OpenCall, question: str, options: Iterable[str], answer: str) -> Iterator[AnyBody]:
    if question:
        yield Question(call_id=call.id, text=question, options=tuple(filter(None, options)))
        if answer:
            yield Answer(call_id=call.id, question=question, text=answer)


def _question(asked: Fields) -> str:
    return first_text(asked, "prompt", "question")
