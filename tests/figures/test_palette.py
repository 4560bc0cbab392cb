"""Colours can be told apart by people with any of the common forms of colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from intraneuron.figures import palette

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(color: str) -> np.ndarray:
    part = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def closest(colors: tuple[str, ...], vision: str) -> float:
    seen = [lab(VISION[vision] @ linear(color)) for color in colors]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("vision", VISION)
def test_ten_categories_differ_as_much_as_the_seven_colours_of_okabe_and_ito(vision: str) -> None:
    assert len(palette.CATEGORY_COLORS) == 10
    assert closest(palette.CATEGORY_COLORS, vision) > 16


@pytest.mark.parametrize("vision", VISION)
def test_populations_differ_in_colour_and_in_a_second_channel(vision: str) -> None:
    assert closest(tuple(palette.POPULATION_COLORS.values()), vision) > 25
    assert len(set(palette.POPULATION_SHAPES.values())) == 6
    assert len({tuple(dash) for dash in palette.POPULATION_DASHES.values()}) == 6


def test_every_category_has_a_shape_and_a_glyph_of_its_own() -> None:
    assert len(set(palette.CATEGORY_SHAPES)) == len(set(palette.CATEGORY_GLYPHS)) == 10
    assert palette.category_shape(-1) not in palette.CATEGORY_SHAPES
    assert palette.category_color(-1) not in palette.CATEGORY_COLORS
