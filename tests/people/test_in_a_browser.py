"""Signing in with a real OpenID provider, in a real browser: a workspace of one's own, a shared set, signing out."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, sharing
from e2lm_core.sets import collection
from scripts.screenshots import server, settle
from tests.conftest import needs
from tests.support.browser import go, strip

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
PEOPLE = {
    "1": {
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "email_verified": True,
        "preferred_username": "ada",
    },
    "2": {"name": "Bob", "preferred_username": "bob"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home that held a set before anybody signed in."""
    home = tmp_path_factory.mktemp("people") / "home"
    collection.copy_set(Settings(home=home), "ladder_science", "from_before")
    return home


@pytest.fixture(scope="module")
def url(home) -> Iterator[str]:
    """The address of a studio whose people sign in with a provider on this machine."""
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as provider:
        variables = {
            "E2LM_HOME": str(home),
            "E2LM_LADDER": str(needs("ladder")),
            "E2LM_AUTH": "oidc",
            "E2LM_ADMINS": "ada@example.org",
            "E2LM_OIDC_ISSUER": f"http://localhost:{provider.server_port}",
            "E2LM_OIDC_CLIENT_ID": "studio",
            "E2LM_OIDC_CLIENT_SECRET": "not a secret",
            "E2LM_OIDC_URL": "http://localhost:{port}",
        }
        with server(os.environ | variables) as address:
            yield address.replace("127.0.0.1", "localhost")


def visit(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    settle(page)
    return page


def people(page: Page):
    return page.locator(".st-key-people")


def sign_in(page: Page, sub: str, address: str | None = None) -> None:
    """By the button, or by the address that it leads to in a tab of its own."""
    if address is None:
        people(page).get_by_role("button", name="Sign in").click()
    else:
        page.goto(address)
    page.get_by_role("button", name=sub, exact=True).click()
    expect(people(page)).to_contain_text(str(PEOPLE[sub]["name"]))
    settle(page)


def copy_example(page: Page, name: str) -> None:
    go(page, "Questions")
    page.get_by_role("button", name="Copy this set").click()
    field = page.get_by_label("Title of the copy")
    field.fill(name)
    field.press("Enter")
    settle(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page).to_have_url(re.compile(f"set={name}"))
    settle(page)


def own(home: Path, person: str) -> list[str]:
    infos = collection.list_sets(Settings(home=home).for_person(person))
    return [info.address for info in infos if not info.example]


def post(url: str, body: dict) -> tuple[int, str]:
    """What the server answers to a page's script, without a cookie."""
    data, headers = json.dumps(body).encode(), {"content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_two_people_have_workspaces_share_a_set_and_sign_out(home, url, browser):
    ada = visit(browser, url)
    sign_in(ada, "1")
    expect(people(ada)).to_contain_text("(ada), administrator")
    copy_example(ada, "hers")
    assert own(home, "ada") == ["from_before", "hers"]
    assert (home / "people" / "ada" / "sets" / "hers").is_dir()
    assert not list((home / "sets").iterdir())
    assert (home / "cookie.key").stat().st_mode & 0o777 == 0o600

    # A link to another's set opens nothing, until it carries a key; both outlive the way to the provider.
    bob = visit(browser, f"{url}/?set=ada/hers")
    expect(bob.get_by_text("that you may open")).to_be_visible()
    sign_in(bob, "2")
    expect(bob.get_by_text("that you may open")).to_be_visible()
    link = sharing.create_link(Settings(home=home).for_person("ada"), "hers", "editor")
    bob.goto(f"{url}/result{link.query}")
    settle(bob)
    expect(strip(bob).get_by_role("combobox")).to_have_value(re.compile("ada/hers"))
    expect(bob.get_by_role("heading", level=1)).to_have_text("Result")
    assert "key=" not in bob.url

    # Signing out ends the sign-in in every tab, and the passes of its pages.
    second, passes = bob.context.new_page(), []
    second.on("request", lambda asked: passes.append(asked) if asked.url.endswith("/presence") else None)
    second.goto(f"{url}/questions?set=ada/hers")
    settle(second)
    expect(people(second)).to_contain_text("Bob")
    second.wait_for_timeout(4000)
    body = json.loads(passes[-1].post_data)
    assert post(f"{url}/table", body)[0] == 200
    people(bob).get_by_role("button", name="Sign out").click()
    bob.get_by_role("button", name="End session").click()  # the provider asks too
    expect(bob.get_by_role("button", name="Sign in")).to_be_visible()
    expect(people(second).get_by_role("button", name="Sign in")).to_be_visible()
    assert post(f"{url}/table", body) == (
        403,
        "You have signed out since this page was opened: load it again.",
    )
    bob.goto(f"{url}/?set=ada/hers")
    expect(bob.get_by_text("that you may open")).to_be_visible()
    expect(people(ada)).to_contain_text("Ada Lovelace")

    # A link with a key that a guest opens is followed once they sign in, from whichever page.
    sharing.unshare(Settings(home=home).for_person("ada"), "hers", "bob")
    guest = visit(browser, f"{url}/result{link.query}")
    expect(guest.get_by_text("This link shares the set ada/hers: sign in to open it.")).to_be_visible()
    guest.get_by_test_id("stSidebarNavLink").filter(has_text="Questions").click()
    expect(guest).to_have_url(re.compile(r"/questions(?!.*key=)"))
    expect(people(guest)).to_contain_text("Sign in to follow it")
    sign_in(guest, "2")
    go(guest, "Result")
    expect(strip(guest).get_by_role("combobox")).to_have_value(re.compile("ada/hers"))

    # The address that Share gives names the owner, who may open it too.
    go(ada, "Share")
    address = ada.locator("code", has_text="/result?set=").first.inner_text()
    assert "/result?set=ada%2Fhers&tab=" in address
    for page, shown in ((ada, "hers"), (guest, "ada/hers")):
        page.goto(address)
        settle(page)
        expect(strip(page).get_by_role("combobox")).to_have_value(re.compile(shown))


def test_a_visitors_sandbox_is_their_own_and_goes_with_them_when_they_sign_in(home, url, browser):
    first, second = visit(browser, url), visit(browser, url)
    expect(people(first)).to_contain_text("deleted 24 hours after your last visit")
    copy_example(first, "tried")
    second.goto(f"{url}/questions?set=tried")
    settle(second)
    expect(second.get_by_text("There is no set 'tried'")).to_be_visible()
    before = len([p for p in accounts.list_people(Settings(home=home)) if p.visitor])
    sign_in(first, "2", f"{url}/?sign_in=1")
    assert "tried" in own(home, "bob")
    assert len([p for p in accounts.list_people(Settings(home=home)) if p.visitor]) == before - 1
