"""background: a space and the tokens that are eligible -> what random tokens have in common."""

from __future__ import annotations

import numpy as np

from intraneuron.data import Background, Space
from intraneuron.errors import DataError
from intraneuron.kernels.background import background_sums


def background(space: Space, eligible: np.ndarray) -> Background:
    """Sum up the tokens that could have been core tokens, for the null of ``tightness``.

    Parameters
    ----------
    space : Space
    eligible : bool (V,)
        Tokens that may be core tokens; those without a vector in this space are left out.

    Raises
    ------
    DataError
        When fewer than two are left.
    """
    vectors = space.vector[eligible & space.defined]
    if len(vectors) < 2:
        msg = (
            f"A background needs at least 2 eligible tokens with a vector in the space {space.name!r}, got "
            f"{len(vectors)}. Give more text, or a lower --min-count."
        )
        raise DataError(msg)
    return Background(len(vectors), *background_sums(vectors))
