"""docs/export.md: what it tells pandas and Polars brings back hostile tokens and undefined numbers as they were."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.hostile import HOSTILE
from tests.tiny_models import tiny_gpt2

from intraneuron import api
from intraneuron.exporting.columns import LONG

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the Python blocks of the page beside an export, and return what they leave."""
    home = tmp_path_factory.mktemp("page")
    study = api.study(str(tiny_gpt2(home / "tiny")), out=home / "study", layers=(0,), core_tokens=60)
    file = study.path / "vocabulary.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(token=pl.Series([HOSTILE[i % len(HOSTILE)] for i in range(len(frame))])).write_parquet(file)
    study.export(home / "export")
    shutil.copy(study.export(home / "parquet", format="parquet").path / "tokens.parquet", home / "export")
    namespace: dict[str, Any] = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(home)
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
        ):
            exec(compile(block, f"export.md block {number}", "exec"), namespace)
            namespace[f"tokens_{number}"] = namespace["tokens"]
        namespace["tables"] = {table: namespace["read"](table) for table in LONG}
    return namespace | {"study": study, "home": home}


def test_every_block_reads_every_token_back(read: dict[str, Any]) -> None:
    frame = pl.read_parquet(read["home"] / "export" / "tokens.parquet")
    expected = [HOSTILE[i % len(HOSTILE)] for i in frame["token_id"]]
    assert frame["token"].to_list() == expected
    found = [value for name, value in read.items() if re.fullmatch(r"tokens_\d+", name)]
    assert len(found) == 3
    for tokens in found:
        assert list(tokens["token"]) == expected
        assert list(tokens["activation"]) == frame["activation"].to_list()


@pytest.mark.parametrize("table", LONG)
def test_with_the_codebook_pandas_reads_any_table_as_it_is_in_the_study(table: str, read: dict[str, Any]) -> None:
    found = read["tables"][table]
    own = pl.read_parquet(read["home"] / "parquet" / f"{table}.parquet")
    assert list(found.columns) == own.columns
    for name in own.columns:
        values = [None if pd.isna(one) else one for one in found[name]]
        assert values == own[name].to_list(), name
