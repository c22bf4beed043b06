"""A Google Sheet comes from two hosts over https, bounded, without cookies; no other address is ever asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, google_sheets
from e2lm_core.sets.google_sheets import Transport, export_address, fetch_sheet, is_google

ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
SHEET = f"https://docs.google.com/spreadsheets/d/{ID}/edit?usp=sharing#gid=17"
CSV = b"question,A,B,answer\r\nWas ist Eisen?,ein Metall,ein Gas,A\r\n"


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        (SHEET, f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv&gid=17"),
        (
            f"https://docs.google.com/spreadsheets/u/0/d/{ID}",
            f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv&gid=0",
        ),
        (
            f" https://docs.google.com/spreadsheets/d/e/2PACX-{ID}/pubhtml?gid=3&single=true ",
            f"https://docs.google.com/spreadsheets/d/e/2PACX-{ID}/pub?output=csv&gid=3",
        ),
        (
            f"https://docs.google.com/spreadsheets/d/{ID}/edit?next=http://169.254.169.254/#gid=1",
            f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv&gid=1",
        ),
    ],
)
def test_only_id_and_page_of_an_address_go_out(address: str, asked: str) -> None:
    assert export_address(address) == asked


BAD = (
    "",
    "x",
    f"http://docs.google.com/spreadsheets/d/{ID}/edit",
    f"ftp://docs.google.com/spreadsheets/d/{ID}/edit",
    "file:///etc/passwd",
    f"//docs.google.com/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com:8080/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com:22/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com:x/spreadsheets/d/{ID}/edit",
    f"https://user@docs.google.com/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com@evil.example/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com%40evil.example/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com.evil.example/spreadsheets/d/{ID}/edit",
    f"https://evildocs.google.com/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com./spreadsheets/d/{ID}/edit",
    f"https://docs.google.com\\@evil.example/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com\t.evil.example/spreadsheets/d/{ID}/edit",
    f"https://docs.google.com\r\nHost: evil.example/spreadsheets/d/{ID}/edit",
    f"https://dócs.google.com/spreadsheets/d/{ID}/edit",
    f"https://docs。google。com/spreadsheets/d/{ID}/edit",
    "https://127.0.0.1/spreadsheets/d/x/edit",
    "https://[::1]/spreadsheets/d/x/edit",
    "https://[::1/spreadsheets/d/x/edit",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/spreadsheets/d/x/edit",
    "https://accounts.google.com/ServiceLogin",
    "https://drive.google.com/file/d/x/view",
    "https://googleusercontent.com/x",
    "https://googleusercontent.com.evil.example/x",
    "https://evilgoogleusercontent.com/x",
    "https://a_b.googleusercontent.com/x",
)


@pytest.mark.parametrize("address", BAD)
def test_no_other_host_scheme_or_port_is_asked(address: str) -> None:
    assert not is_google(address)


@pytest.mark.parametrize(
    "address",
    [
        *BAD,
        f"https://doc-0k-sheets.googleusercontent.com/spreadsheets/d/{ID}/edit",  # for redirects alone
        "https://docs.google.com/spreadsheets/d/short/edit",
        f"https://docs.google.com#@evil.example/spreadsheets/d/{ID}/edit",
        f"https://docs.google.com?@evil.example/spreadsheets/d/{ID}/edit",
        f"https://docs.google.com/document/d/{ID}/edit",
        f"https://docs.google.com/spreadsheets/d/{ID}/../../u/1/settings",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=1%26x=2",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=-1",
        "https://docs.google.com/" + "a" * 3000,
    ],
)
def test_what_is_no_sheet_is_one_sentence_and_asks_nothing(here: Settings, address: str) -> None:
    def never(*_: object) -> HTTPConnection:
        raise AssertionError("asked")

    with pytest.raises(
        TaskError, match=r"(is no address of a Google Sheet|names no page).*: give the address"
    ):
        fetch_sheet(here, address, Transport(is_google, never))


def test_redirects_go_to_googles_storage() -> None:
    assert is_google("https://doc-0k-30-sheets.googleusercontent.com/export/abc/123?format=csv")
    assert is_google("https://docs.google.com/spreadsheets/d/x")


class StandIn:
    """Google on this machine: answers by path, and what was asked of it."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.pause_s = 0.0
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.asked.append((self.path, dict(self.headers)))
                status, headers, body = stand_in.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for at in range(0, len(body), 1000):
                    try:
                        self.wfile.write(body[at : at + 1000])
                    except OSError:
                        return
                    time.sleep(stand_in.pause_s)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.transport = Transport(
            is_google, lambda parts, timeout: HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        )


