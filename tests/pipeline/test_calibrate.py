"""calibrate: the tables of a study's populations, with what stands beside each size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import Batch, make_batch

from intraneuron.config import CalibrateConfig, PartitionConfig
from intraneuron.pipeline import calibrate as verb
from intraneuron.pipeline import power
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.calibrate import Calibration, Material, Report, calibrate
from intraneuron.pipeline.compare import with_q
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.pattern import bar_of
from intraneuron.pipeline.power import thresholds
from intraneuron.pipeline.results import Population

BATCHES = {(0, "neurons"): 1, (1, "neurons"): 2, (0, "rotated"): 3, (1, "rotated"): 4}
CONFIG = CalibrateConfig(shuffles=60, planted=20, seed=2)


def population(batch: Batch, layer: int) -> Population:
    core = replace(batch.core(), layer=np.full(len(batch), layer, dtype=np.int32))
    found = analyse(core, batch.space(), spelling=batch.spelling())[0]
    effects = {name: with_q([effect])[0] for name, effect in found.comparison.effects.items()}
    return Population(core, found.categories, found.segments, replace(found.comparison, effects=effects))


def material(twins: bool = True) -> Material:
    vectors = make_batch(8, 48, seed=1)
    made: dict[int, dict[str, Population]] = {0: {}, 1: {}}
    for (layer, name), seed in BATCHES.items():
        if twins or name == "neurons":
            batch = replace(make_batch(8, 48, seed=seed), vectors=vectors.vectors)
            made[layer][name] = population(batch, layer)
    eligible = np.ones(len(vectors.vectors), dtype=bool)
    return Material(
        made, dict.fromkeys((0, 1), vectors.space()), vectors.spelling(), eligible, PartitionConfig(), 48, 0
    )


@pytest.fixture(autouse=True)
def few_relations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "STRENGTHS", (0.0, 0.8))
    monkeypatch.setattr(power, "NOISES", (0.0,))


def with_halves(of: Material) -> Material:
    """Return the material with its own core tokens as those of both halves of a text."""
    return replace(
        of,
        halves={layer: {name: (one.core, one.core) for name, one in some.items()} for layer, some in of.layers.items()},
    )


def made(twins: bool = True, halves: bool = False) -> tuple[Calibration, dict[str, tuple[int, int]]]:
    told: dict[str, tuple[int, int]] = {}

    @contextmanager
    def stage(name: str, unit: str) -> Iterator[Report]:
        def report(done: int, total: int) -> None:
            told[name] = (done, total)

        yield report

    of = with_halves(material(twins)) if halves else material(twins)
    return calibrate(of, CONFIG, stage), told


def test_all_parts_of_the_work_are_announced_and_done_to_the_end() -> None:
    found, told = made()
    assert list(told) == ["shuffles", "cloud", "planted", "retest"]
    assert all(done == total for done, total in told.values())
    assert told["shuffles"][0] >= CONFIG.shuffles
    assert {name: len(rows) > 0 for name, rows in found.tables().items()} == dict.fromkeys(found.tables(), True)


def test_beside_a_size_stand_the_shares_of_the_studys_populations() -> None:
    found, _ = made()
    of = material()
    for name in ("neurons", "rotated"):
        p = np.concatenate([one.effects["distance"].p for one in of.comparisons(name)])
        share = (p[np.isfinite(p)] <= 0.05).mean()
        [row] = [row for row in found.size if (row["test"], row["level"]) == ("distance", 0.05)]
        assert row[f"share_{name}"] == pytest.approx(share)
        assert np.isnan(row["share_shuffled"])


def test_patterns_are_judged_by_the_studys_bars_and_p() -> None:
    found, of = made()[0], material()
    limits = [bar_of("peak", one) for one in of.comparisons("rotated")]
    assert found.facts["bars"]["peak"] == pytest.approx(np.mean(limits))
    assert found.facts["largest_p"] == thresholds(of.comparisons("neurons"))
    assert found.facts["largest_p"].keys() <= BY_NAME.keys()


def test_without_the_rotated_twin_there_is_no_retest_and_no_bar_of_it() -> None:
    found, told = made(twins=False)
    assert "retest" not in told
    assert found.retest == []
    assert found.facts["bars"] is None
    assert all(np.isnan(row["share_rotated"]) for row in found.size)


def test_patterns_of_the_halves_of_a_text_stand_beside_those_of_parallel_forms() -> None:
    found, told = made(halves=True)
    neurons = sum(len(core) for name in ("neurons", "rotated") for core in material().cores(name))
    assert told["retest"] == (4 * neurons, 4 * neurons)
    agreed = {(row["forms"], row["population"], row["layer"]): row["agreement"] for row in found.retest}
    assert {forms for forms, *_ in agreed} == {"ranks", "texts"}
    assert agreed["texts", "neurons", None] == agreed["texts", "rotated", 1] == 1
    np.testing.assert_equal([row for row in found.retest if row["forms"] == "ranks"], made()[0].retest)


def test_out_are_the_rows_that_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        verb, "size_rows", lambda _: [{"test": "mrpp", "level": 0.05, "out": out} for out in (True, False)]
    )
    assert [row["out"] for row in made()[0].out] == [True]
