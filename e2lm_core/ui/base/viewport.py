"""Viewport width of the browser.

In a narrow window the navigation covers the page, and closes after a place was chosen in it. A popover
opened by the keyboard receives the focus and, after its last field, returns it to its button: Streamlit puts
a popover at the end of the document, so the Tab key would reach it after everything else. With sign-in, a
tab is loaded again when another tab of the browser has signed out. Before the browser has reported its
width, a phone is recognised by its user agent, so that most visitors never see a second drawing. The document
is told the pages' language, for screen readers, and the browser keeps it for the next visit.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.ui.base import language

# Narrower windows get legends instead of direct labels, and fewer columns.
NARROW_PX = 640
MAX_FRAMES = 60  # animation frames that a popover's fields may take to appear
_KEY = "window"
_JS = f"""
export default function ({{ data, setStateValue }}) {{
  const query = window.matchMedia("(max-width: {NARROW_PX}px)");
  const tell = () => setStateValue("narrow", query.matches);
  if (query.matches !== data.narrow) tell();
  document.documentElement.lang = data.language;
  // Partitioned, as browsers keep no other cookie in the frame of a Space's page.
  const reach = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  if (data.chosen) document.cookie = `{language.COOKIE}=${{data.language}}; Path=/; Max-Age=31536000; ${{reach}}`;
  const close = (event) => {{
    if (query.matches && event.target.closest?.('[data-testid="stSidebarNavLink"]'))
      document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  }};
  const fields = (body) => [...body.querySelectorAll(
    'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), [tabindex="0"]'
  )].filter((field) => field.getClientRects().length);
  let opener = null;
  const into = (event) => {{
    const button = event.target.closest?.('[data-testid="stPopoverButton"]');
    if (!button || button.getAttribute("aria-expanded") === "true") return;
    opener = button;
    const byKey = event.detail === 0;
    // Fields come one after the other: the first is followed until whoever presses keys has gone on.
    let led = button;
    const lead = (frames) => {{
      const body = document.querySelector('[data-testid="stPopoverBody"]');
      const first = body && fields(body)[0];
      if (document.activeElement !== led && document.activeElement !== document.body) return;
      if (first && first !== led) (led = first).focus();
      if (frames) requestAnimationFrame(() => lead(frames - 1));
    }};
    if (byKey) requestAnimationFrame(() => lead({MAX_FRAMES}));
  }};
  const out = (event) => {{
    const body = event.key === "Tab" && document.activeElement?.closest('[data-testid="stPopoverBody"]');
    if (!body || !opener) return;
    if (document.activeElement !== fields(body).at(event.shiftKey ? 0 : -1)) return;
    event.preventDefault();
    opener.click();
    opener.focus();
  }};
  // Each tab says by which sign-in it is drawn; the others hear of it.
  const signed = "e2lm-sign-in";
  try {{
    if ((localStorage.getItem(signed) ?? "") !== data.sign_in) localStorage.setItem(signed, data.sign_in);
  }} catch {{ /* a frame without storage: the server says so at the next click */ }}
  const outElsewhere = (event) => {{
    if (event.key === signed && data.sign_in && !event.newValue) location.reload();
  }};
  window.addEventListener("storage", outElsewhere);
  query.addEventListener("change", tell);
  document.addEventListener("click", close);
  document.addEventListener("click", into, true);  // before Streamlit's own: is it open already?
  document.addEventListener("keydown", out);
  return () => {{
    window.removeEventListener("storage", outElsewhere);
    query.removeEventListener("change", tell);
    document.removeEventListener("click", close);
    document.removeEventListener("click", into, true);
    document.removeEventListener("keydown", out);
  }};
}}
"""


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_window", js=_JS)


def watch_width(sign_in: str = "") -> None:
    """Listen to the window's width; drawn once a run, outside of the pages.

    `sign_in` is `Settings.sign_in`.
    """
    told = _component()(
        key=_KEY,
        data={
            "narrow": is_narrow(),
            "sign_in": sign_in,
            "language": language.current(),
            "chosen": language.is_chosen(),
        },
        default={"narrow": is_narrow()},
        on_narrow_change=_told,
    )
    if told.narrow is not None:
        st.session_state["narrow"] = bool(told.narrow)


def is_narrow() -> bool:
    """Whether the window is narrower than `NARROW_PX`, as far as known."""
    told = st.session_state.get("narrow")
    return "Mobi" in (st.context.headers.get("User-Agent") or "") if told is None else told


def _told() -> None:
    """Do nothing: Streamlit sends the component's state only if there is a callback."""
