"""The address of the view that the browser showed before Share.

Drawn by the browser alone, from the address that the script of `app/urls.py` stores: a second drawing of
Share would undo a step back or a click made meanwhile.

Tested in tests/ui/browser/test_views.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.ui.base import language, urls

_HTML = """
<div class="last-view" hidden><p></p><pre><code></code><button type="button"></button></pre></div>
"""
_JS = """
export default function ({ data, parentElement }) {
  const last = sessionStorage.getItem(data.store) ?? "";
  const [place, query] = last.split("?");
  const shown = parentElement.querySelector(".last-view");
  shown.hidden = !data.places.includes(place) || new URLSearchParams(query).get("set") !== data.set;
  if (shown.hidden) return;
  const parameters = new URLSearchParams(query);
  parameters.set("set", data.shared);
  const address = `${data.above}/${place}?${parameters}`;
  const button = shown.querySelector("button");
  shown.querySelector("p").textContent = data.caption;
  shown.querySelector("code").textContent = address;
  button.textContent = data.copy;
  button.onclick = () => navigator.clipboard.writeText(address).then(() => (button.textContent = data.copied));
}
"""
_CSS = """
.last-view p { color: var(--st-text-color); font-size: .875rem; margin: 0 0 1rem; opacity: .6; }
.last-view pre {
  align-items: start; background: var(--st-code-background-color); border-radius: var(--st-base-radius);
  display: flex; gap: 1rem; justify-content: space-between; margin: 0; padding: 1rem;
}
.last-view code {
  color: var(--st-text-color); font: .875rem var(--st-code-font); overflow-wrap: anywhere; white-space: pre-wrap;
}
.last-view button {
  background: none; border: 0; color: var(--st-link-color); cursor: pointer; font: .875rem var(--st-font); padding: 0;
}
"""


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_last_view", html=_HTML, css=_CSS, js=_JS)


def show_last_view(above: str, name: str, shared: str) -> None:
    """Draw the address of the browser's last view of a set; nothing without such a view.

    Args:
        above: Address of the studio, in front of the view's.
        name: Address of the set.
        shared: Its address for everybody who may open it.
    """
    _component()(
        key="last_view",
        data={
            "store": urls.LAST_VIEW,
            "above": above,
            "set": name,
            "shared": shared,
            "places": [place.slug for place in urls.PLACES if place.tabs],
            "caption": language.translate("Your last view:"),
            "copy": language.translate("Copy"),
            "copied": language.translate("Copied"),
        },
    )
