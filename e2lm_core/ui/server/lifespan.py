"""Server start and shutdown.

Risks for saved work are written to the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streamlit import config

from e2lm_core.base.errors import StudioError
from e2lm_core.base.memory import mapped
from e2lm_core.base.settings import Settings, misspelt_variables
from e2lm_core.base.version import VERSION
from e2lm_core.deploy import logs
from e2lm_core.deploy.home import auto_backup, disk_check, mounts
from e2lm_core.ui.base import streamlit_internals
from e2lm_core.ui.cache import measurements, process_pool
from e2lm_core.ui.server import memory, nodelay
from e2lm_core.ui.server.precompute import Beforehand


@asynccontextmanager
async def running(_: Any) -> AsyncIterator[None]:
    """Start and stop the server's services; the `lifespan` of `st.App`."""
    logs.configure_logging()
    nodelay.send_without_delay()
    streamlit_internals.skip_fragments_of_left_pages()
    streamlit_internals.keep_unsent_messages()
    streamlit_internals.repeat_unseen_values()
    streamlit_internals.list_keys_meanwhile()
    settings = Settings.from_env()
    keeper = await asyncio.to_thread(_begin, settings)
    await asyncio.to_thread(mapped.sweep, measurements.mapped_in(settings))
    await asyncio.to_thread(process_pool.open_all)
    tending = asyncio.create_task(memory.collect_periodically())
    beforehand = Beforehand(settings)
    beforehand.start()
    logs.log_event("started", version=VERSION)
    yield
    beforehand.stop()
    tending.cancel()
    await asyncio.to_thread(process_pool.close_all)
    await asyncio.to_thread(mapped.sweep, measurements.mapped_in(settings))
    if keeper is not None:
        await asyncio.to_thread(keeper.stop)
    logs.log_event("stopped")


def _begin(settings: Settings) -> auto_backup.AutoBackup | None:
    """Restore the home from its backup file, if there is one, and log risks of its place and disk."""
    file, keeper = auto_backup.backup_target(), None
    try:
        if file is not None:
            if auto_backup.restore_if_empty(settings, file):
                logs.log_event("restored")
            keeper = auto_backup.AutoBackup(settings, file)
            keeper.start()
        doubts = [
            None if file is not None else mounts.persistence_risk(settings.home),
            disk_check.disk_risk(settings.home),
        ]
    except StudioError as error:
        doubts = [str(error)]
    if config.get_option("server.enableAgentApi"):
        doubts.append(
            "Streamlit's agent API is switched on: anybody who reaches the studio may drive its pages by program, as a guest; "
            "see SECURITY.md."
        )
    for sentence in [*misspelt_variables(), *doubts]:
        if sentence is not None:
            logs.log_warning(sentence)
    return keeper
