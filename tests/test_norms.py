"""Studies whose categories people named: every token has that of the file, and a study remembers them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import silhouette_score
from tests.tiny_models import WORDS, tiny_gpt2

from intraneuron import api
from intraneuron.config import PartitionConfig
from intraneuron.data import Norms
from intraneuron.errors import DataError, SettingError
from intraneuron.given import read_given_norms
from intraneuron.pipeline.partition import categorize
from intraneuron.spaces import read_norms
from intraneuron.status import status

SETTINGS: dict[str, Any] = {"device": "cpu", "core_tokens": 40, "layers": [0], "words": True}
NAMES = ("animals", "tools", "food", "feelings")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "gpt2")
    return home


def write_norms(path: Path, names: tuple[str, ...] = NAMES) -> Path:
    rng = np.random.default_rng(5)
    words = [word for i, word in enumerate(sorted(set(WORDS))) if i % 5]
    frame = pl.DataFrame({"word": words, "category": rng.choice(names, len(words))})
    twice = frame.head(3).with_columns(category=pl.lit("a second one"))
    pl.concat([frame, twice]).write_csv(path)
    return path


@pytest.fixture(scope="module")
def study(home: Path) -> api.Study:
    norms = write_norms(home / "norms.csv")
    return api.study(home / "gpt2", out=home / "study", categories=f"norms:{norms}", **SETTINGS)


def named(study: api.Study, file: Path) -> dict[str, str]:
    first = pl.read_csv(file).unique(subset=["word"], keep="first")
    return dict(zip(first["word"], first["category"], strict=True))


def test_a_token_is_in_the_category_that_the_file_names_and_others_are_in_none(study: api.Study, home: Path) -> None:
    category = named(study, home / "norms.csv")
    vocabulary, core = study.folder.vocabulary(), study.folder.core_tokens("neurons", 0)
    found = study.folder.partition("neurons", 0, "meaning")
    words = pl.read_parquet(study.path / "neurons/categories/layer-00.parquet")["words"].to_list()
    tested = np.flatnonzero(found.n_groups > 1)
    assert len(tested)
    for i in tested:
        for r in range(core.n[i]):
            token = str(vocabulary.token[core.token_id[i, r]]).strip().casefold()
            label = int(found.label[i, r])
            assert (words[i][label] == [category[token]]) if label >= 0 else True
            if token not in category:
                assert label == -1
        means = [core.activation[i, found.label[i] == g].mean() for g in range(found.n_groups[i])]
        assert means == sorted(means, reverse=True)
        sizes = np.bincount(found.label[i][found.label[i] >= 0])
        assert sizes.min() >= 3


def test_quality_is_the_silhouette_of_the_named_groups(study: api.Study, home: Path) -> None:
    category = named(study, home / "norms.csv")
    vocabulary, core, space = (
        study.folder.vocabulary(),
        study.folder.core_tokens("neurons", 0),
        study.folder.read_space("input"),
    )
    found = study.folder.partition("neurons", 0, "meaning")
    for i in np.flatnonzero(found.n_groups > 1)[:8]:
        ids = core.token_id[i, : core.n[i]]
        labels = [category.get(str(token).strip().casefold()) for token in vocabulary.token[ids]]
        own = [label is not None for label in labels]
        V = space.vector[ids[own]].astype(float)
        expected = silhouette_score(V, [label for label in labels if label], metric="cosine")
        assert found.quality[i] == pytest.approx(expected, abs=1e-5)


def test_pages_speak_of_named_categories_and_a_calibration_uses_them(study: api.Study, home: Path) -> None:
    assert any("Categories are those of" in note for note in study.summary["notes"])
    assert "given the categories that people named" in study.methods().paragraph
    assert "that people named" in (study.path / "report.html").read_text()
    assert study.calibrate(shuffles=60, planted=20).size
    kept = read_norms(study.folder)
    assert kept is not None
    assert set(kept.name) <= set(NAMES)


def test_another_content_makes_categories_anew_and_other_categories_forget_the_norms(
    home: Path, tmp_path: Path
) -> None:
    norms = write_norms(tmp_path / "norms.csv")
    settings = SETTINGS | {"out": tmp_path / "study"}
    api.study(home / "gpt2", categories=f"norms:{norms}", **settings)
    assert not any(stage["todo"] for stage in status(tmp_path / "study")["stages"])
    write_norms(norms, NAMES[:2])
    stages = {stage["stage"]: stage for stage in status(tmp_path / "study")["stages"]}
    assert not stages["observe"]["todo"]
    assert stages["categorize"]["todo"] == [0]
    assert "norms" in stages["categorize"]["why"]
    norms.unlink()
    assert not any(stage["todo"] for stage in status(tmp_path / "study")["stages"])
    api.study(home / "gpt2", **settings)
    assert not (tmp_path / "study" / "norms.parquet").exists()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            {"word": ["walk"], "group": ["a"]},
            r"a column token \(or word\) and a column category, got word, group",
        ),
        ({"word": ["zzz", "yyy"], "category": ["a", "b"]}, r"name 0 of the words of .*, in 0 categories"),
    ],
)
def test_norms_that_cannot_be_used_are_one_sentence(
    home: Path, tmp_path: Path, table: dict[str, list[str]], said: str
) -> None:
    pl.DataFrame(table).write_csv(tmp_path / "norms.csv")
    with pytest.raises(DataError, match=said):
        api.study(home / "gpt2", out=tmp_path / "s", categories=f"norms:{tmp_path}/norms.csv", **SETTINGS)
    assert not (tmp_path / "s").exists()


def test_named_categories_need_their_names(study: api.Study) -> None:
    core, space = study.folder.core_tokens("neurons", 0), study.folder.read_space("input")
    with pytest.raises(SettingError, match=r"norms:x\.csv are those of a study"):
        categorize(core, space, "norms:x.csv")
    with pytest.raises(SettingError, match="norms:FILE, got 'norms:'"):
        categorize(core, space, "norms:")
    with pytest.raises(DataError, match="must be below the number of names, 1, got 1"):
        Norms(("a",), np.array([1], dtype=np.int16))


def test_space_behind_commas_makes_words_no_tokens(study: api.Study, tmp_path: Path) -> None:
    vocabulary, found = study.folder.vocabulary(), []
    for space in ("", " "):
        rows = [f"{NAMES[i % 2]},{space}{word}" for i, word in enumerate(sorted(set(WORDS)))]
        (tmp_path / "norms.csv").write_text(f"category,{space}token\n" + "\n".join(rows))
        given = read_given_norms(PartitionConfig(categories=f"norms:{tmp_path / 'norms.csv'}"), vocabulary, "gpt2")
        assert given is not None
        found.append(given.norms.category)
    np.testing.assert_array_equal(found[0], found[1])


def test_space_around_a_category_makes_no_other_category(study: api.Study, tmp_path: Path) -> None:
    words = sorted(set(WORDS))
    rows = [f"{word}, {NAMES[i % 2]}{' ' * (i % 3)}" for i, word in enumerate(words)]
    (tmp_path / "norms.csv").write_text("token, category\n" + "\n".join(rows))
    config = PartitionConfig(categories=f"norms:{tmp_path / 'norms.csv'}")
    given = read_given_norms(config, study.folder.vocabulary(), "gpt2")
    assert given is not None
    assert given.norms.name == NAMES[:2]
