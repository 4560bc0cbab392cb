from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path

import polars as pl
import pytest

from intraneuron.errors import DataError, SettingError
from intraneuron.models.hub_texts import parse_dataset, read_dataset

CONFIGS = """---
configs:
- config_name: one
  data_files: one/*.parquet
- config_name: two
  data_files: two/*.parquet
---
"""


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the library, and nothing of it outside of a folder."""
    library = pytest.importorskip("datasets", reason="the extra datasets is not installed")
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """Return a folder like a dataset: two splits, a column of text with rows without it."""
    folder = tmp_path / "local"
    folder.mkdir()
    for split in ("train", "test"):
        some = [None if i % 3 == 0 else f"{split} {i}" for i in range(90)]
        pl.DataFrame({"id": range(90), "text": some, "title": "t"}).write_parquet(folder / f"{split}.parquet")
    return folder


def refused(text: str, field: str = "text") -> str:
    with pytest.raises(DataError) as caught:
        list(read_dataset(text, field))
    return str(caught.value)


def test_a_dataset_is_named_with_its_configuration_split_and_revision() -> None:
    for text, parts in {
        "hf:a/b": ("a/b", None, None, "train"),
        "hf:a:c": ("a", None, "c", "train"),
        "hf:a::test": ("a", None, None, "test"),
        "hf:a@main:c:test": ("a", "main", "c", "test"),
        "hf:./x/y": ("./x/y", None, None, "train"),
    }.items():
        found = parse_dataset(text)
        assert (found.name, found.revision, found.config, found.split) == parts


@pytest.mark.parametrize("text", ["hf:", "hf::c", "hf:a:b:c:d", "hf:a@", "hf:@main"])
def test_what_names_no_dataset_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"texts \(--texts\) from a dataset are hf:ID, hf:ID:CONFIG or"):
        parse_dataset(text)


def test_the_library_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert refused("hf:a/b") == (
        "The texts hf:a/b need a package that is not installed. Run: pip install 'intraneuron[datasets]'"
    )


@pytest.mark.usefixtures("datasets")
def test_rows_with_text_come_in_their_order_of_the_split_that_is_named(local: Path) -> None:
    assert list(read_dataset(f"hf:{local}", "text")) == [f"train {i}" for i in range(90) if i % 3]
    assert list(islice(read_dataset(f"hf:{local}::test", "text"), 2)) == ["test 1", "test 2"]
    assert set(read_dataset(f"hf:{local}:default:test", "title")) == {"t"}


@pytest.mark.usefixtures("datasets")
def test_json_lines_are_a_dataset_too(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    lines = [json.dumps({"body": f"line {i}"}) for i in range(5)]
    (tmp_path / "set" / "train.jsonl").write_text("\n".join(lines))
    assert list(read_dataset(f"hf:{tmp_path / 'set'}", "body")) == [f"line {i}" for i in range(5)]


@pytest.mark.usefixtures("datasets")
def test_a_wrong_split_configuration_or_column_names_those_that_there_are(local: Path) -> None:
    at = f"hf:{local}"
    assert refused(f"{at}::tset") == (
        f"The dataset {local} has no split 'tset', but train, test. Name one: {at}::train"
    )
    assert refused(f"{at}:other") == (
        f"The dataset {local} has no configuration 'other', but default. Name one: {at}:default"
    )
    assert refused(f"{at}:test") == f"The dataset {local} has no configuration 'test', which is a split: {at}::test"
    for field in ("titel", "id"):
        assert refused(at, field) == (
            f"{at} has no column '{field}' of text; its columns of text: title. Name one (--text-field)."
        )


@pytest.mark.usefixtures("datasets")
def test_several_configurations_are_named(local: Path) -> None:
    for name in ("one", "two"):
        (local / name).mkdir()
        pl.DataFrame({"text": [name]}).write_parquet(local / name / "train.parquet")
    (local / "README.md").write_text(CONFIGS)
    assert list(read_dataset(f"hf:{local}:two", "text")) == ["two"]
    assert (
        refused(f"hf:{local}") == f"The dataset {local} has several configurations: one, two. Name one: hf:{local}:one"
    )
    assert refused(f"hf:{local}:three").endswith(
        f"has no configuration 'three', but one, two. Name one: hf:{local}:one"
    )
    assert refused(f"hf:{local}:two:test").endswith(f"has no split 'test', but train. Name one: hf:{local}:two:train")


@pytest.mark.usefixtures("datasets")
def test_a_folder_without_data_or_without_text_or_none_at_all_is_named(local: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refused(f"hf:{tmp_path / 'empty'}").startswith(
        f"The dataset hf:{tmp_path / 'empty'} cannot be read (The dir"
    )
    pl.DataFrame({"text": ["", None, " "]}).write_parquet(local / "train.parquet")
    assert refused(f"hf:{local}") == (
        f"The dataset hf:{local} has no text in its column 'text'. Name another dataset, split or column."
    )
    for name in (f"{tmp_path}/nowhere", "./nowhere", "a b", "a/b/c"):
        assert refused(f"hf:{name}").startswith(f"There is no folder {name}. Texts from a dataset are hf:ID")
    (local / "train.parquet").write_bytes(b"PAR1 and then nothing")
    assert refused(f"hf:{local}").startswith(f"The dataset hf:{local} cannot be read (")


# What the Hub may answer ----------------------------------------------------------------------------------------------

ANSWERS = {
    "gone": (
        404,
        "RepoNotFound",
        "gives out no dataset some/gone: no such id, or not without logging in (hf auth login).",
    ),
    "gated": (
        403,
        "GatedRepo",
        "The dataset some/gated is gated: its owner wants you to agree to conditions on its page",
    ),
    "older": (404, "RevisionNotFound", "The dataset some/older has no revision 'v0'. Leave it out, or name another."),
    "broken": (500, "", "The dataset hf:some/broken@v0 cannot be read ("),
}


class Hub(BaseHTTPRequestHandler):
    """Refuses every dataset in its own way."""

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.split("/")[4]
        code, said, _ = ANSWERS[name]
        self.send_response(code)
        self.send_header("X-Error-Code", said)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Hub)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("datasets", "hub")
@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_hub_refuses_is_told_in_our_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(f"hf:some/{name}@v0")
    assert ANSWERS[name][2] in told


@pytest.mark.usefixtures("datasets")
def test_a_hub_that_cannot_be_reached_is_told_with_what_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    told = refused("hf:some/texts")
    assert told.startswith("The dataset hf:some/texts cannot be read (")
    assert told.endswith(" Is the Hugging Face Hub within reach? Files and docs work without it.")
