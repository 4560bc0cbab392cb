"""Files of spaces: unit vectors in the format of safetensors, whole or of one layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from intraneuron.data import Space
from intraneuron.errors import StudyError
from intraneuron.files import atomic, reading
from intraneuron.manifest import damaged


def space_file(name: str, layer: int | None = None) -> str:
    """Return the file of a space, as a study's folder has it.

    >>> space_file("input"), space_file("layer-input", 3)
    ('spaces/input.safetensors', 'spaces/layer-input/layer-03.safetensors')
    """
    return f"spaces/{name}.safetensors" if layer is None else f"spaces/{name}/layer-{layer:02d}.safetensors"


def write_vectors(file: Path, space: Space, *, short: bool) -> None:
    """Write unit vectors, in float32 or (``short``) float16."""
    from safetensors.numpy import save

    kind = np.float16 if short else np.float32
    with atomic(file) as temporary:
        temporary.write_bytes(save({"vectors": np.ascontiguousarray(space.vector, dtype=kind)}))


def read_vectors(file: Path, name: str) -> Space:
    """Read unit vectors; those in float16 are made of length 1 again.

    Raises
    ------
    StudyError
        When the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        with reading(file):
            vector = load_file(file)["vectors"]
    except (SafetensorError, KeyError) as error:
        raise damaged(file, error) from error
    return Space(name, vector) if vector.dtype == np.float32 else Space.from_vectors(name, vector)


def read_study_space(path: Path, name: str, layer: int | None = None) -> Space:
    """Read a space of the study in a folder, or that of a layer.

    Raises
    ------
    StudyError
        When it is not there, or damaged.
    """
    file = path / space_file(name, layer)
    if not file.is_file():
        there = path / "spaces"
        have = sorted(f.stem for f in there.glob("*.safetensors"))
        have += sorted(f"{f.parent.name} of {f.stem.replace('-', ' ')}" for f in there.glob("*/*.safetensors"))
        of = "" if layer is None else f" of layer {layer}"
        msg = f"The study in {path} has no space {name!r}{of} (it has {', '.join(have) or 'none'})."
        raise StudyError(msg)
    return read_vectors(file, name)
