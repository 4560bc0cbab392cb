"""Column: what a reader of an exported column needs to know, as it stands in the codebook."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

KINDS: dict[str, type[pl.DataType]] = {
    "integer": pl.Int64,
    "number": pl.Float64,
    "number in single precision": pl.Float32,
    "text": pl.String,
    "true or false": pl.Boolean,
}
"""Types of columns, in words, and how they are held."""

Span = tuple[float | None, float | None]

ANY: Span = (None, None)
NOT_NEGATIVE: Span = (0, None)
FROM_1: Span = (1, None)
SHARE: Span = (0, 1)
COSINE: Span = (-1, 1)
AT_MOST_1: Span = (None, 1)


class Column(NamedTuple):
    """One column of an exported table.

    ``reference`` names sections of ``docs/formulas.md`` (``#ami``) or papers (``10.1080/...``); ``span`` is a
    least and a greatest value, either of them None, or the texts that may stand in the column.
    """

    name: str
    kind: str
    unit: str
    span: Span | tuple[str, ...]
    formula: str
    reference: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """The values that may occur, in words.

        >>> Column("p", "number", "probability", SHARE, "").range, Column("x", "number", "none", ANY, "").range
        ('0 to 1', 'any')
        """
        if self.kind == "text" and self.span != ANY:
            return ", ".join(map(str, self.span))
        if self.kind == "true or false":
            return "true, false"
        low, high = self.span
        if low is None:
            return "any" if high is None else f"at most {high}"
        return f"at least {low}" if high is None else f"{low} to {high}"

    @property
    def references(self) -> str:
        """Sections of the documentation and papers, in one line.

        >>> Column("ami", "number", "none", AT_MOST_1, "", ("#ami", "10.1000/1")).references
        'docs/formulas.md#ami; doi:10.1000/1'
        """
        return "; ".join(f"docs/formulas.md{one}" if one.startswith("#") else f"doi:{one}" for one in self.reference)


def typed(frame: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    """Return a table's columns in their order and types; undefined numbers, and columns that it lacks, are missing."""
    return frame.select(
        _typed(pl.col(one.name) if one.name in frame.columns else pl.lit(None).alias(one.name), one) for one in columns
    )


def _typed(values: pl.Expr, column: Column) -> pl.Expr:
    values = values.cast(KINDS[column.kind])
    return pl.when(values.is_finite()).then(values) if column.kind.startswith("number") else values
