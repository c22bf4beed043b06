"""What the script of a page may ask of the server, and how the server knows that it is one of its own pages.

A page hands its script a pass: who asks, about which set, until when, signed with a key that lies in the home.
It works where the browser keeps no cookie (in the frame of a Space); where there is one, it must agree. A
request is JSON from the same origin, which no page of another site can send.
Tested in tests/ui/server/test_desk.py.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from e2lm_core.base.settings import Settings
from e2lm_core.ui.server.middleware.browser import author, browser_of

_DAY_S = 24 * 3600
GOOD_FOR_S = 30 * _DAY_S
_KEY_BYTES, _LOOKS = 32, 50
_OF_PROCESS = secrets.token_bytes(_KEY_BYTES)  # where the home cannot be written, passes end with the server


class Asked(NamedTuple):
    """Who asks, in whose settings, about which set, and what; `runs` as in `pass_for`."""

    settings: Settings
    task: str
    body: dict[str, Any]
    runs: str = ""


def pass_for(settings: Settings, task: str, runs: str = "") -> str:
    """What a page gives its script, so that the server knows later who asks, and about which set.

    `runs` is whose run an edit begins as soon as it is saved (see `Job.owner`), "" where none is to begin.
    """
    # The same all day long, so that a page that is drawn again has nothing new to say to its script.
    until = (int(time.time()) // _DAY_S + 1) * _DAY_S + GOOD_FOR_S
    claims = [settings.person, settings.author, settings.paths, settings.readonly, task, runs, until]
    said = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"{said}.{_signature(settings, said)}"


async def asked(request: Request, most_bytes: int) -> Asked:
    """The request of a page of ours; raises HTTPException (403, 413, 400) for any other."""
    _require_same_origin(request)
    body = await _body(request, most_bytes)
    settings = Settings.from_env()
    person, name, paths, readonly, task, runs = _claims(settings, str(body.pop("pass", "")))
    browser = browser_of(request.headers.get("cookie"))
    if person is None and browser is not None and author(browser) != name:
        raise HTTPException(403, "This page was opened by another browser.")
    return Asked(settings.asked_by(person, name, paths=paths, readonly=readonly), task, body, runs)


def _require_same_origin(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Only JSON is read here.")
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = site == "same-origin" if site else urlsplit(origin or "").netloc == request.headers.get("host")
    if not own and (site or origin):
        raise HTTPException(403, "Only the studio's own pages may ask this.")


async def _body(request: Request, most_bytes: int) -> dict[str, Any]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most_bytes:
            raise HTTPException(413, "This is too long to be kept.")
    try:
        # Half a character (a lone surrogate) can be said in JSON and in no file.
        body = json.loads(data.decode("utf-8", "replace"), parse_constant=_refused)
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        body = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "This is no JSON.") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "This is no JSON object.")
    return body


def _refused(name: str) -> float:
    raise ValueError(f"{name} is no number.")


def _claims(settings: Settings, given: str) -> tuple[str | None, str, bool, bool, str, str]:
    said, _, signature = given.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(settings, said).encode()):
        raise HTTPException(403, "The page's pass is not one of this studio: load the page again.")
    *claims, until = json.loads(base64.urlsafe_b64decode(said))
    if time.time() > until:
        raise HTTPException(403, "The page was opened too long ago: load it again.")
    person, name, paths, readonly, task, *more = claims
    return (
        person,
        name,
        paths,
        readonly,
        task,
        more[0] if more else "",
    )  # a pass from before an update has none


def _signature(settings: Settings, said: str) -> str:
    return hmac.new(_key(settings), said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _key(settings: Settings) -> bytes:
    """The home's key: made at first use, readable by the server's user alone."""
    path = settings.home / "pages.key"
    for _ in range(_LOOKS):
        try:
            if len(key := path.read_bytes()) == _KEY_BYTES:
                return key
            time.sleep(0.01)  # another process is just writing it
        except FileNotFoundError:
            if not _made(path):
                return _OF_PROCESS
        except OSError:
            return _OF_PROCESS
    with contextlib.suppress(OSError):
        path.unlink()  # a kill left it half written
    return _key(settings) if _made(path) else _OF_PROCESS


def _made(path: Path) -> bool:
    """Whether the key's file is there now; False where the disk refuses it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines([secrets.token_bytes(_KEY_BYTES)])
    except FileExistsError:
        return True
    except OSError:
        return False
    return True
