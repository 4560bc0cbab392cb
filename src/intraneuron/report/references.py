"""What a paper that uses a study cites, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ENTRIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pichat2025intraneuronal": (
        "misc",
        {
            "author": "Pichat, Michael and Pogrund, William and Pichat, Paloma and Gasparian, Armanouche and Demarchi, "
            "Samuel and Georgeon, Corbet Alois and Veillet-Guillem, Michael",
            "title": "Intra-neuronal attention within language models: relationships between activation and semantics",
            "year": "2025",
            "eprint": "2503.12992",
            "archiveprefix": "arXiv",
        },
    ),
    "kruskal1952ranks": (
        "article",
        {
            "author": "Kruskal, William H. and Wallis, W. Allen",
            "title": "Use of ranks in one-criterion variance analysis",
            "journal": "Journal of the American Statistical Association",
            "volume": "47",
            "pages": "583--621",
            "year": "1952",
            "doi": "10.1080/01621459.1952.10483441",
        },
    ),
    "cliff1993dominance": (
        "article",
        {
            "author": "Cliff, Norman",
            "title": "Dominance statistics: ordinal analyses to answer ordinal questions",
            "journal": "Psychological Bulletin",
            "volume": "114",
            "pages": "494--509",
            "year": "1993",
            "doi": "10.1037/0033-2909.114.3.494",
        },
    ),
    "mielke1976mrpp": (
        "article",
        {
            "author": "Mielke, Paul W. and Berry, Kenneth J. and Johnson, Earl S.",
            "title": "Multi-response permutation procedures for a priori classifications",
            "journal": "Communications in Statistics -- Theory and Methods",
            "volume": "5",
            "pages": "1409--1424",
            "year": "1976",
            "doi": "10.1080/03610927608827451",
        },
    ),
    "vinh2010information": (
        "article",
        {
            "author": "Vinh, Nguyen Xuan and Epps, Julien and Bailey, James",
            "title": "Information theoretic measures for clusterings comparison: variants, properties, normalization "
            "and correction for chance",
            "journal": "Journal of Machine Learning Research",
            "volume": "11",
            "pages": "2837--2854",
            "year": "2010",
        },
    ),
    "ward1963hierarchical": (
        "article",
        {
            "author": "Ward, Joe H.",
            "title": "Hierarchical grouping to optimize an objective function",
            "journal": "Journal of the American Statistical Association",
            "volume": "58",
            "pages": "236--244",
            "year": "1963",
            "doi": "10.1080/01621459.1963.10500845",
        },
    ),
    "rousseeuw1987silhouettes": (
        "article",
        {
            "author": "Rousseeuw, Peter J.",
            "title": "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
            "journal": "Journal of Computational and Applied Mathematics",
            "volume": "20",
            "pages": "53--65",
            "year": "1987",
            "doi": "10.1016/0377-0427(87)90125-7",
        },
    ),
    "fisher1958grouping": (
        "article",
        {
            "author": "Fisher, Walter D.",
            "title": "On grouping for maximum homogeneity",
            "journal": "Journal of the American Statistical Association",
            "volume": "53",
            "pages": "789--798",
            "year": "1958",
            "doi": "10.1080/01621459.1958.10501479",
        },
    ),
    "benjamini1995controlling": (
        "article",
        {
            "author": "Benjamini, Yoav and Hochberg, Yosef",
            "title": "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
            "journal": "Journal of the Royal Statistical Society, Series B",
            "volume": "57",
            "pages": "289--300",
            "year": "1995",
            "doi": "10.1111/j.2517-6161.1995.tb02031.x",
        },
    ),
    "busing1999jackknife": (
        "article",
        {
            "author": "Busing, Frank M. T. A. and Meijer, Erik and van der Leeden, Rien",
            "title": "Delete-m jackknife for unequal m",
            "journal": "Statistics and Computing",
            "volume": "9",
            "pages": "3--8",
            "year": "1999",
            "doi": "10.1023/A:1008800423698",
        },
    ),
}
"""By key: kind and fields. The software's own entry has its version and is made in :func:`bibtex`."""

SOFTWARE = "intraneuron"


def bibtex(keys: Iterable[str], version: str) -> str:
    """Return the entries of some keys, and that of this software in some version.

    >>> print(bibtex([], "1.0"))
    @misc{intraneuron,
      author = {{The intraneuron developers}},
      title = {intraneuron: look inside one neuron of a language model},
      year = {2026},
      note = {Version 1.0}
    }
    """
    own = {
        "author": "{The intraneuron developers}",
        "title": "intraneuron: look inside one neuron of a language model",
        "year": "2026",
        "note": f"Version {version}",
    }
    entries = [_entry("misc", SOFTWARE, own), *(_entry(ENTRIES[key][0], key, ENTRIES[key][1]) for key in keys)]
    return "\n\n".join(entries)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}\n}}"
