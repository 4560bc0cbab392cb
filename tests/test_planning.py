from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_models import LAYERS, NEURONS, tiny_bert, tiny_gpt2

from intraneuron.checking import check
from intraneuron.config import RunConfig, StudyConfig
from intraneuron.errors import DataError, IntraneuronError, SettingError
from intraneuron.planning import Plan, keys, plan
from intraneuron.progress import Progress
from intraneuron.settings import settings_from
from intraneuron.store import STAGES

TEXT = "the cat sat on a mat and the dog ran\n\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("texts")
    for i in range(45):
        (folder / f"{i:02d}.txt").write_text(TEXT * (1 + i % 3))
    return str(folder)


def planned(model: Path | str, **settings: Any) -> Plan:
    return plan(str(model), *settings_from({"device": "cpu"} | settings))


REFUSED = [
    ({"core_tokens": 19}, r"core_tokens \(--core-tokens\) must be between 20 and 1000, got 19\."),
    ({"core_tokens": 1001}, r"core_tokens \(--core-tokens\) must be between 20 and 1000, got 1001\."),
    ({"min_count": 0}, r"min_count \(--min-count\) must be auto or a number from 1 on, got 0\."),
    (
        {"min_count": 3},
        r"min_count \(--min-count\) needs texts, got 3 without: in vocabulary mode every token is seen once\.",
    ),
    ({"mode": "corpus"}, r"mode \(--mode\) corpus needs texts, got none\. Give texts \(--texts\): docs, or files"),
    (
        {"mode": "vocabulary", "texts": "docs"},
        r"mode \(--mode\) vocabulary reads no texts \(--texts\), got some\. Leave one of the two",
    ),
    ({"text_field": "body"}, r"text_field \(--text-field\) needs texts \(--texts\), got 'body' without\. Give texts\."),
    ({"tokens": "5M"}, r"tokens \(--tokens\) needs texts \(--texts\), got 5,000,000 without: in vocabulary mode every"),
    (
        {"texts": ["docs", "hf:a/b"]},
        r"texts \(--texts\) hf:a/b are streamed and may be without end\. Say how many tokens",
    ),
    ({"texts": "hf:", "tokens": "5M"}, r"texts \(--texts\) from a dataset are hf:ID, .*, got 'hf:'\."),
    (
        {"mode": "published", "twins": "shuffled", "words": True},
        r"words \(--words\) is for the tokens of a model;",
    ),
    ({"seed": -1}, r"seed \(--seed\) must be a whole number from 0 to 2\^63 - 1, got -1\."),
    ({"seed": 2**63}, r"seed \(--seed\) must be a whole number from 0 to 2\^63 - 1, got 9223372036854775808\."),
    ({"categories": "kmeans"}, r"categories \(--categories\) must be ward, average, complete, each .*, got 'kmeans'\."),
    ({"memory": -1.0}, r"memory \(--memory\) must be a size above 0, such as 8GB, 512MB or 2\.5 \(GiB\), got -1\.0\."),
    (
        {"memory": math.nan},
        r"memory \(--memory\) must be a size above 0, such as 8GB, 512MB or 2\.5 \(GiB\), got nan\.",
    ),
    ({"texts": ""}, r"texts \(--texts\) must be a name or a path, got ''\."),
    ({"segments": "quantile:1"}, r"segments \(--segments\) must be quantile:G, .*, got 'quantile:1'\."),
]


@pytest.mark.parametrize(("given", "text"), REFUSED, ids=lambda v: str(v)[:30])
def test_settings_that_no_model_could_make_right_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        check(*settings_from(given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"core_tokens": 20},
        {"core_tokens": 1000},
        {"min_count": 1, "texts": "docs"},
        {"seed": 2**63 - 1},
        {"segments": "top:0.2"},
    ],
)
def test_settings_at_their_limits_are_accepted(given: dict[str, Any]) -> None:
    check(*settings_from(given))


def test_settings_are_checked_before_the_model_is_looked_for() -> None:
    with pytest.raises(SettingError, match="core_tokens"):
        plan("no/such/model", *settings_from({"core_tokens": 1}))


def test_an_empty_name_of_a_model_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"MODEL must be a name or a path, got ''\."):
        plan("", *settings_from({}))


@pytest.mark.parametrize(
    ("layers", "text"), [((0, 3), "got 3"), ((-1,), "got -1"), ((7, 8), "got 7, 8"), ((), "got none")]
)
def test_layers_that_do_not_exist_are_named_with_those_that_do(model: Path, layers: tuple[int, ...], text: str) -> None:
    with pytest.raises(
        SettingError, match=rf"layers \(--layers\) must be between 0 and {LAYERS - 1} for .*tiny, {text}\."
    ):
        planned(model, layers=layers)


def test_the_unembedding_of_an_encoder_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"has no unembedding, so it has no output space\. Use --space input"):
        planned(tiny_bert(tmp_path / "bert"), space="output")


def test_all_layers_are_studied_when_none_are_named_and_named_ones_are_sorted(model: Path) -> None:
    assert planned(model).layers == (0, 1, 2)
    one = planned(model, layers=[2, 0, 2])
    assert one.layers == one.config.observe.layers == (0, 2)


def test_the_mode_follows_from_texts(model: Path, texts: str) -> None:
    alone, corpus = planned(model), planned(model, texts=texts)
    assert (alone.mode, alone.texts, alone.text_hash) == ("vocabulary", None, "none")
    assert corpus.mode == "corpus"
    assert corpus.texts is not None
    assert corpus.texts.positions > 500
    assert corpus.identity != alone.identity
    assert alone.default_folder == Path("intraneuron-studies/tiny-vocabulary")
    assert corpus.default_folder == Path("intraneuron-studies/tiny-corpus")


