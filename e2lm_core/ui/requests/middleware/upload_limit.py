"""Limit of uploaded bytes.

Streamlit keeps uploads until their session ends, even if no page asks for a file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from e2lm_core.base import formatting
from e2lm_core.ui.base.streamlit_internals import remove_abandoned_uploads, uploaded_bytes

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
SHARE_OF_ONE = 3  # a session may use 1 / 3 of the limit


class _TooMuch(Exception):
    """Raised when an upload exceeds the remaining room while it arrives."""


class UploadLimitMiddleware:
    """Middleware that answers 413 to an upload beyond `most` bytes in all, or a third of it per session.

    `held` returns the bytes of present uploads by session; arriving uploads count as well. If there is no
    room, `let_go` is called to free some.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        held: Callable[[], dict[str, int]] = uploaded_bytes,
        let_go: Callable[[], None] = remove_abandoned_uploads,
    ) -> None:
        self.app, self.most, self.held, self.let_go = app, most, held, let_go
        self.coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        found = (
            _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        )
        if found is None:
            await self.app(scope, receive, send)
            return
        session = found[1]
        said = int(next((v for k, v in scope["headers"] if k == b"content-length" and v.isdigit()), b"0"))
        if said > self._room(session):
            self.let_go()
        if said > (room := self._room(session)):
            await self._refuse(scope, receive, send)
            return
        # The announced size is reserved at once, so that parallel uploads do not all count on the same room.
        taken, got, started = said, 0, False
        self.coming[session] += taken

        async def counting() -> Message:
            nonlocal taken, got
            message = await receive()
            got += len(message.get("body", b""))
            if got > taken:
                self.coming[session] += got - taken
                taken = got
                if got > room:
                    raise _TooMuch
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counting, sending)
        except _TooMuch:
            if started:
                raise
            await self._refuse(scope, receive, send)
        finally:
            self.coming[session] -= taken
            self.coming += Counter()  # drops sessions without arriving uploads

    def _room(self, session: str) -> int:
        here = self.held()
        in_all = sum(here.values()) + self.coming.total()
        return min(
            self.most - in_all, self.most // SHARE_OF_ONE - here.get(session, 0) - self.coming[session]
        )

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        sentence = (
            f"Upload limit reached ({formatting.size(self.most // SHARE_OF_ONE)} for a guest, "
            f"{formatting.size(self.most)} for all). Reload the page to free yours."
        )
        await PlainTextResponse(sentence, 413)(scope, receive, send)
