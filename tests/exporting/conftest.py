"""A finished study of a tiny model, as it is and with tokens that no CSV file likes."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.hostile import HOSTILE
from tests.tiny_models import tiny_gpt2

from intraneuron import api


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a study of two layers with all twins that need no texts; nobody may change it."""
    home = tmp_path_factory.mktemp("exportable")
    twins = ("shuffled", "rotated", "untrained")
    return api.study(str(tiny_gpt2(home / "tiny")), out=home / "study", layers=(0, 2), core_tokens=60, twins=twins).path


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> api.Study:
    """Return a copy of the study."""
    return api.open(shutil.copytree(finished, tmp_path / "study"))


@pytest.fixture
def hostile(study: api.Study) -> api.Study:
    """Return a copy of the study whose tokens have the texts that no CSV file likes."""
    file = study.path / "vocabulary.parquet"
    frame = pl.read_parquet(file)
    texts = [HOSTILE[i % len(HOSTILE)] for i in range(len(frame))]
    frame.with_columns(token=pl.Series(texts)).write_parquet(file)
    return study
