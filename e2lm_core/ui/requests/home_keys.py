"""Keys that are stored in the home, created at first use, readable only by the server's user.

Tested in tests/ui/requests/test_sign_in.py and tests/ui/server/test_draft_routes.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from e2lm_core.base.settings import Settings

_KEY_BYTES, _LOOKS = 32, 5
# The key if the home cannot be written: tokens then end with the server.
_OF_PROCESS = secrets.token_bytes(_KEY_BYTES)


def cookie_key(home: Path) -> str:
    """Key that signs cookies, as hexadecimal digits.

    Raises:
        OSError: It cannot be stored.
    """
    path = home / "cookie.key"
    fresh = secrets.token_hex(_KEY_BYTES).encode()
    with _new_file(path, fresh) as new, contextlib.suppress(FileExistsError):
        os.link(new, path)  # atomic: of two servers that start at once, one key remains
    return path.read_text(encoding="ascii").strip()


def page_key(settings: Settings) -> bytes:
    """Key that signs the tokens of pages; one of another sign-in mode is replaced."""
    path, mode = settings.home / "pages.key", settings.sign_in_mode.encode()
    with contextlib.suppress(OSError):
        for _ in range(_LOOKS):
            with contextlib.suppress(FileNotFoundError):
                data = path.read_bytes()
                if len(data) >= _KEY_BYTES and data[_KEY_BYTES:] == mode:
                    return data[:_KEY_BYTES]
            with _new_file(path, secrets.token_bytes(_KEY_BYTES) + mode) as new:
                new.replace(path)
    return _OF_PROCESS


@contextlib.contextmanager
def _new_file(path: Path, data: bytes) -> Iterator[Path]:
    """Private file beside a path, to be put in its place; removed at the end if it is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        os.close(handle)
        Path(name).write_bytes(data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
