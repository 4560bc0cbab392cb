"""Halves of a text through the command: what is told of them, cross-fit, and texts that have no two halves."""

from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper

import numpy as np
import polars as pl
import pytest
from tests.commands.test_cli import User
from tests.tiny_models import LETTERS, NEURONS, WORDS, tiny_gpt2

from intraneuron.kernels.halves import in_common
from intraneuron.pipeline.settling import SIZES, SPLITS

LAYER = ("--layers", "0", "--core-tokens", "20", "--device", "cpu")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model, and texts of many kinds."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "tiny")
    rng = np.random.default_rng(0)
    words = [*(f" {word}" for word in WORDS), *LETTERS]
    halves = [words[0::2], words[1::2]]
    for i in range(60):
        texts = {
            "mixed": "".join(rng.choice(words, 150)),
            "apart": "".join(rng.choice(halves[i % 2], 150)),
            "half": "<|endoftext|>" if i % 2 else " cat sat",
        }
        for folder, text in texts.items():
            (home / folder).mkdir(exist_ok=True)
            (home / folder / f"{i:02d}.txt").write_text(text)
    return User(home)


def refused(user: User, *words: str) -> str:
    """Return the one sentence with which a study is refused."""
    before = user.files()
    found = user.call("study", "tiny", *LAYER, *words)
    assert found.returncode == 2
    lines = [line for line in found.stderr.splitlines() if line.startswith("intraneuron: ")]
    assert len(lines) == 1
    assert user.files() == before
    return lines[0].removeprefix("intraneuron: ")


def test_cross_fit_without_texts_is_refused(user: User) -> None:
    assert refused(user, "--cross-fit") == (
        "cross_fit (--cross-fit) needs texts (--texts), got none: in vocabulary mode every token is read once, and "
        "there are no two halves."
    )


@pytest.mark.slow
def test_a_count_of_zero_is_refused_and_a_count_of_one_is_taken(user: User) -> None:
    assert refused(user, "--texts", "mixed", "--min-count", "0") == (
        "min_count (--min-count) must be auto or a number from 1 on, got 0."
    )
    done = user.call("study", "tiny", *LAYER, "--texts", "mixed", "--min-count", "1", "--out", "one")
    assert done.returncode == 0, done.stderr
    assert "Minimum count, the least" not in done.stdout
    assert "minimum count 1." in done.stdout


def test_a_text_whose_odd_documents_are_empty_has_no_two_halves(user: User) -> None:
    assert refused(user, "--texts", "half") == (
        "The text is too short for two halves: its odd documents, every other one, hold no token that counts. Give "
        "more text, or longer documents."
    )


@pytest.mark.slow
def test_halves_without_common_tokens_say_nothing_of_reliability_and_cannot_be_cross_fitted(user: User) -> None:
    done = user.call("study", "tiny", *LAYER, "--texts", "apart", "--out", "apart-study")
    assert done.returncode == 0, done.stderr
    assert "the best is 5, too short to say how reliable. More text would help." in done.stderr
    assert (
        "Nothing can be said of reliability: no neuron has 20 core tokens that both halves of the text hold."
        in done.stdout
    )
    assert "Minimum count, the least" in done.stdout
    assert "layer 0: 5 (too little text to say how reliable)" in done.stdout
    told = refused(user, "--texts", "apart", "--cross-fit", "--out", "apart-crossed")
    assert told.startswith(
        "Too few eligible tokens in both halves of the text: no neuron has 20 core tokens of the even documents that "
        "the odd ones hold, the most is "
    )
    assert told.endswith("Give more text, or leave --cross-fit out.")