@pytest.fixture
def google() -> Iterator[StandIn]:
    running = StandIn()
    yield running
    running.server.shutdown()
    running.server.server_close()


EXPORT = urlsplit(export_address(SHEET))._replace(scheme="", netloc="").geturl()
STORAGE = "https://doc-0k-sheets.googleusercontent.com/export/abc"
TABLE = {"Content-Type": "text/csv; charset=utf-8", "Set-Cookie": "NID=secret; Path=/"}


def test_a_sheet_is_read_as_an_upload_is(here: Settings, google: StandIn) -> None:
    google.answers[EXPORT] = (307, {"Location": STORAGE, "Set-Cookie": "S=secret"}, b"")
    google.answers["/export/abc"] = (200, TABLE, CSV)
    data = fetch_sheet(here, SHEET, google.transport)
    assert data == CSV
    (question,) = authoring.preview_import(here, data, "sheet.csv").sound
    assert (question.question, question.choices[question.answer]) == ("Was ist Eisen?", "ein Metall")
    assert [path for path, _ in google.asked] == [EXPORT, "/export/abc"]
    assert not [
        name for _, headers in google.asked for name in headers if name.lower() in ("cookie", "authorization")
    ]


@pytest.mark.parametrize(
    "target",
    [
        "https://accounts.google.com/ServiceLogin?continue=x",
        "http://docs.google.com/x",
        "http://169.254.169.254/latest",
        "https://127.0.0.1/x",
        "//evil.example/x",
        "file:///etc/passwd",
        "https://docs.google.com@evil.example/",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(here: Settings, google: StandIn, target: str) -> None:
    google.answers[EXPORT] = (302, {"Location": target}, b"")
    with pytest.raises(TaskError, match="share the sheet with everyone who has the link"):
        fetch_sheet(here, SHEET, google.transport)
    assert len(google.asked) == 1


def test_redirects_bytes_and_seconds_are_bounded(
    here: Settings, google: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.answers[EXPORT] = (302, {"Location": "/again"}, b"")
    google.answers["/again"] = (302, {"Location": "/again"}, b"")
    with pytest.raises(TaskError, match="more than 5 times"):
        fetch_sheet(here, SHEET, google.transport)
    assert len(google.asked) == 6
    small = here.model_copy(update={"limits": here.limits.model_copy(update={"max_file_bytes": 5_000})})
    google.answers[EXPORT] = (200, TABLE, b"x" * 6_000)
    with pytest.raises(LimitError, match="more than 5,000 bytes"):
        fetch_sheet(small, SHEET, google.transport)
    google.pause_s = 0.2
    monkeypatch.setattr(google_sheets, "MAX_SECONDS", 0.3)
    with pytest.raises(LimitError, match="took more than"):
        fetch_sheet(here, SHEET, google.transport)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {}, b""), "no such sheet"),
        ((200, {"Content-Type": "text/html"}, b"<html>sign in"), "no such sheet"),
        ((200, {"Content-Type": "application/pdf"}, b"%PDF"), "answers 200 and no table"),
        ((500, {}, b""), "answers 500 and no table"),
        ((200, {**TABLE, "Content-Length": "9000"}, CSV), "(ended too early|cannot be reached)"),
        ((302, {}, b""), "more than 5 times"),
    ],
)
def test_other_answers_are_one_sentence(
    here: Settings, google: StandIn, answer: tuple[int, dict[str, str], bytes], says: str
) -> None:
    google.answers[EXPORT] = answer
    with pytest.raises(StudioError, match=says):
        fetch_sheet(here, SHEET, google.transport)


def test_it_is_off_where_guests_are_let_in(here: Settings, google: StandIn) -> None:
    google.answers[EXPORT] = (200, TABLE, CSV)
    for visitors, is_on in (("sandbox", False), ("readonly", False), ("refused", True)):
        settings = here.model_copy(update={"auth": "oidc", "visitors": visitors})
        assert google_sheets.may_fetch(settings) is is_on
        if not is_on:
            with pytest.raises(TaskError, match="where guests are let in"):
                fetch_sheet(settings, SHEET, google.transport)
    assert not google.asked


def test_nobody_there_is_one_sentence(here: Settings) -> None:
    closed = Transport(is_google, lambda _, timeout: HTTPConnection("127.0.0.1", 9, timeout=timeout))
    with pytest.raises(TaskError, match="cannot be reached"):
        fetch_sheet(here, SHEET, closed)
