"""Requests from this machine.

Tested in tests/ui/requests/middleware/test_origin_guard.py.
"""

from __future__ import annotations

import ipaddress
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
