"""Download of a Google Sheet as CSV, from Google's two hosts alone.

The address is taken apart and written anew, so that only a sheet's id and page go out. Every redirect is
checked like the first address. No cookie, token or proxy is used; bytes, seconds and redirects are bounded. It
is off where visitors without an account are let in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, quotas

HOST = "docs.google.com"
_STORAGE = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,3}googleusercontent\.com")
_SHEET = re.compile(r"/spreadsheets/(?:u/\d{1,2}/)?d/((?:e/)?[A-Za-z0-9_-]{20,120})(?:/[a-z]{0,20})?")
_PAGE = re.compile(r"\d{1,12}")
MAX_ADDRESS, MAX_REDIRECTS, MAX_SECONDS = 2_000, 5, 30.0
_PIECE = 2**16
_ASK = Sentence(
    "give the address of a sheet as the browser shows it, https://docs.google.com/spreadsheets/d/…"
)


class Transport(NamedTuple):
    """Hosts that are asked, and how.

    Attributes:
        is_allowed: Whether an address may be asked.
        connect: Opens the connection to an address, with a timeout in seconds.
    """

    is_allowed: Callable[[str], bool]
    connect: Callable[[SplitResult, float], HTTPConnection]


def is_google(address: str) -> bool:
    """Whether an address is one of Google's two hosts for sheets, over https, on its usual port, without a user."""
    if not _is_plain(address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return (
        parts.scheme == "https"
        and "@" not in parts.netloc
        and port in (None, 443)
        and (host == HOST or _STORAGE.fullmatch(host) is not None)
    )


def _is_plain(address: str) -> bool:
    """Whether an address is short printable ASCII without spaces and backslashes, which readers take differently."""
    return len(address) <= MAX_ADDRESS and re.fullmatch(r"[!-\[\]-~]+", address) is not None


GOOGLE = Transport(is_google, lambda parts, timeout: HTTPSConnection(parts.hostname or "", timeout=timeout))


def export_address(address: str) -> str:
    """Address of a sheet's CSV, from the address that a browser shows.

    Raises:
        TaskError: It is not the address of a sheet.
    """
    address = address.strip()
    parts = urlsplit(address) if is_google(address) else None
    found = _SHEET.fullmatch(parts.path) if parts is not None and parts.hostname == HOST else None
    if parts is None or found is None:
        raise TaskError(
            Sentence(
                "{address} is no address of a Google Sheet: {advice}.", address=quote(address), advice=_ASK
            )
        )
    pages = parse_qs(parts.fragment).get("gid") or parse_qs(parts.query).get("gid") or ["0"]
    if not _PAGE.fullmatch(pages[0]):
        raise TaskError(
            Sentence(
                "{address} names no page of the sheet (gid): {advice}.", address=quote(address), advice=_ASK
            )
        )
    sheet = found[1]
    how = "pub?output=csv" if sheet.startswith("e/") else "export?format=csv"
    return f"https://{HOST}/spreadsheets/d/{sheet}/{how}&gid={pages[0]}"


def may_fetch(settings: Settings) -> bool:
    """Whether sheets are fetched here: not where visitors are let in beside people who sign in."""
    return settings.auth == "none" or settings.visitors == "refused"


def fetch_sheet(settings: Settings, address: str, transport: Transport = GOOGLE) -> bytes:
    """Download a sheet that everyone with its link may view, as CSV, charged to the caller's uploads.

    Args:
        settings: The caller's settings.
        address: Address of the sheet as a browser shows it.
        transport: Hosts that are asked; tests ask their own.

    Raises:
        TaskError: Sheets are off here, the caller may only read, the address is no sheet's, the sheet is not
            shared by its link, or Google cannot be reached.
        LimitError: The sheet is larger than a file may be, takes too long, or the caller's quota is used up.
    """
    access.require_writer(settings)
    if not may_fetch(settings):
        raise TaskError(
            Sentence(
                "Google Sheets are not fetched where guests are let in: download the sheet as CSV and upload it."
            )
        )
    access.require_member(settings, Sentence("fetch sheets"))
    asked = export_address(address)
    data = _follow(asked, settings.limits.max_file_bytes, transport)
    quotas.charge(settings, "uploads", len(data))
    return data


def _follow(address: str, max_bytes: int, transport: Transport) -> bytes:
    """Content of an address after at most `MAX_REDIRECTS` redirects to allowed addresses."""
    end = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        if not transport.is_allowed(address):
            raise TaskError(
                Sentence(
                    "Google asks for a sign-in: share the sheet with everyone who has the link, and try again."
                )
            )
        parts = urlsplit(address)
        connection = transport.connect(parts, max(0.1, end - time.monotonic()))
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            headers = {"Accept": "text/csv", "Accept-Encoding": "identity", "User-Agent": "e2lm-task-studio"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308):
                address = urljoin(address, answer.headers.get("Location", ""))
                continue
            return _content(answer, max_bytes, end)
        except (OSError, HTTPException, ValueError) as error:
            if time.monotonic() > end:
                raise _slow() from error
            raise TaskError(
                Sentence("Google Sheets cannot be reached: check the connection, and try again.")
            ) from error
        finally:
            connection.close()
    raise TaskError(
        Sentence(
            "Google sends on more than {most} times: download the sheet as CSV instead.", most=MAX_REDIRECTS
        )
    )


def _content(answer: HTTPResponse, max_bytes: int, end: float) -> bytes:
    kind = answer.headers.get_content_type()
    if answer.status in (401, 403, 404, 410) or (answer.status == 200 and kind == "text/html"):
        raise TaskError(
            Sentence(
                "There is no such sheet that everyone with the link may view: share it so, or check its address."
            )
        )
    if answer.status != 200 or kind != "text/csv":
        raise TaskError(
            Sentence(
                "Google answers {status} and no table: download the sheet as CSV instead.",
                status=str(answer.status),
            )
        )
    pieces, size = [], 0
    while piece := answer.read1(_PIECE):
        size += len(piece)
        if size > max_bytes:
            raise LimitError(
                Sentence(
                    "The sheet has more than {most} bytes: keep the columns that you need.", most=max_bytes
                )
            )
        if time.monotonic() > end:
            raise _slow()
        pieces.append(piece)
    if answer.length:  # bytes that were announced and did not come
        raise TaskError(Sentence("The sheet ended too early: try again."))
    return b"".join(pieces)


def _slow() -> LimitError:
    return LimitError(
        Sentence(
            "The sheet took more than {seconds} s: download it as CSV and upload it.",
            seconds=f"{MAX_SECONDS:.0f}",
        )
    )
