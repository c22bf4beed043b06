"""Sign-in and guest workspaces.

Any OpenID provider can be used. On a Hugging Face Space it is the Hub, configured by the Space's own
variables; elsewhere by the following variables:

| variable | meaning |
|---|---|
| `E2LM_OIDC_ISSUER` | the provider's address; `.well-known/openid-configuration` lies below it |
| `E2LM_OIDC_CLIENT_ID`, `E2LM_OIDC_CLIENT_SECRET` | the studio's credentials at the provider |
| `E2LM_OIDC_URL` | the studio's own address; the provider returns to its `/oauth2callback` |
| `E2LM_OIDC_SCOPES` | scopes requested from the provider (`openid email profile`) |
| `E2LM_COOKIE_SECRET` | key that signs cookies; by default created once in the home |
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, sharing, visitors
from e2lm_core.people.accounts import Person
from e2lm_core.runs import fleets
from e2lm_core.sets import collection
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.requests import home_keys

_LOOK_AGAIN_S = 20.0  # longest delay until a change of the account, or a workspace's end, takes effect
_WISH_S = 900.0  # time limit for the return from the provider
_LINK = "link_to_follow"  # session key of a share link's parameters that a guest has opened
_RENAMED = (
    "renamed_at_sign_in"  # session key of the sets that a guest's sign-in has renamed: new names by old ones
)
_ON_SPACE = {
    "E2LM_OIDC_ISSUER": "OPENID_PROVIDER_URL",
    "E2LM_OIDC_CLIENT_ID": "OAUTH_CLIENT_ID",
    "E2LM_OIDC_CLIENT_SECRET": "OAUTH_CLIENT_SECRET",
    "E2LM_OIDC_URL": "SPACE_HOST",
    "E2LM_OIDC_SCOPES": "OAUTH_SCOPES",
}


# --- what the server is told once -------------------------------------------------------------------------


def secrets(settings: Settings, env: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """Secrets for `st.App`; None without sign-in.

    Args:
        settings: Settings of the server.
        env: Environment variables.

    Raises:
        StudioError: A variable is missing or not an address, an administrator is given by a bare user name
            at a provider other than the Hub, or the key for cookies cannot be stored.
    """
    if settings.auth == "none":
        return None
    given = {name: env.get(name) or env.get(on_space) for name, on_space in _ON_SPACE.items()}
    for name, value in given.items():
        if not value and name != "E2LM_OIDC_SCOPES":
            raise StudioError(
                f"E2LM_AUTH is oidc and {name} is not set: set it, or on a Hugging Face Space hf_oauth; see docs/deploy.md."
            )
    issuer = _address("E2LM_OIDC_ISSUER", given["E2LM_OIDC_ISSUER"] or "")
    own = _address("E2LM_OIDC_URL", given["E2LM_OIDC_URL"] or "")
    _require_whole_names(settings.admins, issuer)
    auth = {
        "redirect_uri": f"{own}/oauth2callback",
        "cookie_secret": env.get("E2LM_COOKIE_SECRET") or _cookie_secret(settings.home),
        "client_id": given["E2LM_OIDC_CLIENT_ID"],
        "client_secret": given["E2LM_OIDC_CLIENT_SECRET"],
        "server_metadata_url": f"{issuer}/.well-known/openid-configuration",
        "client_kwargs": {"scope": given["E2LM_OIDC_SCOPES"] or "openid email profile"},
    }
    return {"auth": auth}


def _require_whole_names(admins: Sequence[str], issuer: str) -> None:
    """Raise `StudioError` for a user name that the provider may give to anybody."""
    bare = next((entry for entry in admins if accounts.is_user_name(entry)), None)
    if bare is not None and issuer != accounts.HUB:
        line = ",".join("sub:ID" if accounts.is_user_name(entry) else entry for entry in admins)
        raise StudioError(
            f"E2LM_ADMINS names {formatting.quote(bare)}, a user name, which counts only where people sign in with "
            f"{accounts.HUB}: write a verified e-mail, or the account's subject at {issuer}, as in E2LM_ADMINS={line}."
        )


def _address(name: str, value: str) -> str:
    value = (value if "://" in value else f"https://{value}").rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise StudioError(f"{name} is {value[:200]!r}; use an address with https://.")
    return value


def _cookie_secret(home: Path) -> str:
    try:
        return home_keys.cookie_key(home)
    except OSError as error:
        raise StudioError(
            f"The key that cookies are signed with cannot be kept in {home} ({error.strerror}): set E2LM_COOKIE_SECRET."
        ) from error


# --- who asks ---------------------------------------------------------------------------------------------


def current_person(settings: Settings, browser: str) -> Settings:
    """Settings of this session's person; `browser` is the author in histories without sign-in."""
    if settings.auth == "none":
        return settings.for_person(None, browser)
    person, claims = _person(settings, browser), _present(settings)
    if person is None:
        return settings.for_person(f"{accounts.VISITOR}-{browser}", paths=False, readonly=True)
    sign_in = "" if claims is None else _digest(claims)
    return settings.for_person(person.id, paths=False).model_copy(update={"sign_in": sign_in})


