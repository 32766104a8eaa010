"""Has an export shortened by a local model, and checks each part of the answer against what it was made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import msgspec

from carryover.actions.ollama import VARIABLE, address, ask
from carryover.export.budget import tokens_in
from carryover.export.document import Document, Request, framed
from carryover.export.material import Material
from carryover.export.quoting import code_span, one_line
from carryover.export.shorten import INSTRUCTION, answered, is_worth_asking, parts_of, question


class Shortened(msgspec.Struct, frozen=True, kw_only=True):
    """A shortened document. `marked`: how many sentences bring something that the source does not have."""

    text: str
    tokens: int
    model: str
    marked: int


def shortened(
    document: Document,
    material: Material,
    request: Request,
    source_name: str,
    model: str | None,
    report: Callable[[float, str], None],
) -> Shortened:
    """Returns the document in the words of a local model; it names `source_name`, the file with the whole document.

    `report` receives the progress as a share and a text. Raises UserError as `ollama.ask` does.
    """
    url = address(os.environ.get(VARIABLE))
    parts = parts_of(document.body)
    asked = [part for part in parts if is_worth_asking(part)]

    def told(name: str, done: int, size: int) -> None:
        report(done / len(asked), f"{name}: part {done + 1} of {len(asked)}, {size:,} characters")

    name, answers = ask(url, model, INSTRUCTION, [question(part) for part in asked], told)
    answer_to = dict(zip(asked, answers, strict=True))
    results = [answered(part, answer_to.get(part, "")) for part in parts]
    marked = sum(result.marked for result in results)
    text = framed(
        "\n\n".join(result.text.strip("\n") for result in results),
        material,
        request,
        _note(document, source_name, name, marked),
    )
    return Shortened(text=text, tokens=tokens_in(text, percent=request.tokens_percent), model=name, marked=marked)


def _note(document: Document, source_name: str, model: str, marked: int) -> str:
    digest = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
    found = f"{marked} sentences are marked so" if marked > 1 else "one sentence is" if marked else "none is"
    return (
        f"A language model ({one_line(model)}) on the user's machine shortened {code_span(source_name)} (SHA-256 "
        f"{digest}). That file is the source of truth: ask for it, or for a part of it, if this one is unclear. Each "
        "sentence with a number, path, name or quotation that is not in the part it was made from is marked "
        f"`[not in the source: ...]`; {found}. Whether the other sentences are true was not checked."
    )
