from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from carryover.distill.own_text import without_handoffs
from carryover.errors import ExitCode, UserError
from carryover.past import shortening
from carryover.past.shortening import address
from support.fake_ollama import FakeOllama, Generate, line, says
from support.recorded_shop import Call, Run

MODEL = "qwen2.5:7b"

Started = Callable[..., FakeOllama]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Starts an Ollama that answers in this way, and points OLLAMA_HOST at it."""
    with ExitStack() as running:

        def run(generate: Generate, *models: str | dict[str, Any]) -> FakeOllama:
            server = running.enter_context(FakeOllama(generate, *(models or (MODEL,))))
            monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.port}")
            return server

        yield run


@pytest.fixture
def export(recorded: Path, run: Run, tmp_path: Path) -> Call:
    """Exports and shortens; what is said comes in one line."""

    def call(*options: str) -> tuple[int, str, str]:
        to = str(tmp_path / "shop.md")
        code, out, err = run("export", str(recorded), "-o", to, "--compress", "ollama", *options)
        return code, out, " ".join(err.split())

    return call


def test_the_short_document_is_beside_the_whole_one_and_names_it(
    export: Call, start: Started, tmp_path: Path, recorded: Path, run: Run
) -> None:
    server = start(says("Wire discount ", "into checkout. ", "Do not cap it."))
    asked = ("--question", "Is `discount` right?")

    code, out, err = export(*asked)

    whole, short = (tmp_path / "shop.md").read_text(), (tmp_path / "shop.short.md").read_text()
    assert (code, out) == (ExitCode.OK, "")
    assert whole.split("\n", 3)[3] == run("export", str(recorded), *asked)[1].split("\n", 3)[3]
    assert short.startswith("# [CARRYOVER EXPORT ") and short.endswith("\n\nIs `discount` right?\n")
    assert "Wire discount into checkout. Do not cap it.\n" in short
    assert f"`shop.md` (SHA-256 {hashlib.sha256(whole.encode()).hexdigest()})" in short
    assert "[not in the source: " not in short.replace("`[not in the source: ...]`", "")
    assert len(short) < len(whole)
    assert stat.S_IMODE((tmp_path / "shop.short.md").stat().st_mode) == 0o600
    assert without_handoffs(short).strip() == "Is `discount` right?"
    assert f"Shortened by {MODEL} to {tmp_path / 'shop.short.md'}" in err
    assert "\x1b" not in err and "part 1" not in err
    assert {question["model"] for question in server.questions} == {MODEL}
    assert set(server.requests) == {"GET /api/tags", "POST /api/generate"}


def test_nothing_is_replaced_unasked(export: Call, start: Started, tmp_path: Path) -> None:
    server = start(says("Wire discount into checkout."))
    short = tmp_path / "shop.short.md"
    short.write_text("mine")

    code, _, err = export()
    assert (code, short.read_text(), (tmp_path / "shop.md").exists()) == (ExitCode.REFUSED, "mine", False)
    assert str(short) in err and server.requests == []

    assert export("--yes")[0] == ExitCode.OK
    assert "mine" not in short.read_text()


ADDRESSES = {
    None: ("127.0.0.1", 11434),
    "0.0.0.0": ("127.0.0.1", 11434),
    ":8080": ("127.0.0.1", 8080),
    "http://localhost/": ("127.0.0.1", 80),
    "[::]:8080": ("::1", 8080),
    "http://[::1]:8080": ("::1", 8080),
}


@pytest.mark.parametrize("host", ADDRESSES)
def test_a_host_is_understood_as_ollama_understands_it(host: str | None) -> None:
    assert address(host) == ADDRESSES[host]


@pytest.mark.parametrize(
    "host",
    [
        *("ollama.com", "192.168.1.5:11434", "http://127.0.0.1@example.org", "http://example.org#127.0.0.1"),
        *(
            "[::ffff:8.8.8.8]",
            "http://127.0.0.1\\@example.org",
            "https://127.0.0.1",
            "http://127.0.0.1/ollama",
            "::1:80",
        ),
    ],
)
def test_another_machine_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(UserError, match="not an address of this machine") as refused:
        address(host)
    assert refused.value.code == ExitCode.REFUSED


def test_no_command_reaches_another_machine(
    export: Call, start: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not by OLLAMA_HOST, by a proxy of the environment, by a redirect, or by a model that Ollama runs elsewhere."""
    reached: list[Any] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, to: Any) -> None:
        reached.append(to)
        connect(self, to)

    async def redirects(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
        stream.set_status(307)
        stream.headers["Location"] = f"{url}/api/generate"
        await stream.prepare(request)

    monkeypatch.setattr(socket.socket, "connect", noted)
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))  # a second address of this machine, in place of another one
        elsewhere.listen()
        url = f"http://127.0.0.2:{elsewhere.getsockname()[1]}"
        server = start(redirects)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, url)
        code, _, err = export()
        assert (code, "Ollama refused with HTTP 307" in err) == (ExitCode.FAILED, True)

        cloud = {"name": "big:671b", "remote_host": url, "remote_model": "big"}
        server.tags = {"models": [cloud, {"name": "gpt-oss:120b-cloud"}]}
        for model in ("big:671b", "gpt-oss:120b-cloud"):
            code, _, err = export("--yes", "--compress", f"ollama:{model}")
            assert (code, f"does not run {model} on this machine" in err) == (ExitCode.FAILED, True)
        assert "It has here: none." in export("--yes")[2]

        monkeypatch.setenv("OLLAMA_HOST", url.replace("127.0.0.2", "127.0.0.2.example.org"))
        assert export("--yes")[0] == ExitCode.REFUSED
        assert len(server.questions) == 1
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert {to[0] for to in reached if isinstance(to, tuple)} == {"127.0.0.1"}
    assert not (tmp_path / "shop.short.md").exists()


