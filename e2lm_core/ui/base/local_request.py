"""Origin of requests: this machine, the studio's own page.

Tested in tests/ui/requests/middleware/test_origin_guard.py and tests/ui/server/test_draft_routes.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")  # headers of a proxy in between


def is_local_request() -> bool:
    """Whether the session's browser runs on this machine, without a proxy in between."""
    headers = st.context.headers
    name = urlsplit(f"//{headers.get('Host') or ''}").hostname or ""
    return st.context.ip_address is None and is_loopback(name) and not any(h in headers for h in FORWARDED)


def is_loopback(name: str) -> bool:
    """Whether a host name stands for this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def is_same_origin(headers: Mapping[str, str]) -> bool | None:
    """Whether the browser states that the studio's own page asks; None if it states nothing."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if not site and not origin:
        return None
    return site == "same-origin" if site else urlsplit(origin).netloc == headers.get("host")
