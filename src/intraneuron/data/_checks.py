"""Checks that several nouns share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intraneuron.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def check_shape(noun: str, field: str, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    """Raise DataError unless ``array`` has ``shape``; None stands for any length."""
    fits = array.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if want is None else want for want in shape)
        msg = f"{noun}.{field} must have shape {wanted}, got {array.shape}."
        raise DataError(msg)
