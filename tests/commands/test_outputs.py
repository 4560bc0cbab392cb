"""What is printed arrives, whatever the output can write and whatever a folder is called."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console
from tests.tiny_models import tiny_gpt2

from intraneuron import api
from intraneuron.commands import main
from intraneuron.commands.progress import Bars
from intraneuron.commands.words import conclude


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> api.Study:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder / "state"))
        return api.study(
            tiny_gpt2(folder / "tiny"), out=folder / "[x]" / "[bold]", layers=(0,), core_tokens=30, device="cpu"
        )


def printed(encoding: str, *words: str) -> str:
    """Run a command whose stdout has an encoding."""
    written = BytesIO()
    output = TextIOWrapper(written, encoding=encoding)
    with redirect_stdout(output):
        assert main(words) == 0
    output.flush()
    return written.getvalue().decode(encoding)


ENCODINGS = pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])


@ENCODINGS
def test_a_card_is_shown_in_every_encoding(study: api.Study, encoding: str) -> None:
    assert "L0N1" in printed(encoding, "show", str(study.path), "L0N1")


@ENCODINGS
def test_json_is_valid_in_every_encoding(study: api.Study, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "Ġ \x81 é \u2581 \U0001f600"
    monkeypatch.setattr("intraneuron.data.Card.to_dict", lambda _: {"token": odd})
    assert json.loads(printed(encoding, "show", str(study.path), "L0N1", "--json")) == {"token": odd}


def test_names_are_printed_as_they_are(study: api.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    said = StringIO()
    monkeypatch.setattr(
        api.Study, "summary", property(lambda self: self.folder.summary() | {"notes": ["[/note] and [red]"]})
    )
    console = Console(file=said, width=40)
    conclude(console, study)
    Bars(console).say("[/x] [bold]")
    text = said.getvalue()
    assert f"Report: {study.path / 'report.html'}\n" in text
    assert f"Tables: {Path(study.path) / 'neurons' / 'results.parquet'} (one row a neuron)\n" in text
    assert "[/note] and [red]\n" in text
    assert text.endswith("[/x] [bold]\n")