@pytest.mark.slow
def test_what_halves_say_is_on_the_terminal_the_card_and_in_every_table(user: User) -> None:
    done = user.call("study", "tiny", *LAYER, "--texts", "mixed", "--out", "mixed-study")
    assert done.returncode == 0, done.stderr
    for text in ("Minimum count, the least", "ore tokens", "this study read", "Check: for"):
        assert text in done.stdout
    study = user.home / "mixed-study"
    for population in ("rotated", "neurons"):
        table = pl.read_parquet(study / population / "core_tokens" / "layer-00.parquet")
        results = pl.read_parquet(study / population / "results.parquet")
        for column in ("reliability", "rank_correlation", "overlap"):
            assert table[column].is_not_nan().any()
            assert results[column].equals(table[column])
        curve = pl.read_parquet(study / population / "settling" / "layer-00.parquet")
        assert len(curve) == SPLITS * len(SIZES)
        halves = pl.read_parquet(study / "halves" / population / "core_tokens" / "layer-00.parquet")
        assert halves["neuron"].to_list() == [*table["neuron"], *table["neuron"]]
        chosen = [halves.filter(half=half)["token_id"].to_numpy() for half in (0, 1)]
        np.testing.assert_array_equal(table["overlap"].to_numpy(), in_common(*chosen))
    summary = json.loads((study / "summary.json").read_text())["reliability"]
    assert summary["layers"][0]["chosen"] is True
    assert {row["population"] for row in summary["settled"]} == {"neurons", "rotated"}
    neuron = f"L0N{int(np.nanargmax(results['rank_correlation'].to_numpy()))}"
    shown = user.call("show", "mixed-study", neuron).stdout
    assert "Two halves of the text: reliability " in shown
    card = json.loads(user.call("show", "mixed-study", neuron, "--json").stdout)
    assert 0 <= card["overlap"] <= 1
    assert -1 <= card["rank_correlation"] <= 1
    calibrated = user.call("calibrate", "mixed-study", "--shuffles", "20", "--planted", "20")
    assert calibrated.returncode == 0, calibrated.stderr
    retest = pl.read_parquet(study / "calibration" / "retest.parquet")
    assert set(retest["forms"]) == {"ranks", "texts"}
    assert set(retest.filter(forms="texts")["population"]) == {"neurons", "rotated"}


@pytest.mark.slow
def test_cross_fit_orders_neurons_twins_and_jackknife_by_the_other_half(user: User) -> None:
    words = ("study", "tiny", *LAYER, "--texts", "mixed", "--min-count", "2", "--out", "crossed")
    assert user.call(*words).returncode == 0
    study = user.home / "crossed"
    file = "core_tokens/layer-00.parquet"
    before = {name: pl.read_parquet(study / name / file) for name in ("neurons", "rotated")}
    done = user.call(*words, "--cross-fit")
    assert done.returncode == 0, done.stderr
    assert "Core tokens 20 (cross-fit), categories" in done.stderr
    assert "observe: " in done.stderr
    assert "Cross-fit: core tokens were chosen on the even documents and ordered by the odd ones" in done.stdout
    for name, old in before.items():
        new = pl.read_parquet(study / name / file)
        assert new["count"].to_numpy().max() < 0.7 * old["count"].to_numpy().max()
        again = pl.read_parquet(study / "jackknife" / name / file).filter(group=-1)
        assert len(again) == NEURONS
        np.testing.assert_array_equal(again["token_id"].to_numpy(), new["token_id"].to_numpy())
        np.testing.assert_allclose(again["activation"].to_numpy(), new["activation"].to_numpy(), rtol=1e-4)
        left_out = pl.read_parquet(study / "jackknife" / name / file).filter(group=2)
        assert not np.array_equal(left_out["token_id"].to_numpy(), new["token_id"].to_numpy())
    assert "Cross-fit: the even documents chose the core tokens" in (study / "report.html").read_text()


@pytest.mark.parametrize("words", [("--texts", "-"), ("--texts=-",)])
def test_texts_may_be_piped_in(user: User, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    text = "\n\n".join(" ".join([*WORDS, *LETTERS] * 12) for _ in range(100))
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))
    found = user.call("study", "tiny", *LAYER, *words, "--plan", "--json")
    assert (found.returncode, json.loads(found.stdout or "{}").get("mode")) == (0, "corpus"), found.stderr


def test_standard_input_is_read_once(user: User) -> None:
    told = refused(user, "--texts", "-", "--texts", "-")
    assert told == "texts (--texts) can read standard input (-) once, got it twice. Leave one out."


def test_the_field_of_a_text_is_named(user: User) -> None:
    (user.home / "a.jsonl").write_text('{"body": "x"}\n')
    assert refused(user, "--texts", "a.jsonl").endswith("it has body. Name it (--text-field).")