def test_too_few_texts_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    with pytest.raises(DataError, match="The texts make 1 document, but at least 40 are needed"):
        planned(model, texts=str(tmp_path / "a.txt"))
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(IntraneuronError):
        planned(model, texts=str(tmp_path / "a.txt"))


def test_the_manifest_says_where_the_numbers_come_from(model: Path) -> None:
    manifest = planned(model, layers=[1]).manifest()
    assert manifest["model"]["neurons"] == [NEURONS] * LAYERS
    assert manifest["model"]["layers"] == LAYERS
    assert len(manifest["model"]["weights"]) == len(manifest["model"]["tokenizer"]) == 64
    assert manifest["settings"]["layers"] == [1]
    assert manifest["settings"]["mode"] == "vocabulary"
    assert manifest["settings"]["observe"]["core_tokens"] == 100
    assert manifest["run"] == {"device": "cpu", "dtype": "float32"}
    assert "versions" not in manifest  # those are of the runs, not of the plan


DEPENDS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "observe"),
    "core tokens": ({"core_tokens": 50}, "observe"),
    "min count": ({"min_count": 3}, "observe"),
    "number format": ({"dtype": "bfloat16"}, "observe"),
    "space": ({"center": True}, "categorize"),
    "categories": ({"categories": "average"}, "categorize"),
    "segments": ({"segments": "quantile:4"}, "segment"),
    "layers": ({"layers": (0,)}, "summarize"),
    "twins": ({"twins": ("rotated",)}, "categorize"),
    "rotated twin": ({"twins": ("shuffled",)}, "observe"),
    "readout twin": ({"twins": ("shuffled", "rotated", "readout")}, "observe"),
}


@pytest.mark.parametrize("name", DEPENDS)
def test_a_setting_changes_the_stages_that_depend_on_it_and_no_others(model: Path, name: str) -> None:
    changed, first = DEPENDS[name]
    before = planned(model)
    config, run = settings_from({"device": "cpu"} | changed)
    layers = config.observe.layers or before.layers
    after = replace(
        before, config=replace(config, observe=replace(config.observe, layers=layers)), run=run, layers=layers
    )
    old, new = keys(before), keys(after)
    redone = {stage for stage in old if old[stage] != new[stage]}
    expected = {first} | ({"full_range"} if name == "space" else set())
    for stage in STAGES:
        if set(stage.inputs) & expected or (name == "twins" and stage.name == "segment"):
            expected.add(stage.name)
    assert redone == expected


@pytest.mark.parametrize("changed", [{"memory": 1.0}, {"device": "auto"}])
def test_how_the_work_is_run_changes_no_stage(model: Path, changed: dict[str, Any]) -> None:
    before = planned(model)
    assert keys(replace(before, run=replace(before.run, **changed))) == keys(before)


def test_defaults_pass_and_a_silent_progress_takes_everything() -> None:
    check(StudyConfig(), RunConfig())
    assert RunConfig().device == "auto"
    progress = Progress()
    progress.say("x")
    with progress.stage("observe", "positions") as report:
        report(1, 2)


# So many tokens of a text ---------------------------------------------------------------------------------------------


def test_so_many_tokens_are_read_and_the_plan_says_how_many_documents_that_were(model: Path, texts: str) -> None:
    whole = planned(model, texts=texts)
    some = planned(model, texts=texts, tokens=1200)
    assert some.texts is not None
    assert whole.texts is not None
    assert len(some.texts) < len(whole.texts)
    assert some.read["tokens"] == some.manifest()["texts"]["tokens"] == 1200 < whole.read["tokens"]
    assert (some.read["complete"], whole.read) == (False, {"documents": 45, "tokens": 1260, "complete": True})
    assert planned(model, texts=texts, tokens=1260).identity == whole.identity != some.identity
    assert "texts" not in planned(model).manifest()


@pytest.mark.parametrize("amount", ["0.9k", "900", 900, 900.0, "9_00", np.int64(900)])
def test_an_amount_is_one_number_however_it_is_written(amount: Any) -> None:
    assert settings_from({"tokens": amount})[0].observe.tokens == 900
    for short, number in (("5M", 5 * 10**6), ("200K", 200_000), ("1b", 10**9)):
        assert settings_from({"tokens": short})[0].observe.tokens == number


@pytest.mark.parametrize("amount", ["", "M", "-1", 0, 0.5, "1.2345k", "5X", "5 MB", True, "inf", [5]])
def test_what_is_no_amount_of_tokens_is_refused(amount: Any) -> None:
    told = f"tokens must be a number of tokens, such as 200k, 5M or 1B, got {amount!r}."
    with pytest.raises(SettingError, match=re.escape(told)):
        settings_from({"tokens": amount})


def test_more_core_tokens_than_the_vocabulary_has_are_refused(model: Path) -> None:
    there = int((~planned(model).vocabulary.special).sum())
    planned(model, core_tokens=there)
    planned(model)  # of the usual number there may be fewer
    for given in ({"core_tokens": max(there, 100) + 1}, {"core_tokens": 101, "words": True}):
        with pytest.raises(SettingError, match=r"must be at most [\d,]+, the tokens of .* that may be core tokens"):
            planned(model, **given)
