"""What is done in a generated conversation, on real code: that of Python's own library."""

import json
import random
import re
import sysconfig
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

VERSION: Final = "2.1.328"
MODEL: Final = "claude-opus-5-5"
USAGE: Final = {
    "input_tokens": 1200,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 41000,
    "output_tokens": 40,
    "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
    "service_tier": "standard",
    "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
}
MODULES: Final = (
    *("argparse.py", "configparser.py", "csv.py", "difflib.py", "ftplib.py", "http/client.py", "shutil.py"),
    *("smtplib.py", "ssl.py", "subprocess.py", "tarfile.py", "urllib/request.py"),
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


class Conversation:
    """One transcript in the making, a sub-agent's with `agent`. `lines` holds what was written, without line feeds.

    Times begin at `start_ms` and go on by `ms_per_byte` of what is written.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        session: str,
        cwd: Path,
        start_ms: int,
        ms_per_byte: float,
        agent: str | None = None,
    ) -> None:
        self.session = session
        self.lines: list[bytes] = []
        self.size = 0
        self._chance = chance
        self._cwd = str(cwd)
        self._start_ms = start_ms
        self._ms_per_byte = ms_per_byte
        self._agent = agent
        self._last: str | None = None

    @property
    def now_ms(self) -> int:
        return self._start_ms + int(self.size * self._ms_per_byte)

    def go_to(self, at_ms: int) -> None:
        self._start_ms += at_ms - self.now_ms

    def prompt(self, text: str) -> None:
        if self._agent is None:
            self._plain("last-prompt", lastPrompt=text[:200], leafUuid=self._last)
        human = {"origin": {"kind": "human"}, "promptSource": "typed", "turnOrigin": "human"} if not self._agent else {}
        self._record("user", message={"role": "user", "content": text}, permissionMode="default", **human)

    def answer(self, text: str, *, final: bool = True) -> None:
        self._assistant({"type": "text", "text": text}, "end_turn" if final else "tool_use")

    def thinking(self, text: str) -> None:
        signature = self._chance.randbytes(300).hex()
        self._assistant({"type": "thinking", "thinking": text, "signature": signature}, "tool_use")

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        call_id = f"toolu_{self._chance.getrandbits(96):024x}"
        self._assistant({"type": "tool_use", "id": call_id, "name": name, "input": arguments}, "tool_use")
        return call_id

    def result(self, call_id: str, text: str, structured: dict[str, Any], *, failed: bool = False) -> None:
        block = {"tool_use_id": call_id, "type": "tool_result", "content": text, "is_error": failed}
        beside = {"toolUseResult": f"Error: {text}" if failed else structured} if self._agent is None else {}
        self._record("user", message={"role": "user", "content": [block]}, **beside)

    def shell(self, command: str, about: str, output: str, *, failed: bool = False) -> None:
        call = self.call("Bash", {"command": command, "description": about})
        found = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
        self.result(call, output, found, failed=failed)

    def turn_end(self, duration_ms: int) -> None:
        self._record("system", subtype="turn_duration", durationMs=duration_ms, isMeta=False)

    def bookkeeping(self) -> None:
        """The record of one request to the model; one of the kinds that are no conversation."""
        self._plain(
            "api-request",
            id=self._uuid(),
            timestamp=_iso(self.now_ms),
            version=VERSION,
            querySource="repl_main_thread",
            shapeHash=self._chance.randbytes(32).hex(),
            keep=12,
            requestDigest=self._chance.randbytes(32).hex(),
        )

    def blob(self, text: str) -> None:
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        self._plain("api-request-blob", hash=self._chance.randbytes(32).hex(), message=message)

    def attachment(self, kind: str, content: str) -> None:
        """Context the client gave the model beside the conversation."""
        about = {"type": kind, "content": content}
        self._record("attachment", attachment=about, rendered=[{"content": content}], renderedRole="system")

    def _assistant(self, block: dict[str, Any], stop_reason: str) -> None:
        message = {
            "id": f"msg_{self._chance.getrandbits(96):024x}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [block],
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": USAGE,
        }
        self._record("assistant", message=message, requestId=f"req_{self._chance.getrandbits(96):024x}")

    def _record(self, kind: str, **fields: Any) -> None:
        identity = self._uuid()
        sub_agent = {"agentId": self._agent} if self._agent else {}
        self._write(
            {
                "parentUuid": self._last,
                "isSidechain": self._agent is not None,
                **sub_agent,
                "type": kind,
                **fields,
                "uuid": identity,
                "timestamp": _iso(self.now_ms),
                "userType": "external",
                "entrypoint": "cli",
                "cwd": self._cwd,
                "sessionId": self.session,
                "version": VERSION,
                "gitBranch": "main",
            }
        )
        self._last = identity

    def _plain(self, kind: str, **fields: Any) -> None:
        self._write({"type": kind, "sessionId": self.session, **fields})

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        self.lines.append(line)
        self.size += len(line) + 1

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def turn(talk: Conversation, chance: random.Random, root: Path, number: int) -> None:
    """One prompt and all that followed, about 20 kB in the mean, a quarter of it bulk that is no conversation."""
    file, name = code().some(chance)
    text = chance.choice(PROMPTS).format(file=file, name=name)
    talk.prompt(f"{text} {chance.choice(RULINGS)}" if number % 40 == 3 else text)
    if number % 8 == 0:
        start = chance.randrange(len(code().all_text) - 80_000)
        talk.blob(code().all_text[start : start + chance.randint(20_000, 80_000)])
    if chance.random() < 0.4:
        talk.thinking(f"The user wants {name} changed. I should read {file} first and look for its callers.")
    for _ in range(chance.randint(2, 8)):
        chance.choices(STEPS, (30, 25, 18, 20, 3, 4))[0](talk, chance, root, file)
        talk.bookkeeping()
    talk.answer(chance.choice(ANSWERS).format(file=file, name=name))
    talk.turn_end(chance.randint(1000, 600_000))


def opening(talk: Conversation, root: Path) -> None:
    talk.attachment("instructions", f"{root}/CLAUDE.md: Run the tests with `python3 -m pytest`.")
    talk.attachment("skill_listing", "- dataviz: charts and tables\n" * 180)
    talk.attachment("prompt_snapshot", code().all_text[:40_000])


def _read(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    path = str(root / file)
    start, lines = code().part(chance, file, 200)
    call = talk.call("Read", {"file_path": path, "offset": start, "limit": len(lines)})
    content = "\n".join(lines)
    numbered = "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, start))
    about = {"filePath": path, "content": content, "numLines": len(lines), "startLine": start, "totalLines": 2000}
    talk.result(call, numbered, {"type": "text", "file": about})


def _edit(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    path = str(root / file)
    start, lines = code().part(chance, file, 100)
    at = chance.randrange(len(lines))
    old, new = lines[at], f"{lines[at]}  # checked"
    call = talk.call("Edit", {"file_path": path, "old_string": old, "new_string": new})
    where = {"oldStart": start + at, "oldLines": 1, "newStart": start + at, "newLines": 1}
    change = {"filePath": path, "oldString": old, "newString": new, "originalFile": "\n".join(lines)}
    patch = [{**where, "lines": [f"-{old}", f"+{new}"]}]
    about = {**change, "structuredPatch": patch, "userModified": False, "replaceAll": False}
    talk.result(call, f"The file {path} has been updated successfully.", about)


def _test(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    module = Path(file).stem
    dots = "." * chance.randint(20, 300)
    output = f"{dots} [100%]\n{len(dots)} passed in {chance.random() * 9:.2f}s"
    failed = chance.random() >= 0.7
    if failed:
        body = "\n".join(f"    {line}" for line in code().part(chance, file, 40)[1])
        why = f"FAILED tests/test_{module}.py::test_empty - AssertionError: assert 1 == 2"
        output = f"Exit code 1\n{dots}F\n{body}\nE   assert 1 == 2\n{why}\n1 failed, {len(dots)} passed in 2.10s"
    talk.shell(f"python3 -m pytest tests/test_{module}.py -q", "Run the tests", output, failed=failed)


def _search(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    name = chance.choice(code().names[file])
    start, lines = code().part(chance, file, 100)
    output = "\n".join(f"{file}:{number}:{line}" for number, line in enumerate(lines, start))
    talk.shell(f"grep -rn {name} src | head -100", f"Find {name}", output)


def _look(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    key = chance.randbytes(20).hex()
    output = f" M {file}\n?? notes.md\nAPP_URL=https://app:{key[:12]}@db.example.com/main\nAPP_SECRET_KEY={key}"
    talk.shell("git status --short && env | grep ^APP_", "See what changed", output)


def _plan(talk: Conversation, chance: random.Random, root: Path, file: str) -> None:
    states = ("completed", "in_progress", "pending", "pending")
    names = [chance.choice(code().names[file]) for _ in states]
    pairs = zip(names, states, strict=True)
    todos = [{"content": f"Change {name}", "status": state, "activeForm": f"Changing {name}"} for name, state in pairs]
    call = talk.call("TodoWrite", {"todos": todos})
    talk.result(call, "Todos have been modified successfully.", {"oldTodos": [], "newTodos": todos})


STEPS: Final = (_read, _edit, _test, _search, _look, _plan)
