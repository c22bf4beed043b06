"""Theme, logo and CSS.

Tested in tests/pages/test_pages.py.
"""

import streamlit as st

from e2lm_core.base.settings import FILES

STATIC = FILES / "static"
_CSS = """
<style>
[data-testid="stMainBlockContainer"] { max-width: 1200px; padding: 2.6rem 2.4rem 4rem; }
[data-testid="stMainBlockContainer"] h1 { letter-spacing: -0.015em; padding-bottom: .2rem; }
[data-testid="stHeading"] h2 { padding-top: .75rem; }
[data-testid="stMetric"] { padding: .8rem 1rem; }
/* A score's name is read whole; a card's neighbour may have a line less. */
[data-testid="stMetricLabel"] { min-height: 2.4em; align-items: flex-end; }
[data-testid="stMetricLabel"] * { white-space: normal !important; line-height: 1.2; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
.st-key-strip { border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); padding-bottom: .6rem; }
.st-key-strip [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-strip p { margin: 0; }
/* A place's tabs are no switch among others: a line under the one that is shown. */
.st-key-tabs { border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
.st-key-tabs [role="radiogroup"] { gap: 1.4rem; border: 0; background: none; }
.st-key-tabs [role="radio"] { border: 0; border-bottom: 2px solid transparent; border-radius: 0; background: none !important; padding: .1rem 0; margin: 0; min-width: 0; }
.st-key-tabs [role="radio"][aria-checked="true"] { border-bottom-color: currentColor; }
/* What is drawn again while a run goes on stays as it is until the new drawing is there. */
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
/* What listens to the window's width and to typing takes no room in the page. */
.st-key-window, [data-testid="stLayoutWrapper"]:has(> [class*="st-key-listening_"]) { position: absolute; }
/* Two authors' texts side by side: what differs is marked by colour and line. */
.both-texts { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 6px; padding: .5rem .7rem; }
.both-texts mark { color: inherit; background: color-mix(in srgb, #e69f00 26%, transparent); text-decoration: underline; text-decoration-color: #e69f00; text-underline-offset: .2em; border-radius: 2px; }
/* Its file keeps what a spreadsheet would run; the download below a table does not. */
[data-testid="stElementToolbarButton"] [aria-label^="Download as CSV"] { display: none; }
/* A field's frame is all that says where one can type; the theme's one colour of borders is for what needs none. */
:is([data-testid="stTextInputRootElement"], [data-testid="stNumberInputContainer"], [data-testid="stTextAreaRootElement"], .react-aria-ComboBox > [role="group"]):not(:focus-within) { border-color: color-mix(in srgb, currentColor 54%, transparent); }
/* A card's menu opens empty: near the window's edge it would keep the little room below, and not turn upwards. */
[data-testid="stPopoverBody"]:has([class*="st-key-copy_"]) { min-height: min-content; }
/* What is not there yet stands in a quiet frame; only errors and what is stale have a colour. */
[data-testid="stAlertContainer"]:has([data-testid="stAlertContentInfo"]) { background: none; border: 1px solid color-mix(in srgb, currentColor 22%, transparent); color: inherit; }
[data-testid="stAlertContentInfo"], [data-testid="stAlertContentInfo"] * { color: inherit !important; }
[data-testid="stAlertContentInfo"] [data-testid="stAlertDynamicIcon"] { color: var(--studio-accent) !important; }
/* An example is to be read, though its fields take nothing. */
:is(input[type="text"], textarea):disabled { -webkit-text-fill-color: color-mix(in srgb, currentColor 78%, transparent) !important; color: inherit !important; }
/* What has the focus by the keyboard; Streamlit's own mark of it is a shade that hardly differs from the page. */
:is(a, button, summary, input, textarea, [role="radio"], [role="tab"], [role="switch"], [tabindex="0"]):focus-visible { outline: 2px solid var(--studio-accent) !important; outline-offset: 2px; border-radius: 4px; }
[data-testid="stMain"]:focus-visible { outline-offset: -2px !important; border-radius: 0; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition-duration: .01ms !important; scroll-behavior: auto !important; }
}
/* No key is told of where there is none to press; screen readers keep it. */
@media (hover: none) and (pointer: coarse) {
  [data-has-shortcut] kbd, .qt-bar > button[aria-label="Keys of the table"] { display: none; }
}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 4.6rem .9rem 3rem; }
  [data-testid="stMainBlockContainer"] h1 { font-size: 1.6rem; padding-top: 0; }
  /* Controls take one row, which a finger moves sideways, so that a question stands on the first screen. */
  :is(.st-key-tools, .st-key-tabs [role="radiogroup"], .qt-bar) { flex-wrap: nowrap !important; overflow-x: auto; scrollbar-width: none; }
  :is(.st-key-tools, .st-key-tabs [role="radiogroup"], .qt-bar) > * { flex: none !important; }
  .st-key-tabs [role="radio"][aria-checked="true"] { scroll-initial-target: nearest; }
  .qt-bar[role="search"] > .qt-main { order: -1; }  /* to add a question is in sight, to filter is a swipe away */
  .qt-bar > input { width: 10rem !important; min-width: 0 !important; }
  .st-key-steps { flex-wrap: nowrap !important; }
  .st-key-steps > :is(:has(.st-key-card_pick), .st-key-card_pick) { flex: 1 1 0 !important; width: auto !important; min-width: 0 !important; }
  .st-key-steps .st-key-card_pick { width: 100% !important; min-width: 0 !important; }
  .st-key-steps > :not(:has(.st-key-card_pick), .st-key-card_pick) { flex: none !important; width: auto !important; min-width: 0 !important; }
  .st-key-steps button [data-testid="stMarkdownContainer"] { position: absolute; clip-path: inset(50%); height: 1px; width: 1px; overflow: hidden; }
  .st-key-presence_line [data-testid="stCaptionContainer"] p { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 88vw; }
  .st-key-strip_measured { display: none; }
  /* Tools of charts and tables stand above them, not over what they show. */
  [data-testid="stElementToolbar"] { position: static; opacity: 1; justify-content: flex-end; }
  :is([data-testid="stElementContainer"], [data-testid="stFullScreenFrame"], [data-testid="stDataFrame"]):has([data-testid="stElementToolbar"]) { height: auto !important; }
  .js-plotly-plot .modebar-container { display: none; }
  .st-key-strip { row-gap: .3rem; }
  [data-testid="stFileUploaderDropzoneInstructions"] span { white-space: normal; }  /* what a file may be, whole */
  /* All metrics on one line. */
  [data-testid="stButtonGroup"]:not(.st-key-tabs *) [role="radio"] { padding-inline: .6rem; }
}
</style>
"""
# The dark theme's accent is light, as text on the page needs it, but Streamlit's buttons have white text on
# it.
_DARK_CSS = """
<style>
:root { --studio-accent: #a79bff; }
[data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid^="stBaseButton-primary"]:not(:disabled) p { color: #11151d; }
</style>
"""
_LIGHT_CSS = """
<style>
:root { --studio-accent: #4438a8; }
</style>
"""


def icon_path() -> str:
    """Path of the page icon."""
    return str(STATIC / "icon.svg")


def apply_theme() -> None:
    """Draw the logo and the CSS of the visitor's theme."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    st.logo(STATIC / f"logo-{theme}.svg", icon_image=STATIC / "icon.svg", size="large")
    st.html(_CSS + (_DARK_CSS if theme == "dark" else _LIGHT_CSS))
