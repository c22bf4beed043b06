"""What the server does when it starts and ends: the log is set up, and what does not bode well for saved work is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.base.version import VERSION
from e2lm_core.deploy import disk, logs, place


@asynccontextmanager
async def running(_: Any) -> AsyncIterator[None]:
    """Around the server's life; see `st.App`'s `lifespan`."""
    logs.set_up()
    home = Settings.from_env().home
    for sentence in await asyncio.to_thread(risks, home):
        logs.doubt(sentence)
    logs.event("started", version=VERSION)
    yield
    logs.event("stopped")


def risks(home: Path) -> list[str]:
    """What speaks against the place and the disk of the home, a sentence each."""
    try:
        found = [place.risk(home), disk.risk(home)]
    except StudioError as error:
        return [str(error)]
    return [sentence for sentence in found if sentence]