def _person(settings: Settings, browser: str) -> Person | None:
    """This session's account or guest workspace; None for a guest without a workspace."""
    claims = _present(settings)
    if claims is not None:
        key = (str(claims.get("iss", "")), str(claims["sub"]))

        def enter(removed: bool) -> Person | None:
            if not removed:
                return _signed_in(settings, *key, claims, browser)
            _end_removed(settings, claims)
            return None

        return _remembered(settings, key, enter)
    if settings.visitors != "sandbox":
        return None
    try:
        return _remembered(
            settings, ("", browser), lambda removed: visitors.open_visitor_workspace(settings, browser)
        )
    except LimitError:
        return None


def _claims() -> Mapping[str, Any] | None:
    """Claims of the provider about the signed-in person; None for a guest."""
    said = st.user.to_dict()
    return said if said.get("is_logged_in") and said.get("sub") else None


def _present(settings: Settings) -> Mapping[str, Any] | None:
    """Valid claims of the provider; None also after a sign-out in another tab, which Streamlit misses."""
    claims = _claims()
    return None if claims is None or accounts.is_sign_in_ended(settings, _digest(claims)) else claims


def _digest(claims: Mapping[str, Any]) -> str:
    """Digest of one sign-in: its claims contain a time and a random number."""
    said = json.dumps({key: str(claims[key]) for key in sorted(claims)})
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]


def _end_removed(settings: Settings, claims: Mapping[str, Any]) -> None:
    """Sign out a person whose account was removed, so that no page makes it anew unasked."""
    accounts.end_sign_in(settings, _digest(claims))
    _tell(
        Sentence(
            "Your account was removed from this studio. If you sign in again, you get a new, empty one."
        ),
        icon=":material/warning:",
    )


def _signed_in(
    settings: Settings, issuer: str, subject: str, claims: Mapping[str, Any], browser: str
) -> Person:
    verified = claims.get("email_verified") in (True, "true")
    username = claims.get("preferred_username")
    person = accounts.sign_in(
        settings,
        issuer,
        subject,
        str(claims.get("name") or username or ""),
        email=str(claims["email"]) if verified and claims.get("email") else None,
        username=str(username) if username else None,
    )
    _bring_guest_work(settings, browser, person)
    return person


def _bring_guest_work(settings: Settings, browser: str, person: Person) -> None:
    """Move a guest's work to the account; messages say what is called otherwise, and what could not come."""
    guest, own = settings.for_person(f"{accounts.VISITOR}-{browser}"), settings.for_person(person.id)
    with contextlib.suppress(StudioError, OSError):  # what keeps its name stays behind, and is told of below
        _rename_sets(guest, own)
        _rename_fleets(guest, own)
    if not visitors.transfer_to_account(settings, browser, person):
        _tell(
            Sentence(
                "Some of what you made as a guest could not be moved to your account: sign out to find it, and "
                "sign in to try again."
            ),
            icon=":material/warning:",
        )


def _rename_sets(guest: Settings, own: Settings) -> None:
    """Rename a guest's sets whose names the account has, with what hangs on them."""
    names = (
        [info.name for info in collection.list_sets(guest) if not info.example] if guest.sets.is_dir() else []
    )
    for name in names:
        if not _is_taken(own, name):
            continue
        tried = (f"{name[:50]}_{number}" for number in range(2, 10**6))
        new = next(name for name in tried if not _is_taken(own, name) and not _is_taken(guest, name))
        collection.rename_set(guest, name, new)
        fleets.rename_set(guest, name, new)
        st.session_state.setdefault(_RENAMED, {})[name] = new
        _tell(
            Sentence(
                "You have a set {name} already: the one that you made as a guest is now called {new}.",
                name=name,
                new=new,
            )
        )


def _rename_fleets(guest: Settings, own: Settings) -> None:
    """Rename a guest's model groups whose names the account has for others."""
    here, there = ({fleet.name: fleet for fleet in fleets.saved_fleets(one)} for one in (guest, own))
    for name, fleet in here.items():
        if there.get(name, fleet) == fleet:
            continue
        tried = (f"{name[:50]} {number}" for number in range(2, 10**6))
        new = next(name for name in tried if name not in here and name not in there)
        fleets.rename_fleet(guest, name, new)
        _tell(
            Sentence(
                "You have a model group {name} already: the one that you made as a guest is now called {new}.",
                name=name,
                new=new,
            )
        )


def _tell(sentence: Sentence, icon: str = ":material/info:") -> None:
    markdown.toast(sentence, icon=icon, duration="infinite")


def _is_taken(settings: Settings, name: str) -> bool:
    """Whether a workspace has a set of a name, or the history of a deleted one."""
    return any((settings.workspace / folder / name).exists() for folder in ("sets", "history"))


