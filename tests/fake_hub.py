"""A Hugging Face Hub on 127.0.0.1 that answers by the name of what is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """Gives out no file. ``OWNER/gated`` is listed, ``OWNER/503`` answers with that status, and so on."""

    def do_GET(self) -> None:
        """Answer a question about a model, or about its files."""
        name = self.path.removeprefix("/api/models/").partition("?")[0]
        kind = name.split("/")[1] if "/" in name else name
        if kind == "gated":
            whole = {"id": "somebody/gated", "sha": SHA, "siblings": [{"rfilename": "config.json"}], "gated": "manual"}
            tree = [{"type": "file", "path": "config.json", "size": 9, "oid": SHA}]
            self._answer(200, body=tree if "/tree/" in self.path else whole)
        elif kind == "private":
            self._answer(401, error="RepoNotFound", message="Invalid username or password.")
        elif kind == "old-token":
            self._answer(401, message="Invalid credentials in Authorization header")
        elif kind.isdigit():
            self._answer(int(kind), message="no")
        else:
            self._answer(404, error="RepoNotFound", message="Repository not found")

    def do_HEAD(self) -> None:
        """Answer where a file is: nowhere, for those who have not accepted a licence."""
        self._answer(401, error="GatedRepo", message="Access to model somebody/gated is restricted.")

    def _answer(
        self, status: int, *, error: str | None = None, message: str | None = None, body: object = None
    ) -> None:
        raw = json.dumps(body if body is not None else {"error": message}).encode()
        self.send_response(status)
        for key, value in {"X-Error-Code": error, "X-Error-Message": message}.items():
            if value is not None:
                self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def fake_hub() -> Iterator[str]:
    """Run such a Hub and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