def test_without_ollama_it_says_what_to_run_and_the_document_is_there(
    export: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free.getsockname()[1]}")
        code, _, err = export()

    assert (code, "`ollama serve`" in err) == (ExitCode.FAILED, True)
    assert "carryover: No Ollama answers on 127.0.0.1:" in err
    assert err.endswith(f"The whole document is in {tmp_path / 'shop.md'}; shop.short.md was not written.")
    assert (tmp_path / "shop.md").read_text().startswith("# [CARRYOVER EXPORT ")


@pytest.mark.parametrize(
    ("models", "wanted", "said"),
    [
        ((), "ollama", "It has here: none. Name one, as in `--compress ollama:qwen2.5:7b`; `ollama pull qwen2.5:7b`"),
        (("a:1b", "b:7b"), "ollama", "does not run just one model on this machine. It has here: a:1b, b:7b. Name one"),
        (("a:1b",), "ollama:b:7b", "does not run b:7b on this machine. It has here: a:1b."),
        ((MODEL, "llama3.2:latest"), "ollama:llama3.2", ""),
    ],
)
def test_a_missing_model_is_named(
    export: Call, start: Started, models: tuple[str, ...], wanted: str, said: str
) -> None:
    """One without a tag is the latest."""
    server = start(says("Wire discount into checkout."), "placeholder")
    server.tags = {"models": [{"name": name} for name in models]}

    code, _, err = export("--compress", wanted)

    assert (code, said in err) == (ExitCode.FAILED if said else ExitCode.OK, True)
    assert {question["model"] for question in server.questions} == ({"llama3.2:latest"} if not said else set())


async def dies(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    await stream.write(line(response="Wire", done=False))
    assert request.transport is not None
    request.transport.abort()


async def fails(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    await stream.write(line(error="model requires more system memory\x1b[2J than is available"))


async def sends_a_huge_line(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    for _ in range(64):
        await stream.write(b"x" * (1 << 16))


async def is_interrupted(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    await stream.write(line(response="Wire", done=False))
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    ("generate", "code", "said"),
    [
        (dies, ExitCode.FAILED, "broke off ("),
        (fails, ExitCode.FAILED, "Ollama stopped: model requires more system memory"),
        (sends_a_huge_line, ExitCode.FAILED, "broke off (JSON is malformed"),
        (is_interrupted, ExitCode.INTERRUPTED, "Interrupted."),
    ],
)
def test_an_answer_that_fails_leaves_what_was_there(
    export: Call, start: Started, tmp_path: Path, generate: Generate, code: ExitCode, said: str
) -> None:
    start(generate)
    (tmp_path / "shop.short.md").write_text("of yesterday")

    found, out, err = export("--yes")

    assert (found, out, said in err, "\x1b[2J" in err) == (code, "", True, False)
    assert f"The whole document is in {tmp_path / 'shop.md'}; shop.short.md was not written." in err
    assert (tmp_path / "shop.short.md").read_text() == "of yesterday"
    assert (tmp_path / "shop.md").read_text().startswith("# [CARRYOVER EXPORT ")


def test_without_progress_it_ends(export: Call, start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortening, "SILENT_S", 0.3)

    async def stalls(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
        await stream.prepare(request)
        await stream.write(line(response="Wire", done=False))
        await server.released.wait()

    server = start(stalls)
    code, _, err = export()

    assert (code, "broke off (timed out). If it is an Ollama, `ollama ps` shows" in err) == (ExitCode.FAILED, True)


async def never_ends(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await stream.write(line(response="discount " * 100, done=False))


async def thinks_too_long(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
    await stream.prepare(request)
    await stream.write(line(thinking="let me see", done=False))
    await stream.write(line(response="", done=True, done_reason="length"))


@pytest.mark.parametrize(
    "generate",
    [
        *(never_ends, thinks_too_long, says(""), says("<think>let me see")),
        says("The discount is wired. " * 9000),
    ],
    ids=["endless", "thoughts", "empty", "only thoughts", "longer"],
)
def test_an_answer_that_shortens_nothing_is_not_used(
    export: Call, start: Started, tmp_path: Path, generate: Generate
) -> None:
    start(generate)

    assert export()[0] == ExitCode.OK
    body = (tmp_path / "shop.md").read_text().partition("\n## Task\n")[2].rpartition("\n[END OF")[0]
    assert body.strip() in (tmp_path / "shop.short.md").read_text()
