"""Fetch files over HTTP: several at a time, politely, again when a server is busy, and never the same one twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from intraneuron.config import FetchConfig
from intraneuron.errors import DataError, SettingError
from intraneuron.files import atomic, reading
from intraneuron.settings import expanded

if TYPE_CHECKING:
    import urllib3

MOST_JOBS = 64
"""Requests at a time, at most: more would be impolite."""

TRIES = 6
"""How often a request is made again before a run gives up."""

BACK_OFF = 0.5
"""Seconds before the second repetition; each further one waits twice as long."""

LONGEST_WAIT = 300
"""Seconds that a server's Retry-After is followed, at most."""

TIMEOUT = 60
"""Seconds without a byte after which a request is made again."""

BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that say: later."""

Key = TypeVar("Key")
Body = TypeVar("Body")
Told = Callable[[int, int], None]
"""Is told how many of how many files have been fetched."""

Stage = Callable[[str, str], AbstractContextManager[Told]]
"""Announces, by name and unit, that something is fetched; the block tells what it gets how much has come."""

Check = Callable[[bytes], bool]
"""Whether a body is a whole file of its kind."""


def fetcher_of(config: FetchConfig) -> Fetcher:
    """Return what fetches with these settings.

    Raises
    ------
    SettingError
        When as many requests at a time cannot be made.
    DataError
        When the address is none of a server.
    """
    if config.base_url is not None:
        _check_address(config.base_url)
    if not 1 <= config.jobs <= MOST_JOBS:
        msg = f"jobs (--jobs) must be between 1 and {MOST_JOBS}, got {config.jobs}."
        raise SettingError(msg)
    return Fetcher(config.jobs, expanded(config.cache) if config.cache else default_cache())


def default_cache() -> Path:
    """Return the folder of the user's cache in which fetched files are kept.

    Raises
    ------
    SettingError
        When there is no home folder.
    """
    root = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(root) if root else Path.home() / ".cache") / "intraneuron"
    except RuntimeError as error:
        msg = "There is no home folder to keep fetched files in. Name a folder with --cache, or set XDG_CACHE_HOME."
        raise SettingError(msg) from error


def fetch_options(config: FetchConfig) -> list[str]:
    """Return the options of a command that fetch from the same place.

    >>> fetch_options(FetchConfig("http://127.0.0.1:8000", jobs=4))
    ['--base-url', 'http://127.0.0.1:8000']
    """
    return [
        word
        for name, value in (("--base-url", config.base_url), ("--cache", config.cache))
        if value
        for word in (name, value)
    ]


def untold(done: int, total: int) -> None:
    """Tell nobody how much has been fetched."""
    del done, total


@contextmanager
def silent(name: str, unit: str) -> Iterator[Told]:
    """Announce nothing."""
    del name, unit
    yield untold


def is_json(body: bytes) -> bool:
    """Tell whether a body is a whole text of JSON."""
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def anything(body: bytes) -> bool:
    """Take any body as whole; its length was compared with what the server announced."""
    del body
    return True


@dataclass
class Fetcher:
    """Where files come from, and where they are kept.

    Attributes
    ----------
    jobs : int
        Requests at a time.
    cache : Path, optional
        A folder in which files are kept as they came, each written whole or not at all. What is there is not asked
        for again, so a run that was stopped goes on.
    tries, back_off : int, float
        See :data:`TRIES` and :data:`BACK_OFF`.
    damaged : list of str
        Addresses of files that were no whole file of their kind, however often they were asked for.
    """

    jobs: int = FetchConfig.jobs
    cache: Path | None = None
    tries: int = TRIES
    back_off: float = BACK_OFF
    damaged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        import urllib3

        self._pool = urllib3.PoolManager(
            maxsize=self.jobs,
            block=True,
            headers={"User-Agent": f"intraneuron/{metadata.version('intraneuron')}"},
            timeout=urllib3.Timeout(connect=15, read=TIMEOUT),
            retries=urllib3.Retry(
                total=self.tries,
                backoff_factor=self.back_off,
                backoff_jitter=self.back_off,
                status_forcelist=BUSY,
                allowed_methods={"GET"},
                raise_on_status=False,
                retry_after_max=LONGEST_WAIT,
            ),
        )

    def get(self, url: str, check: Check = anything) -> bytes | None:
        """Return a file; None when the server says that there is none (404, 410).

        A file that is not whole (``check``) is asked for again; one that never is, is named in ``damaged`` and counts
        as none.

        Raises
        ------
        DataError
            When the server cannot be reached, or answers with another error.
        """
        kept = self._kept(url)
        if kept is not None and kept.is_file():
            with reading(kept):
                body = kept.read_bytes()
            if check(body):
                return body
        for _ in range(self.tries + 1):
            found = self._asked(url)
            if found is None or check(found):
                if found is not None and kept is not None:
                    with atomic(kept) as temporary:
                        temporary.write_bytes(found)
                return found
        self.damaged.append(url)
        return None

    def part(self, url: str, start: int, stop: int) -> bytes:
        """Return the bytes ``start`` to ``stop`` (exclusive) of a file, without the others; kept like a file.

        Raises
        ------
        DataError
            When the server cannot be reached, or does not give out parts of files.
        """
        kept = self._kept(f"{url}?bytes={start}-{stop}")
        if kept is not None and kept.is_file():
            with reading(kept):
                body = kept.read_bytes()
            if len(body) == stop - start:
                return body
        body = self._part(url, start, stop)
        if kept is not None:
            with atomic(kept) as temporary:
                temporary.write_bytes(body)
        return body

    def parts(self, url: str, bounds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """Yield parts of a file as they come, with the byte that each begins with; as :meth:`part`."""
        yield from self._at_once({start: partial(self.part, url, start, stop) for start, stop in bounds})

    def _part(self, url: str, start: int, stop: int) -> bytes:
        headers = {**self._pool.headers, "Range": f"bytes={start}-{stop - 1}"}
        answer = self._answer(url, headers)
        if answer.status != 206 or len(answer.data) != stop - start:
            said = f"{len(answer.data):,} bytes with answer {answer.status}"
            msg = (
                f"{url} should give out bytes {start:,} to {stop - 1:,} (answer 206), got {said}. "
                "Use a server that gives out parts of files."
            )
            raise DataError(msg)
        return bytes(answer.data)

    def get_all(self, urls: Mapping[Key, str], check: Check = anything) -> Iterator[tuple[Key, bytes | None]]:
        """Yield files as they come, with their keys, as :meth:`get`; when the caller stops, no more is asked for."""
        yield from self._at_once({key: partial(self.get, url, check) for key, url in urls.items()})

    def _at_once(self, calls: Mapping[Key, Callable[[], Body]]) -> Iterator[tuple[Key, Body]]:
        pool = ThreadPoolExecutor(max_workers=self.jobs)
        try:
            waiting = {pool.submit(call): key for key, call in calls.items()}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _asked(self, url: str) -> bytes | None:
        answer = self._answer(url, self._pool.headers)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            again = f", after {self.tries + 1} tries" if answer.status in BUSY else ""
            raise self._refused(url, f"answer {answer.status}{again}")
        return bytes(answer.data)

    def _answer(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        from urllib3.exceptions import HTTPError, LocationValueError

        _check_address(url)
        try:
            return self._pool.request("GET", url, headers=dict(headers))
        except LocationValueError as error:
            raise _no_address(url) from error
        except HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise self._refused(url, f"{reason}, after {self.tries + 1} tries") from error

    def _refused(self, url: str, why: str) -> DataError:
        kept = f" What was fetched is in {self.cache}." if self.cache else ""
        said = re.sub(r"^.*?(?:object at 0x[0-9a-f]+>|\)): ", "", why.strip().partition("\n")[0])
        return DataError(
            f"{url} cannot be fetched ({said}).{kept} Check the network and the address, "
            "and run the same command again: it goes on."
        )

    def _kept(self, url: str) -> Path | None:
        """Return where a file is kept: under the name of its host and its path."""
        if self.cache is None:
            return None
        parts = urlsplit(url)
        names = [re.sub(r"[^\w.-]", "_", part) for part in (parts.netloc, *parts.path.split("/")) if part]
        names = [f"_{name}" if set(name) <= {"."} else name for name in names]
        if parts.query:
            names[-1] += "-" + hashlib.sha256(parts.query.encode()).hexdigest()[:12]
        return self.cache.joinpath(*names)


def _check_address(url: str) -> None:
    if not url.lower().startswith(("https://", "http://")):  # urllib3 would warn, and guess
        raise _no_address(url)


def _no_address(url: str) -> DataError:
    return DataError(f"{url} is no address of a server. Give one that begins with https:// or http://.")
