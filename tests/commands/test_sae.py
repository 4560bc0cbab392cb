"""intraneuron study --sae: a study of latents through the command, from its plan to its cards."""

from __future__ import annotations

import html
import json
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from tests.commands.test_cli import User, refused
from tests.tiny_models import LAYERS, WORDS, tiny_gpt2
from tests.tiny_saes import HOOK, LATENTS, K, save_sae, tensors

from intraneuron.store import StudyFolder

OTHER = "blocks.0.hook_mlp_out"
ASKED = ("study", "model", "--sae", "sparse", "--sae", "topk", "--hook", HOOK, "--hook", OTHER, "--device", "cpu")
DEAD = 7


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a model and two SAEs, and a study of the latents of both."""
    home = tmp_path_factory.mktemp("home")
    tiny_gpt2(home / "model")
    weights = tensors(sparse=2)
    weights["b_enc"][DEAD] = -1e3
    save_sae(home / "sparse", weights=weights)
    save_sae(home / "topk", plain=True)
    user = User(home)
    done = user.call(*ASKED, "--out", "done")
    assert done.returncode == 0, done.stderr
    assert f"model: {2 * LATENTS} neurons in 2 of {LAYERS} layers" in done.stderr
    assert f"Neurons of layer 0 are the latents of topk at {OTHER} (top {K} of each position)." in done.stderr
    assert f"Neurons of layer 1 are the latents of sparse at {HOOK} (relu)." in done.stderr
    return user


def manifest(user: User, study: str = "done") -> dict[str, Any]:
    return tomllib.loads((user.home / study / "manifest.toml").read_text())


def test_the_manifest_says_whose_latents_they_are(user: User) -> None:
    found = manifest(user)
    assert [(sae["layer"], sae["hook"], sae["architecture"]) for sae in found["sae"]] == [
        (0, OTHER, "topk"),
        (1, HOOK, "relu"),
    ]
    assert (found["sae"][0]["k"], found["sae"][1]["latents"]) == (K, LATENTS)
    assert (found["model"]["layers"], found["model"]["neurons"]) == (LAYERS, [LATENTS, LATENTS, 0])
    assert len(found["identity"]["sae"]) == 64
    assert found["settings"]["observe"]["sae"] == ["topk", "sparse"]


def test_latents_are_sparse_and_those_with_few_tokens_are_insufficient(user: User) -> None:
    rows = pl.read_parquet(user.home / "done" / "neurons" / "results.parquet")
    assert rows["layer"].unique().sort().to_list() == [0, 1]
    assert rows.filter(layer=1, neuron=DEAD)["n"].to_list() == [0]
    few = rows.filter(pl.col("n") < 20)
    assert set(few["pattern"]) == {"insufficient"}
    assert 0 < len(few) < len(rows)
    assert (rows["n"] < 100).any()
    page = (user.home / "done" / "report.html").read_text()
    assert f"{len(rows)} latents of sparse autoencoders, 2 layers" in page
    note = f"Neurons here are latents of sparse autoencoders, not the model's own: {LATENTS} of one that reads {OTHER}"
    assert json.loads((user.home / "done" / "summary.json").read_text())["notes"][0].startswith(note)
    assert html.escape(note) in page
    core = StudyFolder.open(user.home / "done").core_tokens("neurons", 1)
    for n, ids, activation in zip(core.n, core.token_id, core.activation, strict=True):
        assert (ids[:n] >= 0).all()
        assert (ids[n:] == -1).all()
        assert (activation[:n] > 0).all()


def test_the_twin_of_a_latent_with_a_threshold_has_as_many_core_tokens_as_latents_have(user: User) -> None:
    folder = StudyFolder.open(user.home / "done")
    own, twin = (sorted(folder.core_tokens(name, 1).n.tolist()) for name in ("neurons", "rotated"))
    assert set(twin) <= set(own)  # each is that of a latent, drawn


def test_the_same_command_does_nothing_and_the_manifest_as_settings_is_the_same_command(user: User) -> None:
    before = (user.home / "done" / "manifest.toml").read_bytes()
    for words in (ASKED, ("study", "--config", "done/manifest.toml", "--device", "cpu")):
        again = user.call(*words, "--out", "done")
        assert again.returncode == 0, again.stderr
        assert "nothing, it is finished" in again.stderr
    assert (user.home / "done" / "manifest.toml").read_bytes() == before
    assert json.loads(user.call("status", "done", "--json").stdout)["another"] is None


def test_show_and_methods_and_export_know_latents(user: User) -> None:
    card = json.loads(user.call("show", "done", "L1N3", "--json").stdout)
    assert card["name"] == "L1N3"
    assert "It has no core tokens: it was never active." in " ".join(
        user.call("show", "done", f"L1N{DEAD}").stdout.split()
    )
    text = " ".join(user.call("methods", "done").stdout.split())
    assert "We studied the latents of sparse autoencoders on model" in text
    assert f"{OTHER}, {LATENTS} latents, top {K}, SHA-256" in text
    assert user.call("export", "done", "--out", "tables").returncode == 0


def test_a_neuron_that_no_sae_has_is_refused(user: User) -> None:
    refused(user, "show", "done", "L2N0", text="No SAE of this study reads layer 2: they read 0, 1.")
    refused(user, "show", "done", f"L1N{LATENTS}", text=f"Layer 1 has neurons 0 to {LATENTS - 1}, got {LATENTS}.")
    words = (*ASKED, "--out", "new", "--layers", "0,2")
    refused(user, *words, text="layers (--layers) must be between 0 and 1 for model, got 2.")


def test_one_of_the_saes_can_be_studied_by_its_layer(user: User) -> None:
    done = user.call(*ASKED, "--out", "one", "--layers", "1", "--twins", "rotated")
    assert done.returncode == 0, done.stderr
    assert manifest(user, "one")["settings"]["layers"] == [1]


def test_texts_are_read_through_an_sae_as_well(user: User) -> None:
    (user.home / "texts").mkdir()
    for i in range(60):
        words = " ".join(WORDS[(i * j) % len(WORDS)] for j in range(1, 9))
        (user.home / "texts" / f"{i}.txt").write_text(f"{words} {chr(97 + i % 26)}{chr(97 + i % 7)}. ")
    done = user.call(*ASKED, "--out", "corpus", "--texts", "texts", "--min-count", "1")
    assert done.returncode == 0, done.stderr
    assert manifest(user, "corpus")["settings"]["mode"] == "corpus"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--sae", "sparse"), "The study in done is of something else: "),
        ((), "The study in done is of something else: "),
        (("--sae", "none"), "There is no file none. Give --sae a safetensors file of an SAE, or its folder."),
        (
            ("--sae", "topk"),
            "Nothing says where the SAE topk reads. Give --hook, e.g. --hook blocks.3.hook_resid_post.",
        ),
        (("--hook", HOOK), f"hook (--hook) says where an SAE (--sae) reads, got {HOOK} without one. Give both."),
        (("--sae", "topk", "--hook", "blocks.1.attn.hook_z"), "model has no place 'blocks.1.attn.hook_z' that an SAE"),
        (
            ("--sae", "sparse", "--twins", "untrained"),
            "twins (--twins) untrained is the model before it learned anything",
        ),
        (
            ("--sae", "sparse", "topk"),
            "--sae takes one file or folder, got sparse topk. Repeat it for more: --sae sparse",
        ),
        (("--sae", ""), "sae (--sae) must be a name or a path, got ''."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_studied_is_refused_and_nothing_is_lost(user: User, words: tuple[str, ...], text: str) -> None:
    before = (user.home / "done" / "manifest.toml").read_bytes()
    refused(user, "study", "model", "--device", "cpu", "--out", "done", *words, text=text)
    assert (user.home / "done" / "manifest.toml").read_bytes() == before


def test_status_says_that_other_saes_make_another_study(user: User) -> None:
    found = json.loads(user.call("status", "done", "--sae", "sparse", "--hook", HOOK, "--json").stdout)
    assert found["another"] == "These SAEs are not the study's, so it is another study."
    same = user.call("status", "done", "--sae", "sparse", "--hook", HOOK, "--sae", "topk", "--hook", OTHER, "--json")
    assert json.loads(same.stdout)["another"] is None


def test_the_folder_of_a_study_of_latents_is_its_own(user: User) -> None:
    assert (
        "intraneuron-studies/model-sae-vocabulary"
        in user.call(*ASKED, "--plan").stderr + user.call(*ASKED, "--plan").stdout
    )


def test_a_model_with_its_saes_is_studied_from_python(user: User, tmp_path: Path) -> None:
    from intraneuron import api
    from intraneuron.models.latents import load_sae

    model = load_sae(user.home / "sparse", model=str(user.home / "model"), device="cpu")
    study = api.study(model, out=tmp_path / "study", twins=["rotated"])
    again = api.study(
        str(user.home / "model"), sae=user.home / "sparse", out=tmp_path / "study", twins=["rotated"], device="cpu"
    )
    assert study.path == again.path
    assert study.neurons().height == LATENTS
    assert torch.is_tensor(model.saes[0].weight)
