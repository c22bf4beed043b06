"""Addresses of the question table's script and requests, and the script.

Tested in tests/ui/server/test_table_routes.py.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PATH, SCRIPT, KNOWN = "/table", "/table.js", "/known"
_BUILT = Path(__file__).parent / "table" / "built.js"


@cache
def read_script() -> tuple[bytes, str]:
    """The table's script and the digest of its content."""
    data = _BUILT.read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:16]
