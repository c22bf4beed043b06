"""The server's door and its headers in a real browser: all that the studio does still works, and no more."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import server, settle
from tests.support import studios
from tests.support.browser import go, type_into_question

pytestmark = pytest.mark.slow
SET = "mine"
TABLE = b"question,A,B,answer\nWhat is warm?,ice,fire,B\n"


class Silent(BaseHTTPRequestHandler):
    def give(self, page: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    site = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site.server_port
    site.shutdown()
    site.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("door")
    ladder = studios.real_ladder(folder / "ladder", studios.STEPS[:2], ("ladder-small-arch1",))
    settings = studios.settings(folder, ladder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", SET)
    return settings


@pytest.fixture(scope="module")
def around() -> Iterator[str]:
    """Another site, `localhost`, that may show the studio in a frame: of which address is in its own."""

    class Served(Silent):
        def do_GET(self) -> None:
            self.give(f'<iframe width="1200" height="900" src="{unquote(self.path[2:])}"></iframe>')

    with serving(Served) as port:
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module")
def url(home: Settings, around: str) -> Iterator[str]:
    options = {"E2LM_UPLOADS_MB": "400", "E2LM_FRAMES": f"'self',{around}"}
    with server(os.environ | studios.environment(home) | options) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a dark window, on whose console nothing is refused."""
    refused: list[str] = []
    context = browser.new_context(color_scheme="dark", accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("console", lambda said: refused.append(said.text) if "Security Policy" in said.text else None)
    yield opened
    context.close()
    assert not refused


@pytest.fixture
def elsewhere(url: str) -> Iterator[str]:
    """Another site, on another port of this machine, whose page would use the studio."""
    host = urlsplit(url).netloc
    page = f"""<iframe src="http://{host}/"></iframe><script>
        const said = {{}};
        const socket = new WebSocket("ws://{host}/_stcore/stream");
        socket.onopen = () => said.socket = "open"; socket.onerror = () => said.socket = "refused";
        fetch("http://{host}/_stcore/upload_file/a/b", {{method: "PUT", body: "x"}})
            .then(() => said.upload = "sent").catch(() => said.upload = "refused");
        </script>"""

    class Served(Silent):
        def do_GET(self) -> None:
            self.give(page)

    with serving(Served) as port:
        yield f"http://127.0.0.1:{port}"


def test_editing_importing_and_downloading_work_under_the_policy(
    page: Page, url: str, home: Settings
) -> None:
    page.goto(f"{url}/questions?set={SET}")
    settle(page)
    type_into_question(page, 0, "What is twice one?")
    settle(page)
    assert collection.open_set(home, SET).questions[0].question == "What is twice one?"
    page.get_by_role("radio", name="Import").click()
    settle(page)
    files = {"name": "more.csv", "mimeType": "text/csv", "buffer": TABLE}
    page.locator("input[type=file]").first.set_input_files(files)
    page.get_by_role("button", name="Add 1 question").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)
    assert "What is warm?" in [q.question for q in collection.open_set(home, SET).questions]
    go(page, "Share")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(rf"Download {SET}\.zip")).click()
    assert download.value.path().read_bytes()[:2] == b"PK"


def test_in_a_frame_without_cookies_uploads_work_with_streamlits_protection_on(
    browser: Browser, url: str, around: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    statuses: list[int] = []
    page.on("response", lambda got: statuses.append(got.status) if got.request.method == "PUT" else None)
    page.goto(f"{around}/?{quote(f'{url}/questions?set={SET}', safe='')}")
    frame = page.frame_locator("iframe")
    frame.get_by_role("radio", name="Import").click()
    frame.locator("input[type=file]").first.set_input_files(
        # Another question than the test above has added: what is there already is left out.
        {"name": "more.csv", "mimeType": "text/csv", "buffer": TABLE.replace(b"warm", b"hot")}
    )
    expect(frame.get_by_role("button", name="Add 1 question")).to_be_visible()
    assert statuses == [204]
    assert not [c for c in context.cookies() if c["name"] == XSRF_COOKIE_NAME], "which it did without"
    context.close()


def test_another_site_frames_opens_and_uploads_nothing(browser: Browser, elsewhere: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(elsewhere)
    page.wait_for_function("Object.keys(said).length === 2")
    assert page.evaluate("said") == {"socket": "refused", "upload": "refused"}
    (frame,) = page.main_frame.child_frames
    assert frame.url.startswith("chrome-error:")
    context.close()


def test_twelve_files_of_60_MB_without_a_widget_are_refused_and_let_go(page: Page, url: str) -> None:
    uploads: list[str] = []
    page.on("request", lambda asked: uploads.append(asked.url) if asked.method == "PUT" else None)
    page.goto(f"{url}/questions?set={SET}")
    settle(page)
    page.get_by_role("radio", name="Import").click()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "more.csv", "mimeType": "text/csv", "buffer": TABLE}
    )
    settle(page)
    session = re.findall(r"upload_file/([^/]+)/", uploads[0])[0]
    body = b"--x\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n%s\r\n--x--" % bytes(60 * 2**20)
    said = [put(url, f"/_stcore/upload_file/{session}/{number}", body) for number in range(12)]
    assert said == [204] * 2 + [413] * 10
    first = session
    page.goto("about:blank")
    page.wait_for_timeout(1_000)
    for _ in range(3):  # a third of all is one session's, and those before have gone
        uploads.clear()
        page.goto(f"{url}/questions?set={SET}")
        settle(page)
        page.get_by_role("radio", name="Import").click()
        settle(page)
        page.locator("input[type=file]").first.set_input_files(
            {"name": "more.csv", "mimeType": "text/csv", "buffer": TABLE}
        )
        settle(page)
        session = re.findall(r"upload_file/([^/]+)/", uploads[0])[0]
        assert session != first
        assert [put(url, f"/_stcore/upload_file/{session}/{n}", body) for n in range(2)] == [204] * 2


@pytest.mark.parametrize(
    "path",
    [
        "/app/static/../app.py",
        "/app/static/..%2fapp.py",
        "/app/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fpyproject.toml",
        "/media/../../app.py",
        "/media/..%5c..%5capp.py",
        "/_stcore/../app.py",
        "//etc/passwd",
        "/component/x/../../app.py",
    ],
)
def test_no_address_leads_to_a_file_of_the_server(url: str, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status >= 400 or b"<title>Streamlit</title>" in text
    assert b"root:" not in text
    assert b"navigation.draw" not in text


def put(url: str, path: str, body: bytes) -> int:
    """The status of an upload; one that is refused at once may close before all is sent."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.putrequest("PUT", path)
    connection.putheader("content-type", "multipart/form-data; boundary=x")
    connection.putheader("content-length", str(len(body)))
    connection.putheader("origin", url)
    connection.endheaders()
    with contextlib.suppress(OSError):
        connection.send(body)
    try:
        return connection.getresponse().status
    finally:
        connection.close()
