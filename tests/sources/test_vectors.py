"""Vectors of words: tables, norms, word2vec's and GloVe's text; what leaves, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from intraneuron.config import VectorsConfig
from intraneuron.errors import DataError, IntraneuronError
from intraneuron.sources.vectors import LONGEST, Vectors, read_vectors

GLOVE = "the 0.1 0.2 0.3\nof -1 2e-1 3\n. . . 1 2 3\n"


def read(file: Path, *columns: str, standardize: bool = False) -> Vectors:
    return read_vectors(VectorsConfig(str(file), columns, standardize))


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("head", ["", "3 3\n"])
@pytest.mark.parametrize("suffix", ["txt", "vec"])
def test_lines_of_a_word_and_numbers_are_read_with_and_without_a_first_line(
    tmp_path: Path, head: str, suffix: str
) -> None:
    found = read(written(tmp_path / f"a.{suffix}", head + GLOVE))
    assert found.token == ["the", "of", ". . ."]
    np.testing.assert_allclose(found.vector[:2], np.array([[0.1, 0.2, 0.3], [-1.0, 0.2, 3.0]]), rtol=1e-6)
    assert found.facts == {"dimensions": 3, "words": 3}


def test_a_table_of_norms_gives_the_columns_of_numbers_or_those_that_are_named(tmp_path: Path) -> None:
    file = written(
        tmp_path / "n.csv", "Word,POS,valence,arousal,SD\ndog,noun,6.5,4,1\nfear,noun,2.1,6,NA\ncat,noun,7,3,2\n"
    )
    every = read(file)
    assert every.facts["columns"] == ["valence", "arousal", "SD"]
    assert every.token == ["dog", "cat"]
    assert every.facts["incomplete"] == 1
    two = read(file, "arousal", "valence")
    assert two.token == ["dog", "fear", "cat"]
    np.testing.assert_allclose(two.vector, np.array([[4, 6.5], [6, 2.1], [3, 7]]), rtol=1e-6)


def test_the_vectors_of_an_export_are_its_columns_v1_v2_and_no_others(tmp_path: Path) -> None:
    found = read(
        written(tmp_path / "vectors.csv", "space,token_id,token,count,v1,v2\ninput,5, a,9,1,2\ninput,6,b,1,3,4\n")
    )
    assert found.token == [" a", "b"]
    assert found.vector.tolist() == [[1, 2], [3, 4]]


def test_parquet_may_hold_the_vector_in_one_column_of_lists(tmp_path: Path) -> None:
    frame = pl.DataFrame({"token": [" a", "b"], "vector": [[1.0, 2.0], [3.0, 4.0]]})
    frame.write_parquet(tmp_path / "lists.parquet")
    frame.with_columns(pl.col("vector").list.to_array(2)).write_parquet(tmp_path / "arrays.parquet")
    for name in ("lists", "arrays"):
        found = read(tmp_path / f"{name}.parquet")
        assert found.token == [" a", "b"]
        assert found.vector.tolist() == [[1, 2], [3, 4]]


def test_the_column_of_words_may_have_any_name_when_it_is_the_only_one_of_texts(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.csv", "Stimulus,x,y\na,1,2\nb,2,1\n")).token == ["a", "b"]
    with pytest.raises(DataError, match="have no column token or word, and 2 columns of text"):
        read(written(tmp_path / "b.csv", "Stimulus,POS,x,y\na,n,1,2\nb,v,2,1\n"))


def test_standardized_columns_have_mean_0_and_deviation_1_and_a_constant_one_says_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", "token,x,y,z\na,1,100,5\nb,2,300,5\nc,3,200,5\n")
    found = read(file, standardize=True).vector
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=0), [1, 1, 0], atol=1e-6)


def test_the_first_of_equal_words_stays_and_words_that_are_none_leave_and_both_are_counted(tmp_path: Path) -> None:
    long = "x" * (LONGEST + 1)
    found = read(written(tmp_path / "a.txt", f"a 1 2\na 3 4\nb nan 1\n{long} 1 1\nc 5 6\n"))
    assert found.token == ["a", "c"]
    assert found.vector.tolist() == [[1, 2], [5, 6]]
    assert {name: found.facts[name] for name in ("twice", "incomplete", "too_long")} == {
        "twice": 1,
        "incomplete": 1,
        "too_long": 1,
    }


@pytest.mark.parametrize(
    ("name", "content", "columns", "told"),
    [
        ("a.bin", "1 1", (), "should end in .csv, .tsv, .tab, .parquet, .txt, .vec, got .bin"),
        ("a.txt", "a 1 2\nb 1\n", (), "Line 2 of"),
        ("a.txt", "a 1 2\n\nb 1 x2\n", (), "Line 3 of"),
        ("a.txt", "a 1 2\nb 1 x2\n", (), "got 'x2' among them"),
        ("a.txt", "a 1 2\nb 1 2\n", ("x",), "columns (--columns) are those of a table"),
        ("a.txt", "", (), "at least 2 words with 2 numbers each, got 0"),
        ("a.csv", "token,x\na,1\nb,2\n", (), "at least 2 words with 2 numbers each, got 2 with 1"),
        ("a.csv", "token,valence,y\na,1,2\nb,2,1\n", ("valance",), "did you mean valence?"),
        ("a.csv", "token,x\na,u\nb,v\n", (), "have no column of numbers; their columns are token, x"),
    ],
)
def test_what_holds_no_vectors_is_told(
    tmp_path: Path, name: str, content: str, columns: tuple[str, ...], told: str
) -> None:
    with pytest.raises(IntraneuronError) as error:
        read(written(tmp_path / name, content), *columns)
    assert told in str(error.value)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_bytes(b"2 2\nthe \xfe\xff\n")
    with pytest.raises(DataError, match="are not UTF-8 text"):
        read(tmp_path / "a.vec")
    ragged = pl.DataFrame({"token": ["a", "b"], "vector": [[1.0, 2.0], [3.0]]})
    ragged.write_parquet(tmp_path / "ragged.parquet")
    with pytest.raises(DataError, match="should be lists of one length, got lengths 1, 2"):
        read(tmp_path / "ragged.parquet")


def test_row_numbers_that_pandas_and_r_write_are_no_dimension(tmp_path: Path) -> None:
    frame = pl.DataFrame({"": [0, 1, 2], "word": ["a", "b", "c"], "x": [1.0, 2.0, 3.0], "y": [3.0, 1.0, 2.0]})
    frame.write_csv(tmp_path / "norms.csv")
    found = read_vectors(VectorsConfig(str(tmp_path / "norms.csv")))
    assert found.facts["columns"] == ["x", "y"]


@pytest.mark.parametrize(
    "columns",
    [
        {"word": [["a"], ["b"]], "v": [[1.0, 2.0], [2.0, 1.0]]},
        {"word": [b"a\xff", b"b\xff"], "v": [[1.0, 2.0], [2.0, 1.0]]},
        {"word": ["a", "b"], "v": [[1.0, 2.0], None]},
        {"word": ["a", "b"], "v": [[["x"], ["y"]], [["x"], ["y"]]]},
    ],
)
def test_columns_of_another_type_are_told(tmp_path: Path, columns: dict[str, Any]) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "words.parquet")
    with pytest.raises(DataError, match="should"):
        read_vectors(VectorsConfig(str(tmp_path / "words.parquet")))
