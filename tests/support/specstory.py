"""SpecStory documents in the layouts that were seen, and what they are read as."""

from pathlib import Path

from carryover import model
from carryover.importing.candidate import Candidate, OpenedDocument
from carryover.importing.document import open_document

FOLDER = Path(__file__).parents[1] / "unit/importing/documents"


def events_of(document: OpenedDocument) -> list[model.Event]:
    agent, source = document.agent, document.source
    context, cursor, more = agent.context_type(), None, True
    found: list[model.Event] = []
    while more:
        batch = agent.reader.read(Path(source.path), cursor)
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            found += parsed.events
        cursor, more = batch.cursor, batch.more
    return found


def read(name: str, project: str | None = "/home/dev/shop") -> list[model.Event]:
    return events_of(open_document(Candidate(FOLDER / f"{name}.md", project=project)))


def shown(body: model.AnyBody) -> str | None:
    """A body in one line; None for those that only repeat."""
    match body:
        case model.UserPrompt(text=text, command=command):
            return f"user: {' '.join(filter(None, (command, text)))}"
        case model.AssistantMessage(text=text):
            return f"said: {text.splitlines()[0]}"
        case model.ToolResult(op=op, status=status, subject=subject, exit_code=code):
            return f"{op} {status}{'' if code is None else f' {code}'}: {subject}".rstrip(": ")
        case model.FileEdit(path=path, change=change):
            return f"{change}: {path}"
        case model.PlanUpdate(items=items):
            return "plan: " + "; ".join(f"{item.state} {item.text}" for item in items)
        case model.SessionInfo(title=title, model=used):
            return f"info: {title or '-'}, {used or '-'}"
    return None


def story(events: list[model.Event]) -> list[str]:
    return [line for event in events if (line := shown(event.body)) is not None]


def said_in(path: Path, text: str) -> list[tuple[str, str]]:
    """What a file holds of the conversation."""
    path.write_text(text)
    bodies = [event.body for event in events_of(open_document(Candidate(path)))]
    words = [body for body in bodies if isinstance(body, model.UserPrompt | model.AssistantMessage)]
    return [("user" if isinstance(body, model.UserPrompt) else "assistant", body.text) for body in words]
