"""What the numbers of a report are: under the settings of the study, and with the truth about p."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from intraneuron.config import ObserveConfig, PartitionConfig, SpaceConfig, StudyConfig
from intraneuron.figures.reference import REFERENCES
from intraneuron.kernels.breaks import METHODS
from intraneuron.kernels.clustering import LINKAGES
from intraneuron.pipeline.numbers import reference_in
from intraneuron.report.definitions import definitions


def defined(mode: str = "vocabulary", **changed: Any) -> dict[str, str]:
    """Return meaning and formula by name, under settings of which some are changed."""
    settings = asdict(replace(StudyConfig(), **changed))
    return {
        name: f"{meaning} {formula}"
        for name, meaning, formula in definitions(settings, mode, REFERENCES[reference_in(mode)])
    }


def test_core_tokens_are_as_many_as_were_asked_for() -> None:
    text = defined(observe=ObserveConfig(core_tokens=50))["Core tokens"]
    assert "the 50 of highest" in text
    assert "K = 50" in text
    assert "100" not in text


@pytest.mark.parametrize("linkage", LINKAGES)
def test_categories_name_the_linkage_of_the_study_and_no_other(linkage: str) -> None:
    text = defined(partition=PartitionConfig(categories=linkage))["Categories"].lower()
    assert [name for name in LINKAGES if f"{name} linkage" in text] == [linkage]


def test_published_lists_are_judged_by_readout_twins_and_lose_tokens_that_nothing_replaces() -> None:
    text = defined("published")
    assert "published list" in text["Core tokens"]
    assert "readout" in text["Difference"]
    assert "readout" in text["Pattern"]
    assert not any("rotated" in one for one in text.values())
    assert "without being replaced" in text["Interval"]


def test_categories_name_the_space_of_the_study() -> None:
    assert "(token embeddings)" in defined()["Categories"]
    assert "(unembedding, centred)" in defined(space=SpaceConfig("output", center=True))["Categories"]
    assert "(what enters the layer at a token, in the mean)" in defined(space=SpaceConfig("layer-input"))["Categories"]
    assert "(those of a file)" in defined(space=SpaceConfig("file:a.csv"))["Categories"]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("ward", ("Ward linkage on squared chord distances", "highest; groups under 3", "k in 2..10")),
        ("average:5", ("average linkage on distances 1 − cosine", "k in 2..5")),
        ("threshold:0.4", ("average linkage", "less alike than a cosine of 0.4;", "1 − cosine ≤ 1 − 0.4")),
    ],
)
def test_categories_are_defined_as_the_study_made_them(method: str, words: tuple[str, ...]) -> None:
    text = defined(partition=PartitionConfig(categories=method))["Categories"]
    assert all(word in text for word in words)
    assert ("silhouette" in text) == (not method.startswith("threshold"))


SEGMENTS = {
    "quantile:7": ("7 zones of equally many tokens", "⌊r·7/n⌋ + 1"),
    "equal-width:4": ("4 zones of equal width", "4 − ⌊4·(a − min a)/(max a − min a)⌋"),
    "natural": ("as few as fit, up to 10, zones", "fewest zones with 1 − SSW/SST ≥ 0.85"),
    "natural:4": ("4 zones with the least squared distance", "least SSW"),
    "top:0.1": ("the ⌈0.1·n⌉ most active tokens", "1 for ranks under 0.1·n"),
}


@pytest.mark.parametrize(("method", "words"), SEGMENTS.items(), ids=SEGMENTS.keys())
def test_segments_are_defined_as_the_study_made_them(method: str, words: tuple[str, str]) -> None:
    text = defined(partition=PartitionConfig(segments=method))["Segments (zones)"]
    assert all(word in text for word in words)
    assert "quantile" in method or "⌊r" not in text


def test_every_way_to_make_segments_is_defined() -> None:
    assert {method.partition(":")[0] for method in SEGMENTS} == set(METHODS)


def test_the_interval_names_what_was_left_out() -> None:
    assert "shard of the text" in defined("corpus")["Interval"]
    assert "group of like tokens" in defined("vocabulary")["Interval"]


@pytest.mark.parametrize("source", ["exact moments", "exact distribution", "saddlepoint", "random draws"])
def test_p_names_each_of_its_sources(source: str) -> None:
    assert source in defined()["p"]
