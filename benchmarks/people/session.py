"""One visitor as the server sees him: a websocket that speaks Streamlit's protocol, without a browser's own cost.

It does what a browser does: it asks for a page by its hash, keeps what the page's elements are called, saves an edit
as the page's table does and tells the page so, and runs a fragment again as often as the server has asked for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from e2lm_core.ui.base import urls

READY_S = 180.0
_FRAGMENT = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
_FAILED = (ForwardMsg.FINISHED_WITH_COMPILE_ERROR,)


class Session:
    """An open session. `seen` holds texts of exceptions that pages have shown; `bytes` what was received."""

    def __init__(self, url: str, name: str) -> None:
        self.pages: dict[str, str] = {}  # {address: hash}
        self.seen: list[str] = []
        self.bytes = 0
        self.editor: str | None = None  # the id of the table of questions
        self._url, self._name, self._query = url, name, urlencode({"set": name})
        self._page = ""
        self._given: dict[str, Any] = {}  # what the page gives the table's script
        self._rows: dict[str, dict[str, Any]] = {}
        self._digest: str | None = None
        self._finished = asyncio.Event()
        self._whole = False  # whether the run that is waited for has begun
        self._again: list[asyncio.Task] = []
        self._cookie = ""
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task | None = None

    async def open(self) -> None:
        """Fetch the page that a browser fetches, and connect; the first page is drawn."""
        self._cookie = cookie = await asyncio.to_thread(_cookie, self._url)
        self._socket = await connect(
            f"ws{self._url.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers={"Cookie": cookie} if cookie else None,
            max_size=None,
            compression=None,
        )
        self._reader = asyncio.create_task(self._read())
        await self._run(ClientState(query_string=self._query))

    async def visit(self, view: str) -> float:
        """Seconds from the request for a place, or one of its tabs, until its script has finished."""
        place, tab = urls.find(view)
        page = self.pages["" if place is urls.SETS else place.slug]
        query = urlencode(urls.query(tab, self._name))
        if (page, query) != (self._page, self._query):
            self.editor = None
        self._page, self._query = page, query
        return await self._run(self._state())

    async def edit(self, row: int, field: str, text: str) -> None:
        """Save a field of the page's table and tell the page; returns then, `settled` waits for the page."""
        if self.editor is None:
            raise RuntimeError("The page has no table that can be edited.")
        if not self._rows:
            await self._ask({})
        question = list(self._rows.values())[row]
        seen = {field: question.get(field)}
        told = await self._ask({"do": "save", "id": question["id"], "fields": {field: text}, "seen": seen})
        state = self._state()
        sent = json.dumps([{"event": "changed", "value": "runs" if told.get("runs") else "saved"}])
        state.widget_states.widgets.add(
            id=f"$$STREAMLIT_INTERNAL_KEY_{self.editor}__events", json_trigger_value=sent
        )
        await self._send(state)

    async def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        told = await asyncio.to_thread(
            self._posted, {**body, "pass": self._given["pass"], "since": self._digest}
        )
        if told.get("lost") or told.get("sentence"):
            raise RuntimeError(f"The table was told: {told['sentence']}")
        new = {row["id"]: row for row in told["rows"]}
        self._rows = new if told["whole"] else self._rows | new
        self._digest = told["digest"]
        return told

    def _posted(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"content-type": "application/json", "cookie": self._cookie}
        request = urllib.request.Request(
            self._url + self._given["url"], json.dumps(body).encode(), headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=READY_S) as answer:
            data = answer.read()
        self.bytes += len(data)
        return json.loads(data)

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
        return ClientState(query_string=self._query, page_script_hash=self._page)

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
        elif kind == "bidi_component" and element.bidi_component.component_name == "studio_table":
            self.editor, self._given = element.bidi_component.id, json.loads(element.bidi_component.json)

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
