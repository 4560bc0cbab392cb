"""Results for programs: JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: Any) -> None:
    """Print plain data as JSON; what is undefined is null."""
    from intraneuron.plain import plain

    # An escape that the output would put in place of a character it does not have may be none of JSON's.
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    print(json.dumps(plain(value), ensure_ascii=not unicode, indent=1))  # noqa: T201
