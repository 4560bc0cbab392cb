"""The paragraph for a paper: its numbers are the study's, and what it cites is in its references."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_models import NEURONS, tiny_gpt2

from intraneuron import api
from intraneuron.errors import StudyError
from intraneuron.report.methods import methods


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> api.Study:
    home = tmp_path_factory.mktemp("methods")
    return api.study(tiny_gpt2(home / "tiny"), out=home / "study", device="cpu", core_tokens=30, layers=[0, 2])


def changed(study: api.Study, part: str, **settings: Any) -> str:
    """Return the paragraph of the study with other settings."""
    manifest = dict(study.folder.manifest)
    manifest["settings"] = manifest["settings"] | {part: manifest["settings"][part] | settings}
    return methods(manifest, study.summary, {"peak": 5}).paragraph


def test_the_numbers_are_those_of_the_study(study: api.Study) -> None:
    told = study.methods().paragraph
    tested = sum(
        int(np.isfinite(study.folder.comparison("neurons", layer).effects[question].p).sum())
        for layer in (0, 2)
        for question in study.folder.comparison("neurons", layer).effects
    )
    assert f"in 2 layers (0, 2; counted from 0), {2 * NEURONS} neurons in all" in told
    assert f"In all, {tested:,} p-values of neurons in 13 questions were computed" in told
    assert f"SHA-256 of the weights {study.folder.manifest['model']['weights'][:12]}" in told
    for text in (
        "up to 30 tokens",
        "was read alone",
        "input embeddings",
        "5 segments of equal numbers",
        "with seed 0.",
    ):
        assert text in told


def test_what_is_cited_is_in_the_references_and_nothing_else_is(study: api.Study) -> None:
    found = study.methods()
    cited = set(re.findall(r"\[@(\w+)\]", found.paragraph))
    listed = re.findall(r"^@\w+\{(\w+),$", found.references, re.MULTILINE)
    assert cited == set(listed)
    assert len(listed) == len(cited) == 10
    assert str(found) == f"{found.paragraph}\n\n{found.references}"


def test_other_settings_are_told(study: api.Study) -> None:
    assert "average linkage of cosine distances" in changed(study, "partition", categories="average")
    assert "ward1963" not in changed(study, "partition", categories="average")
    assert "the top share of 0.1 and the rest" in changed(study, "partition", segments="top:0.1")
    assert "No twin population was observed." in changed(study, "twin", twins=[])
    assert "(cross-fit)" in changed(study, "observe", cross_fit=True)
    assert "busing1999" not in changed(study, "twin", twins=[])


def test_cross_fit_is_told_as_it_is_done(study: api.Study) -> None:
    """Tokens of one half, activations of the other, and a correlation that is not stepped up."""
    summary = study.summary
    reliability = summary["reliability"] | {"median": 0.9, "min_count": [5], "settled": []}
    manifest = dict(study.folder.manifest)
    settings = manifest["settings"]
    manifest["settings"] = settings | {"observe": settings["observe"] | {"cross_fit": True}}
    told = methods(manifest, summary | {"mode": "corpus", "reliability": reliability}, {}).paragraph
    assert "separately over its even and its odd documents" in told
    assert "above 0 in the even documents, of those seen there at least half of 5 times; their activations" in told
    assert "correlate by 0.90" in told
    assert "stepped up" not in told


def test_a_name_with_an_escape_sequence_is_shown_and_never_sent(study: api.Study) -> None:
    manifest = study.folder.manifest | {"model": study.folder.manifest["model"] | {"name": "x\x1b[31mred"}}
    told = methods(manifest, study.summary, {}).paragraph
    assert "\x1b" not in told
    assert "[31mred" in told


def test_texts_are_told_with_their_size_and_reliability(study: api.Study) -> None:
    summary = study.summary
    reliability = summary["reliability"] | {"median": 0.9, "min_count": [5, 12], "settled": [{"read": 951_751.0}]}
    told = methods(study.folder.manifest, summary | {"mode": "corpus", "reliability": reliability}, {}).paragraph
    assert "averaged by token over 951,751 tokens of text" in told
    assert "seen at least 5 or 12 times (by layer)" in told
    assert "by 0.90 in the median neuron" in told
    assert "jackknife over 20 shards of the text" in told


def test_a_study_of_another_folder_is_read(study: api.Study, tmp_path: Path) -> None:
    assert api.open(study.path).methods() == study.methods()
    with pytest.raises(StudyError, match="There is no study in"):
        api.open(tmp_path).methods()
