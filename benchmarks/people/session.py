"""One visitor as the server sees him: a websocket that speaks Streamlit's protocol, without a browser's own cost.

It does what a browser does: it asks for a page by its hash, keeps what the page's elements are called, sends the
whole of its edits with each edit, and runs a fragment again as often as the server has asked for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Dataframe_pb2 import Dataframe
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

READY_S = 180.0
_FRAGMENT = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
_FAILED = (ForwardMsg.FINISHED_WITH_COMPILE_ERROR,)


class Session:
    """An open session. `seen` holds texts of exceptions that pages have shown; `bytes` what was received."""

    def __init__(self, url: str, name: str) -> None:
        self.pages: dict[str, str] = {}  # {address: hash}
        self.seen: list[str] = []
        self.bytes = 0
        self.editor: str | None = None  # the id of the table that can be edited
        self._url, self._query = url, f"set={name}"
        self._page = ""
        self._edits: dict[str, dict[str, Any]] = {}
        self._finished = asyncio.Event()
        self._whole = False  # whether the run that is waited for has begun
        self._again: list[asyncio.Task] = []
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task | None = None

    async def open(self) -> None:
        """Fetch the page that a browser fetches, and connect; the first page is drawn."""
        cookie = await asyncio.to_thread(_cookie, self._url)
        self._socket = await connect(
            f"ws{self._url.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers={"Cookie": cookie} if cookie else None,
            max_size=None,
            compression=None,
        )
        self._reader = asyncio.create_task(self._read())
        await self._run(ClientState(query_string=self._query))

    async def visit(self, page: str) -> float:
        """Seconds from the request for a page until its script has finished."""
        if self.pages[page] != self._page:
            self.editor, self._edits = None, {}
        self._page = self.pages[page]
        return await self._run(self._state())

    async def edit(self, row: int, field: str, text: str) -> None:
        """Send an edit of the page's table; returns at once, `settled` waits for the page."""
        if self.editor is None:
            raise RuntimeError("The page has no table that can be edited.")
        self._edits.setdefault(str(row), {})[field] = text
        await self._send(self._state())

    async def settled(self) -> None:
        """Wait for the end of the page that was asked for last."""
        await asyncio.wait_for(self._finished.wait(), READY_S)

    async def close(self) -> None:
        """As a browser that is closed."""
        for task in (*self._again, self._reader):
            if task is not None:
                task.cancel()
        if self._socket is not None:
            await self._socket.close()

    def _state(self) -> ClientState:
        state = ClientState(query_string=self._query, page_script_hash=self._page)
        if self.editor is not None and self._edits:
            sent = {"edited_rows": self._edits, "added_rows": [], "deleted_rows": []}
            state.widget_states.widgets.add(id=self.editor, string_value=json.dumps(sent))
        return state

    async def _run(self, state: ClientState) -> float:
        started = time.perf_counter()
        await self._send(state)
        await self.settled()
        return time.perf_counter() - started

    async def _send(self, state: ClientState) -> None:
        assert self._socket is not None
        if not state.fragment_id:
            self._finished.clear()
            self._whole = False
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                assert isinstance(data, bytes)
                self.bytes += len(data)
                message = ForwardMsg()
                message.ParseFromString(data)
                self._take(message)
        finally:
            self._finished.set()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            if not message.metadata.run.fragment_ids:
                self._whole = True
                self._forget_fragments()
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self._page = self._page or message.navigation.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._element(message)
        elif kind == "auto_rerun":
            again = self._repeat(message.auto_rerun.interval, message.auto_rerun.fragment_id)
            self._again.append(asyncio.create_task(again))
        elif kind == "script_finished":
            if message.script_finished in _FAILED:
                self.seen.append("a page's script could not be compiled")
            # A page that was stopped for the next request says so as well: its end is not the one waited for.
            if self._whole and message.script_finished not in (
                _FRAGMENT,
                ForwardMsg.FINISHED_EARLY_FOR_RERUN,
            ):
                self._finished.set()

    def _element(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.seen.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "dataframe" and element.dataframe.editing_mode != Dataframe.READ_ONLY:
            if element.dataframe.id == self.editor:
                return
            self.editor, self._edits = element.dataframe.id, {}

    async def _repeat(self, interval_s: float, fragment: str) -> None:
        while True:
            await asyncio.sleep(interval_s)
            state = self._state()
            state.fragment_id, state.is_auto_rerun = fragment, True
            with contextlib.suppress(Exception):  # a closed socket is the reader's to say
                await self._send(state)

    def _forget_fragments(self) -> None:
        for task in self._again:
            task.cancel()
        self._again.clear()


def _cookie(url: str) -> str:
    """The cookies that the first page gives."""
    with urllib.request.urlopen(f"{url}/", timeout=READY_S) as answer:
        return "; ".join(c.split(";")[0] for c in answer.headers.get_all("set-cookie") or [])