def _remembered(
    settings: Settings, key: tuple[str, str], enter: Callable[[bool], Person | None]
) -> Person | None:
    """The session's person; looked up again after 20 seconds.

    Args:
        settings: Settings of the server.
        key: Issuer and subject of a sign-in, or an empty text and the browser of a guest.
        enter: Finds or makes the account; its argument tells whether this session's account was removed.
    """
    known: tuple[tuple[str, str], Person, float] | None = st.session_state.get("person")
    now, person = time.monotonic(), None
    is_known = known is not None and known[0] == key
    if known is not None and is_known:
        if now - known[2] < _LOOK_AGAIN_S:
            return known[1]
        person = accounts.touch_last_seen(settings, known[1])
    person = person or enter(is_known)
    if person is None:
        st.session_state.pop("person", None)
    else:
        st.session_state["person"] = (key, person, now)
    return person


# --- what a page shows of it ------------------------------------------------------------------------------


def sign_in_controls(settings: Settings, browser: str) -> None:
    """Draw the signed-in person or the way to sign in, and follow a link that shares a set.

    Ends the page for guests if the studio refuses them.

    Args:
        settings: Settings of the server.
        browser: The session's browser, see `session.author`.
    """
    if settings.auth == "none":
        return
    claims = _present(settings)
    if claims is None and "sign_in" in st.query_params:
        del st.query_params["sign_in"]
        _go(browser)
    if claims is None and "key" in st.query_params:
        st.session_state[_LINK] = _link_parameters()
    with st.sidebar.container(key="people"):
        if claims is None:
            _invite(settings, browser)
        else:
            _signed(settings, browser, claims)
    if claims is None and settings.visitors == "refused":
        st.title(language.translate("Sign in"), anchor=False)
        st.markdown(language.translate("Sign in to use this studio: *Sign in* is on the left."))
        st.stop()
    _follow(settings, browser, claims)


def _invite(settings: Settings, browser: str) -> None:
    if settings.visitors == "sandbox" and not current_person(settings, browser).readonly:
        hours = formatting.count(round(settings.sandbox_hours), "hour")
        markdown.caption(
            Sentence(
                "Guest workspace: deleted {hours} after your last visit. Sign in to keep it.", hours=hours
            )
        )
    elif settings.visitors != "refused":
        markdown.caption("Guests can view. Sign in to create sets.")
    link = _kept_link()
    if "key" in link:
        markdown.caption("You opened a link to a shared set. Sign in to follow it.")
    if host := os.environ.get("SPACE_HOST"):
        # The provider's page cannot be shown in a frame, as the studio is on a Space.
        st.link_button(
            language.translate("Sign in"),
            f"{_address('SPACE_HOST', host)}/?{urlencode({'sign_in': 1, **link})}",
            icon=":material/login:",
        )
    elif st.button(language.translate("Sign in"), icon=":material/login:", key="sign_in"):
        _go(browser)


def _signed(settings: Settings, browser: str, claims: Mapping[str, Any]) -> None:
    asked = current_person(settings, browser)
    role = f", {language.translate('administrator')}" if accounts.is_administrator(asked) else ""
    st.caption(markdown.escape(f"{claims.get('name') or asked.person} ({asked.person}){role}"))
    if st.button(language.translate("Sign out"), icon=":material/logout:", key="sign_out"):
        sign_out(settings)
    wish = _wishes().pop(browser, None)
    if wish is not None and time.monotonic() - wish[1] < _WISH_S:
        renamed: dict[str, str] = st.session_state.pop(_RENAMED, {})
        st.query_params.from_dict(
            {k: renamed.get(value, value) if k == "set" else value for k, value in wish[0].items()}
        )


def sign_out(settings: Settings) -> NoReturn:
    """End the session's sign-in in every tab, and the page with it; `settings` are those of the server."""
    if (claims := _present(settings)) is not None:
        accounts.end_sign_in(settings, _digest(claims))
    st.session_state.clear()
    st.logout()
    st.stop()


def _go(browser: str) -> None:
    """Go to the provider; the link's parameters are kept, as the provider returns to the bare address."""
    for old in [b for b, (_, at) in list(_wishes().items()) if time.monotonic() - at > _WISH_S]:
        _wishes().pop(old, None)
    _wishes()[browser] = (_kept_link(), time.monotonic())
    st.login()
    st.stop()


def _kept_link() -> dict[str, str]:
    """Parameters of the share link that a guest has opened, else of the present page."""
    return st.session_state.get(_LINK) or _link_parameters()


def _link_parameters() -> dict[str, str]:
    return {k: st.query_params[k] for k in ("set", "key") if k in st.query_params}


@st.cache_resource(show_spinner=False)
def _wishes() -> dict[str, tuple[dict[str, str], float]]:
    return {}


def _follow(settings: Settings, browser: str, claims: Mapping[str, Any] | None) -> None:
    key = st.query_params.get("key")
    if key is None or claims is None:
        return
    asked = current_person(settings, browser)
    del st.query_params["key"]
    try:
        grant = sharing.redeem_link(asked, key)
    except TaskError as error:
        markdown.toast(error)
        return
    if grant is not None:
        st.session_state["set"] = f"{grant.owner}/{grant.set_name}"
    elif wish := st.query_params.get("set"):
        st.session_state["set"] = wish
