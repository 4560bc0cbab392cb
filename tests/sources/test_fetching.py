"""Files are fetched politely: again when a server is busy, whole or not at all, and never twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import Answer, Server, serving

from intraneuron.config import FetchConfig
from intraneuron.errors import DataError, SettingError
from intraneuron.sources.fetching import Fetcher, default_cache, fetcher_of, is_json


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def fetcher(cache: Path | None = None, tries: int = 3, jobs: int = 4) -> Fetcher:
    return Fetcher(jobs=jobs, cache=cache, tries=tries, back_off=0.01)


def test_a_file_that_is_kept_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    url = server.serve("/a/b.json", b'{"x": 1}')
    assert fetcher(tmp_path).get(url, is_json) == b'{"x": 1}'
    assert fetcher(tmp_path).get(url, is_json) == b'{"x": 1}'
    assert server.asked["/a/b.json"] == 1
    assert server.headers[0]["User-Agent"].startswith("intraneuron/")


def test_a_kept_file_that_is_not_whole_is_fetched_again(server: Server, tmp_path: Path) -> None:
    url = server.serve("/a.json", b'{"x": 1}')
    fetcher(tmp_path).get(url, is_json)
    [kept] = [file for file in tmp_path.rglob("*") if file.is_file()]
    kept.write_bytes(b'{"x": ')
    assert fetcher(tmp_path).get(url, is_json) == b'{"x": 1}'
    assert kept.read_bytes() == b'{"x": 1}'


def test_what_is_not_there_is_none_and_is_not_kept(server: Server, tmp_path: Path) -> None:
    assert fetcher(tmp_path).get(server.url + "/none.json") is None
    assert server.asked["/none.json"] == 1
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, status: int) -> None:
    url = server.serve("/a", Answer(b"later", status), Answer(b"later", status), b"now")
    assert fetcher().get(url) == b"now"
    assert server.asked["/a"] == 3


def test_a_server_that_says_when_to_come_back_is_left_alone_until_then(server: Server) -> None:
    url = server.serve("/a", Answer(b"later", 429, {"Retry-After": "1"}), b"now")
    began = time.monotonic()
    assert fetcher().get(url) == b"now"
    assert time.monotonic() - began >= 1


def test_a_body_that_is_cut_short_is_asked_for_again_and_never_taken_as_whole(server: Server, tmp_path: Path) -> None:
    url = server.serve("/a.json", Answer(b'{"x": 12345}', cut=6), b'{"x": 12345}')
    assert fetcher(tmp_path).get(url, is_json) == b'{"x": 12345}'
    always = server.serve("/b.json", Answer(b'{"x": 12345}', cut=6))
    with pytest.raises(DataError, match=r"/b.json cannot be fetched \("):
        fetcher(tmp_path).get(always, is_json)
    assert not [file for file in tmp_path.rglob("*") if file.name == "b.json" or "writing" in file.name]


def test_a_file_that_is_never_whole_is_named_and_the_others_go_on(server: Server, tmp_path: Path) -> None:
    urls = {"bad": server.serve("/bad.json", b'{"x": '), "good": server.serve("/good.json", b"{}")}
    one = fetcher(tmp_path, tries=1)
    assert dict(one.get_all(urls, is_json)) == {"bad": None, "good": b"{}"}
    assert one.damaged == [urls["bad"]]
    assert server.asked["/bad.json"] == 2


def test_no_more_requests_are_made_at_a_time_than_are_allowed(server: Server) -> None:
    urls = {i: server.serve(f"/{i}", Answer(b"x", delay=0.05)) for i in range(12)}
    assert len(dict(fetcher(jobs=3).get_all(urls))) == 12
    assert 2 <= server.most_at_once <= 3


def test_a_part_of_a_file_comes_without_the_rest(server: Server) -> None:
    url = server.serve("/weights", bytes(range(200)))
    assert fetcher().part(url, 10, 14) == bytes([10, 11, 12, 13])
    assert server.headers[-1]["Range"] == "bytes=10-13"
    whole = server.serve("/whole", Answer(bytes(200), parts=False))
    with pytest.raises(
        DataError, match=r"should give out bytes 10 to 13 \(answer 206\), got 200 bytes with answer 200"
    ):
        fetcher().part(whole, 10, 14)
    with pytest.raises(DataError, match=r"got 2 bytes with answer 206"):
        fetcher().part(url, 198, 202)


def test_a_server_that_refuses_or_is_not_there_is_told_with_what_to_do(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be fetched \(answer 403\).*the same command again: it goes on"):
        fetcher(tmp_path).get(server.serve("/secret", Answer(b"no", 403)))
    with pytest.raises(DataError, match=r"127.0.0.1:9/a cannot be fetched \(.*refused") as error:
        fetcher(tmp_path, tries=1).get("http://127.0.0.1:9/a")
    assert "0x" not in str(error.value)
    assert str(tmp_path) in str(error.value)
    with pytest.raises(DataError, match="is no address of a server"):
        fetcher().get("http://")


def test_a_failure_stops_the_others(server: Server) -> None:
    urls = {i: server.serve(f"/{i}", Answer(b"no", 403)) for i in range(20)}
    with pytest.raises(DataError, match="answer 403"):
        list(fetcher(jobs=2).get_all(urls))
    time.sleep(1)
    assert sum(server.asked.values()) < 10


def test_names_of_kept_files_stay_inside_the_folder(server: Server, tmp_path: Path) -> None:
    server.answers["/../../x"] = server.answers["/x"] = [Answer(b"x")]
    one = fetcher(tmp_path / "cache")
    one.get(server.url + "/../../x")
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]


def test_settings_are_checked_and_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"jobs \(--jobs\) must be between 1 and 64, got 0\."):
        fetcher_of(FetchConfig(jobs=0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "intraneuron"
    assert fetcher_of(FetchConfig(cache="here")).cache == Path("here")
