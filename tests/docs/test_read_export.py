"""docs/read_export.R: R reads an export to the last character, and computes every test again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from tests.hostile import HOSTILE
from tests.tiny_models import tiny_gpt2

from intraneuron import api

SCRIPT = Path(__file__).parents[2] / "docs" / "read_export.R"
RSCRIPT = shutil.which("Rscript")
SKIP = "Rscript is not on the path; apt-get install r-base-core"
TESTS = (
    *("top_down", "category_delta", "selectivity", "interleaving", "homogeneity", "step_down"),
    *("peak", "mrpp", "distance", "agreement", "purity", "abstraction", "tightness"),
)

pytestmark = pytest.mark.skipif(RSCRIPT is None, reason=SKIP)


def run(*words: str, locale: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RSCRIPT), *words], capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": locale}
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> api.Study:
    home = tmp_path_factory.mktemp("read-by-r")
    return api.study(str(tiny_gpt2(home / "tiny")), out=home / "study", layers=(0, 2), core_tokens=100)


@pytest.fixture(scope="module")
def few(study: api.Study) -> Path:
    """Return an export of the two neurons with the most core tokens."""
    names = study.neurons().sort("n", descending=True).head(2).select(pl.format("L{}N{}", "layer", "neuron"))
    return study.export(study.path / "few", all_vectors=True, neurons=names.to_series().to_list()).path


def test_r_computes_one_p_of_every_test_again(few: Path) -> None:
    done = run(str(SCRIPT), str(few), "2000")
    assert done.returncode == 0, done.stdout + done.stderr
    neurons = done.stdout.partition("shuffled")[0]
    for test in TESTS:
        assert f"  {test} " in neurons, test
    assert neurons.count("undefined") < 4
    assert "p are within 4 Monte Carlo errors" in done.stdout


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("neurons", "mrpp_p", "BEYOND THE ERROR"),
        ("neurons", "tightness", "OTHER VALUE"),
        ("neurons", "distance_r", "OTHER VALUE"),
        ("segments", "purity_p", "BEYOND THE ERROR"),
        ("categories", "selectivity", "OTHER VALUE"),
    ],
)
def test_a_p_or_a_value_that_is_wrong_ends_the_script_with_an_error(
    table: str, column: str, said: str, few: Path, tmp_path: Path
) -> None:
    wrong = Path(shutil.copytree(few, tmp_path / "wrong"))
    frame = pl.read_csv(wrong / f"{table}.csv", infer_schema_length=None)
    changed = pl.col(column) * 0.5 + (0.3 if said == "OTHER VALUE" else 0.0)
    frame.with_columns(changed).write_csv(wrong / f"{table}.csv", quote_style="non_numeric")
    done = run(str(SCRIPT), str(wrong), "2000")
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
    assert "p differ beyond 4 Monte Carlo errors" in done.stderr


def test_tightness_is_left_out_of_an_export_with_vectors_of_core_tokens_only(study: api.Study, tmp_path: Path) -> None:
    name = study.neurons().sort("n", descending=True).head(1).select(pl.format("L{}N{}", "layer", "neuron")).item()
    out = study.export(tmp_path / "out", vectors=True, neurons=[name], populations=["neurons"]).path
    done = run(str(SCRIPT), str(out), "500")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  mrpp " in done.stdout
    assert "tightness" not in done.stdout


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_r_reads_every_text_back_to_the_last_character(locale: str, study: api.Study, tmp_path: Path) -> None:
    copy = api.open(shutil.copytree(study.path, tmp_path / "study"))
    frame = pl.read_parquet(copy.path / "vocabulary.parquet")
    texts = [HOSTILE[i % len(HOSTILE)] for i in range(len(frame))]
    frame.with_columns(token=pl.Series(texts)).write_parquet(copy.path / "vocabulary.parquet")
    out = copy.export(tables=["tokens"], populations=["neurons"]).path
    code = (
        f"source('{SCRIPT}'); tables <- read_export('{out}'); "
        "hex <- vapply(tables$tokens$token, function(x) paste(charToRaw(x), collapse = ''), ''); "
        "stopifnot(is.numeric(tables$tokens$activation), is.numeric(tables$tokens$category)); "
        "cat(tables$tokens$token_id, sep = '\\n'); cat(hex, sep = '\\n'); "
        "cat(sprintf('%.17g', tables$tokens$activation), sep = '\\n')"
    )
    done = run("-e", code, locale=locale)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = len(lines) // 3
    own = pl.read_csv(out / "tokens.csv")
    assert [int(one) for one in lines[:rows]] == own["token_id"].to_list()
    read = [bytes.fromhex(one).decode("utf-8") for one in lines[rows : 2 * rows]]
    assert read == [texts[i] for i in own["token_id"]]
    assert [float(one) for one in lines[2 * rows :]] == own["activation"].to_list()


def test_an_export_that_lacks_a_table_is_told(study: api.Study, tmp_path: Path) -> None:
    out = study.export(tmp_path / "out", tables=["neurons"]).path
    done = run(str(SCRIPT), str(out))
    assert done.returncode == 1
    assert "This needs an export of all tables, with --vectors." in done.stderr
