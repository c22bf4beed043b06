"""Signed requests of page components.

A page gives its script a token: the caller, the sign-in, the set and the time of expiry, signed with a key
that is stored in the home. The token works where the browser keeps no cookie (in the frame of a Space);
where there is a cookie, the two must agree. A token becomes invalid when its person signs out or is deleted,
and with a change of the mode (see `Settings.mode`) in which it was issued. A request is JSON from the same
origin, which a page of another site cannot send.

Tested in tests/ui/server/test_draft_routes.py and tests/hostile/test_requests.py.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import ENGLISH, Settings, redact_paths
from e2lm_core.people import accounts
from e2lm_core.ui.base import language
from e2lm_core.ui.base.local_request import is_same_origin
from e2lm_core.ui.requests import home_keys
from e2lm_core.ui.requests.middleware.browser_cookie import author, browser_from_cookies

_DAY_S = 24 * 3600
GOOD_FOR_S = 30 * _DAY_S
_MAX_DEEP = 32
_OTHER_BROWSER = "This page was opened by another browser."


class TokenClaims(NamedTuple):
    """Claims of a token, in their order there.

    Attributes:
        mode: Sign-in mode in which the token was issued.
        person: Id of the caller; None without sign-in.
        author: The caller's name in histories.
        paths: Whether the caller may use paths of the server's machine.
        readonly: Whether the caller may change nothing.
        sign_in: Digest of the sign-in; "" without one.
        task: Address of the set.
        runs: Owner of the run that an edit starts, see `Job.owner`; "" if an edit starts none.
        until: Time of expiry, in seconds since 1970.
    """

    mode: str
    person: str | None
    author: str
    paths: bool
    readonly: bool
    sign_in: str
    task: str
    runs: str
    until: float


class ComponentRequest(NamedTuple):
    """A verified request of a page component.

    Attributes:
        settings: Settings of the caller.
        task: Address of the set.
        body: The request's JSON object, without the token.
        runs: As in `issue_token`.
        language: Language of the caller's browser.
    """

    settings: Settings
    task: str
    body: dict[str, Any]
    runs: str = ""
    language: str = ENGLISH

    def translate(self, sentence: str) -> str:
        """A sentence in the caller's language, without paths of the machine."""
        with language.in_language(self.language):
            return redact_paths(language.translate(sentence))


def issue_token(settings: Settings, task: str, runs: str = "") -> str:
    """Token for a page's script, by which the server later knows the caller and the set.

    Args:
        settings: Settings of the caller.
        task: Address of the set.
        runs: Owner of the run that starts as soon as an edit is saved, see `Job.owner`; "" if an edit starts
            none.
    """
    # The expiry stays the same all day, so that a redrawn page sends its script the same data again.
    until = (int(time.time()) // _DAY_S + 1) * _DAY_S + GOOD_FOR_S
    claims = TokenClaims(
        settings.sign_in_mode,
        settings.person,
        settings.author,
        settings.paths,
        settings.readonly,
        settings.sign_in,
        task,
        runs,
        until,
    )
    return _serializer(settings).dumps(claims)


async def verify_request(request: Request, most_bytes: int) -> ComponentRequest:
    """Verify a request of a page component and read it.

    Raises:
        HTTPException: 403 for another site, a bad token or a caller without access; 415 for a content type
            other than JSON; 413 for a body of more than `most_bytes`; 400 for a body that is not a JSON
            object; 503 if the caller cannot be looked up.
    """
    _require_same_origin(request)
    body = await _body(request, most_bytes)
    settings = Settings.from_env()
    claims = verify_token(settings, str(body.pop("pass", "")))
    await run_in_threadpool(
        _require_person, settings, claims, browser_from_cookies(request.headers.get("cookie"))
    )
    asked_by = settings.for_person(claims.person, claims.author, paths=claims.paths, readonly=claims.readonly)
    return ComponentRequest(
        asked_by.model_copy(update={"sign_in": claims.sign_in}),
        claims.task,
        body,
        claims.runs,
        language.of_request(request.cookies, request.headers.get("accept-language", "")),
    )


def _require_person(settings: Settings, claims: TokenClaims, browser: str | None) -> None:
    """Raise HTTPException (403, 503) unless the token's person, browser and sign-in are still valid."""
    if settings.auth == "none":
        if browser is not None and author(browser) != claims.author:
            raise HTTPException(403, _OTHER_BROWSER)
        return
    person = claims.person or ""
    visits = person.startswith(accounts.VISITOR)
    if visits and browser is not None and person != f"{accounts.VISITOR}-{author(browser)}":
        raise HTTPException(403, _OTHER_BROWSER)
    try:
        # A read-only guest has no workspace and is not in the register.
        here = (visits and claims.readonly) or accounts.get_person(settings, person) is not None
        if not here or (
            not visits and (not claims.sign_in or accounts.is_sign_in_ended(settings, claims.sign_in))
        ):
            raise HTTPException(403, "You have signed out since this page was opened: load it again.")
    except StudioError as error:
        raise HTTPException(503, "Who asks cannot be looked up now: try again in a moment.") from error


def _require_same_origin(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Only JSON is read here.")
    if is_same_origin(request.headers) is False:
        raise HTTPException(403, "Only the studio's own pages may ask this.")


async def _body(request: Request, most_bytes: int) -> dict[str, Any]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most_bytes:
            raise HTTPException(413, "This is too long to be kept.")
    try:
        # A number that is not finite is refused. A lone surrogate is valid in JSON but cannot be written to a
        # file.
        body = json.loads(data.decode("utf-8", "replace"))
        _require_flat(body)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        body = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "This is no JSON.") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "This is no JSON object.")
    return body


def _require_flat(body: Any) -> None:
    """Raise ValueError for JSON nested deeper than any page sends, which could not be written again."""
    inside = [body]
    for _ in range(_MAX_DEEP):
        inside = [part for one in inside if isinstance(one, dict | list) for part in _parts(one)]
        if not inside:
            return
    raise ValueError("It nests too deeply.")


def _parts(one: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one


def verify_token(settings: Settings, given: str) -> TokenClaims:
    """Claims of a token.

    Raises:
        HTTPException: 403, if the token is forged, of another sign-in mode, or expired.
    """
    try:
        claims = TokenClaims(*_serializer(settings).loads(given))
    except BadData as error:
        raise HTTPException(403, "Your session has expired. Reload the page.") from error
    if time.time() > claims.until or claims.mode != settings.sign_in_mode:
        raise HTTPException(403, "The page was opened too long ago: load it again.")
    return claims


def _serializer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(
        home_keys.page_key(settings), "page", signer_kwargs={"digest_method": hashlib.sha256}
    )
