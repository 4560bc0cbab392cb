"""Tables of sums that a study keeps (--keep tables): what every token did to every neuron, a file a layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from intraneuron.config import OWN_TWINS, PUBLISHED, Twin
from intraneuron.data import TokenActivations
from intraneuron.errors import SettingError, StudyError
from intraneuron.files import atomic, reading
from intraneuron.intact import is_whole
from intraneuron.manifest import damaged
from intraneuron.store import StudyFolder
from intraneuron.tensors import Tensor, blocks_of, mapped, write_tensors
from intraneuron.unfinished import Unfinished

if TYPE_CHECKING:
    from intraneuron.pipeline.observe import Observation

SUMMED: tuple[str, ...] = ("neurons", *(twin for twin in OWN_TWINS if twin != "readout"))
"""Populations whose activations are summed; readouts are cosines, the same at every sighting of a token."""

SUMS = "sums"
"""The folder of the tables of a population."""

BLOCK = 2**22
"""Numbers that are copied at a time."""


def sums_file(folder: StudyFolder, population: str, layer: int) -> Path:
    """Return where the sums of a layer are kept."""
    return folder.path / sums_name(population, layer)


def sums_name(population: str, layer: int) -> str:
    """Return the file of a layer's sums, as the study's folder has it.

    >>> sums_name("neurons", 3)
    'neurons/sums/layer-03.safetensors'
    """
    return f"{population}/{SUMS}/layer-{layer:02d}.safetensors"


class SumTables:
    """The sums of one layer on their way to disk: each population whole, or put together from slices of neurons."""

    def __init__(self, unfinished: Unfinished, layer: int) -> None:
        self._unfinished, self._layer = unfinished, layer
        self._slices: dict[str, dict[int, Path]] = defaultdict(dict)

    def take(self, index: int, name: str) -> None:
        """Take a slice that an earlier run has kept; ``name`` is what it is called on disk."""
        for population in set(self._unfinished.summed(name)).intersection(SUMMED):
            self._slices[population][index] = self._unfinished.sums_file(population, name)

    def add(self, observation: Observation, name: str) -> list[str]:
        """Write the sums of a layer, or of a slice of it, and return the populations that there were."""
        found = [population for population in observation.populations if population in SUMMED]
        for population in found:
            if observation.of == 1:
                file = sums_file(self._unfinished.folder, population, self._layer)
            else:
                file = self._unfinished.sums_file(population, name)
                self._slices[population][observation.index] = file
            write_sums(file, observation.populations[population])
        return found

    def drop(self, observation: Observation) -> list[str]:
        """Remove the sums that an earlier command kept of the layer: they may be of other settings."""
        for population in observation.populations:
            self._unfinished.folder.withdraw(sums_name(population, self._layer))
        return []

    def write(self) -> None:
        """Put slices together, and remove them."""
        for population, slices in self._slices.items():
            files = [slices[index] for index in sorted(slices)]
            join_sums(sums_file(self._unfinished.folder, population, self._layer), files)
            for file in files:
                file.unlink()


def write_sums(file: Path, activations: TokenActivations) -> None:
    """Write the sums of the tokens that occur.

    The file is in the format of safetensors: ``token_id`` int32 (R,), ``neuron`` int32 (N,), ``count`` int64 (H, R) and
    ``total`` float32 (H, R, N), as in :class:`intraneuron.data.TokenActivations`.
    """
    seen = np.flatnonzero(activations.count.sum(axis=0))
    shape = (activations.parts, len(seen), len(activations.neuron))

    def blocks() -> Iterator[np.ndarray]:
        for part in activations.total:
            yield from (part[seen[some]] for some in blocks_of(len(seen), _rows(shape[2])))

    _write(file, seen, activations.neuron, activations.count[:, seen], Tensor(np.dtype("float32"), shape, blocks()))


def join_sums(file: Path, slices: Sequence[Path]) -> None:
    """Write the sums of a layer from those of slices of its neurons, in their order."""
    parts = [mapped(one) for one in slices]
    first = parts[0]
    neuron = np.concatenate([part["neuron"] for part in parts])
    shape = (*first["count"].shape, len(neuron))

    def blocks() -> Iterator[np.ndarray]:
        for h in range(shape[0]):
            for some in blocks_of(shape[1], _rows(shape[2])):
                yield np.concatenate([part["total"][h, some] for part in parts], axis=1)

    _write(file, first["token_id"], neuron, first["count"], Tensor(np.dtype("float32"), shape, blocks()))


def read_sums(
    folder: StudyFolder, population: str, layer: int, neurons: Sequence[int] | None = None
) -> TokenActivations:
    """Return the sums of some neurons of a layer, or of all; only these are read from disk.

    Raises
    ------
    StudyError
        When the study does not keep them, or the file is damaged.
    SettingError
        When the layer has no such neuron, or what is asked for is no layer, neuron or population.
    """
    populations = ("neurons", *get_args(Twin))
    if population not in populations:
        msg = f"population must be one of {', '.join(populations)}, got {population!r}."
        raise SettingError(msg)
    wanted = None if neurons is None else _whole_numbers(neurons)
    if not _is_whole(layer):
        msg = f"layer must be a whole number, got {layer!r}."
        raise SettingError(msg)
    file = sums_file(folder, population, layer)
    if not file.is_file() and folder.manifest["settings"]["mode"] == PUBLISHED:
        msg = f"The study in {folder.path} is of published lists: no model was run, so there are no sums."
        raise StudyError(msg)
    if not file.is_file():
        have = sorted(int(one.stem.partition("-")[2]) for one in file.parent.glob("layer-*.safetensors"))
        msg = (
            f"The study in {folder.path} keeps no sums of {population} of layer {layer} (it has those of "
            f"{', '.join(map(str, have)) or 'none'}). Run its study command again with --keep tables."
        )
        raise StudyError(msg)
    if not is_whole(file):
        raise damaged(file, "it is cut short")
    size = len(folder.vocabulary())
    with reading(file):
        try:
            found = mapped(file)
            token_id, there = found["token_id"], found["neuron"]
            column = np.arange(len(there)) if wanted is None else _columns(there, wanted, layer)
            count = np.zeros((len(found["count"]), size), dtype=np.int64)
            total = np.zeros((len(count), size, len(column)), dtype=np.float32)
            count[:, token_id] = found["count"]
            for h, part in enumerate(found["total"]):
                total[h, token_id] = part if wanted is None else part[:, column]
        except SettingError:
            raise
        except (ValueError, LookupError, TypeError) as error:
            raise damaged(file, error) from error
    return TokenActivations(layer, np.asarray(there)[column], count, total)


def _whole_numbers(neurons: object) -> list[int]:
    """Return the numbers of neurons, or raise SettingError for anything else."""
    found = list(neurons) if isinstance(neurons, Iterable) else None
    if found is None or not all(map(_is_whole, found)):
        msg = f"neurons must be whole numbers, for example [3, 17], got {neurons!r}."
        raise SettingError(msg)
    return [int(value) for value in found]


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _columns(have: np.ndarray, wanted: Sequence[int], layer: int) -> np.ndarray:
    """Return the columns of some neurons, or raise SettingError for one that is not there."""
    wrong = [neuron for neuron in wanted if not 0 <= neuron < len(have)]
    if wrong:
        msg = f"Layer {layer} has neurons 0 to {len(have) - 1}, got {wrong[0]}."
        raise SettingError(msg)
    return np.array(wanted, dtype=np.int64)


def _write(file: Path, token_id: np.ndarray, neuron: np.ndarray, count: np.ndarray, total: Tensor) -> None:
    tensors = {
        "token_id": Tensor.of(token_id.astype(np.int32)),
        "neuron": Tensor.of(neuron.astype(np.int32)),
        "count": Tensor.of(count.astype(np.int64)),
        "total": total,
    }
    with atomic(file) as temporary:
        write_tensors(temporary, tensors, {})


def _rows(width: int) -> int:
    """Return how many rows of a table are copied at a time."""
    return max(1, BLOCK // max(1, width))
