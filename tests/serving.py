"""A server on 127.0.0.1 that answers as it is told: late, cut short, busy, or not at all."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """One answer: ``cut`` sends that many bytes of the body and closes; ``parts`` gives out parts of files."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    parts: bool = True


@dataclass
class Server:
    """What is served, by path (the last answer of a list is given again and again), and what was asked for."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, path: str, *answers: Answer | bytes) -> str:
        """Serve a path and return its address."""
        self.answers[path] = [one if isinstance(one, Answer) else Answer(one) for one in answers]
        return self.url + path

    def answer(self, path: str) -> Answer:
        """Return what a path answers now."""
        with self.lock:
            self.asked[path] += 1
            left = self.answers.get(path, [Answer(b"no such file", 404)])
            return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server while the block runs."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with told.lock:
                told.at_once += 1
                told.most_at_once = max(told.most_at_once, told.at_once)
                told.headers.append(dict(self.headers))
            try:
                self._give(told.answer(self.path))
            finally:
                with told.lock:
                    told.at_once -= 1

        def _give(self, answer: Answer) -> None:
            time.sleep(answer.delay)
            body, status, wanted = answer.body, answer.status, self.headers.get("Range")
            if wanted and answer.parts and status == 200:
                start, stop = wanted.removeprefix("bytes=").split("-")
                body, status = body[int(start) : int(stop) + 1], 206
            self.send_response(status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])
            self.close_connection = answer.cut is not None

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
