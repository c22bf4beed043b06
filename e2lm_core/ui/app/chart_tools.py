"""Tools of charts in the browser: Plotly's chart for a picture, a download as SVG, and one line alone.

A picture of the server is touched by a click or by Enter: then Plotly draws all charts, see `ui/base/chart_mode.py`.

A mode bar has Plotly's camera and, beside it, a button that lets the camera write SVG: Plotly draws the chart
anew from its own data and serialises that, as it does for a PNG. Both files begin with the set's name. A click
on the name at a line's end, or Enter on it, leaves the other lines faint, in pictures too; another click, or
Escape, shows all again.

The script is drawn once a page. It looks at the charts that are there, and then does nothing until a mode bar or a
name appears, which an animation without effect tells it: Plotly makes them anew whenever it likes.

Tested in tests/ui/browser/test_chart_tools.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.charts.canvas import FAINT
from e2lm_core.ui.base import chart_mode, language
from e2lm_core.ui.base.streamlit_internals import STATIC_FOLDER
from e2lm_core.ui.requests.middleware.security_headers import charts_script

_JS = (
    """
export default function ({ data, setTriggerValue }) {
  const NEW = "studio-chart-part", FAINT = """
    + str(FAINT)
    + """, CHART = ".stPlotlyChart .js-plotly-plot";
  const PICTURE = ".studio-figure";

  // One line alone. Its chart has the text of the line's label in `dataset.alone`.
  const note = (chart, label) => chart._fullLayout.annotations[label.dataset.index];
  const labels = (chart) =>
    [...chart.querySelectorAll(".annotation")].filter((label) => note(chart, label)?.captureevents);
  const hides = (chart, text) => chart.dataset.alone !== undefined && text !== chart.dataset.alone;
  const show = (chart) => {
    const ends = labels(chart);
    if (!ends.some((end) => note(chart, end).text === chart.dataset.alone)) delete chart.dataset.alone;
    ends.forEach((end, at) => {
      const { text } = note(chart, end);
      end.setAttribute("role", "button");
      end.setAttribute("aria-label", end.textContent);
      end.setAttribute("aria-pressed", String(text === chart.dataset.alone));
      end.setAttribute("tabindex", end === document.activeElement || at === 0 ? "0" : "-1");
      end.classList.toggle("studio-faint-name", hides(chart, text));
    });
    for (const trace of chart.studioShows ? chart._fullData : [])  // else no line was ever faint
      for (const line of chart.querySelectorAll(`.trace${CSS.escape(trace.uid)}`))
        line.classList.toggle("studio-faint-line", hides(chart, trace.meta ?? trace.name));
  };
  const choose = (label) => {
    const chart = label.closest(CHART), { text } = note(chart, label);
    if (chart.dataset.alone === text) delete chart.dataset.alone;
    else chart.dataset.alone = text;
    if (!chart.studioShows) chart.on("plotly_afterplot", () => show(chart));
    chart.studioShows = true;
    show(chart);
  };
  const labelAt = (part) => {
    const label = part.closest?.(`${CHART} .annotation`);
    return label && labels(label.closest(CHART)).includes(label) ? label : null;
  };
  const clicked = (event) => {
    const label = labelAt(event.target);
    if (label) choose(label);
  };
  const pressed = (event) => {
    if (event.key === "Escape")
      for (const chart of document.querySelectorAll("[data-alone]")) { delete chart.dataset.alone; show(chart); }
    const label = ["Enter", " ", "ArrowUp", "ArrowDown"].includes(event.key) && labelAt(event.target);
    if (!label) return;
    event.preventDefault();
    if (event.key === "Enter" || event.key === " ") return choose(label);
    const top = (one) => one.getBoundingClientRect().top;
    const ends = labels(label.closest(CHART)).sort((one, other) => top(one) - top(other));
    ends[ends.indexOf(label) + (event.key === "ArrowUp" ? -1 : 1)]?.focus();
  };

  // Pictures. What the camera reads is changed while it is clicked, and then put back.
  const prepared = (chart, format) => {
    const context = chart._context, before = context.toImageButtonOptions;
    const set = new URLSearchParams(location.search).get("set")?.replaceAll("/", "-");
    const filename = [set, before.filename].filter(Boolean).join("-");
    context.toImageButtonOptions = format ? { format, filename } : { ...before, filename };
    const faint = [
      ...chart.data.filter((trace) => hides(chart, trace.meta ?? trace.name)),
      ...(chart.layout.annotations ?? []).filter((one) => one.captureevents && hides(chart, one.text)),
    ].map((part) => [part, part.opacity]);
    for (const [part] of faint) part.opacity = FAINT;
    return () => {
      context.toImageButtonOptions = before;
      for (const [part, opacity] of faint) opacity === undefined ? delete part.opacity : (part.opacity = opacity);
    };
  };
  const addButton = (chart) => {
    const bar = chart._fullLayout._modeBar, camera = bar?.buttonElements[bar.buttonsNames.indexOf("toImage")];
    if (!camera || camera.nextElementSibling?.classList.contains("studio-svg")) return;
    let format, restore;
    camera.addEventListener("click", () => { restore = prepared(chart, format); }, true);
    camera.addEventListener("click", () => restore());
    const button = camera.cloneNode(true);
    button.classList.add("studio-svg");
    button.dataset.title = data.svg;
    button.setAttribute("aria-label", data.svg);
    button.style.setProperty("--studio-active", chart._fullLayout.modebar.activecolor);
    const icon = button.querySelector("svg"), path = icon.querySelector("path");
    icon.setAttribute("viewBox", "0 0 24 24");
    path.removeAttribute("transform");
    path.setAttribute("d", "M19 9h-4V3H9v6H5l7 7 7-7zM5 18v2h14v-2H5z");
    path.style.fill = chart._fullLayout.modebar.color;
    button.addEventListener("click", () => { format = "svg"; camera.click(); format = undefined; });
    camera.after(button);
  };

  // Pictures of the server come packed. The one before stays until the next one is there, with the focus if it had it.
  const drawn = new Map();
  let focused;
  const unpack = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  };
  const draw = async (picture) => {
    const key = picture.dataset.chart, before = drawn.get(key);
    if (before) picture.replaceChildren(before);
    const svg = new DOMParser().parseFromString(await unpack(picture.dataset.picture), "image/svg+xml").documentElement;
    if (!picture.isConnected) return;
    picture.replaceChildren(svg);
    drawn.set(key, svg);
    if (focused === key && document.activeElement === document.body) svg.focus({ preventScroll: true });
  };
  const inserted = new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node.matches?.(PICTURE)) draw(node);
      else for (const picture of node.querySelectorAll?.(`${PICTURE}:empty`) ?? []) draw(picture);
  });
  inserted.observe(document.body, { childList: true, subtree: true });
  const focus = (event) => { focused = event.target.closest?.(PICTURE)?.dataset.chart; };
  // The first touch of a picture makes all charts Plotly's. Its script is fetched when the pointer comes near.
  // A name that was clicked is then alone; Enter leads to the first name.
  let touched;
  const touch = (picture, part) => {
    if (!picture) return;
    touched = { key: picture.dataset.chart, name: part?.textContent, byKey: !part };
    picture.classList.add("studio-figure-touched");
    setTriggerValue("touched", true);
  };
  const near = (event) => {
    if (!data.script || !event.target.closest?.(PICTURE) || document.querySelector("link[rel=prefetch]")) return;
    document.head.append(Object.assign(document.createElement("link"), { rel: "prefetch", href: data.script }));
  };
  const wake = (event) => {
    const picture = event.target.closest?.(PICTURE);
    touched = undefined;
    if (event.type === "click") touch(picture, event.target.closest?.("[data-end]") ?? event.target);
    else if (picture && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      touch(picture);
    }
  };
  const follow = (chart) => {
    if (!touched || !chart.closest(`.st-key-${CSS.escape(touched.key)}`)) return;
    const ends = labels(chart), end = ends.find((one) => one.textContent === touched.name);
    const left = document.activeElement;  // nothing, or the picture, where it is still there
    if (touched.byKey && (left === document.body || left.closest(PICTURE))) ends[0]?.focus({ preventScroll: true });
    if (end) choose(end);
    touched.name = undefined;  // Plotly draws a chart again when it has found its size
  };

  const came = (event) => {
    const chart = event.animationName === NEW && event.target.closest(CHART);
    if (!chart) return;
    if (event.target.classList.contains("modebar-group")) addButton(chart);
    else {
      show(chart);
      follow(chart);
    }
  };
  const heard = [
    ["animationstart", came], ["click", clicked], ["keydown", pressed],
    ["click", wake], ["keydown", wake], ["pointerover", near], ["focusin", focus],
  ];
  for (const [name, listener] of heard) document.addEventListener(name, listener);
  for (const picture of document.querySelectorAll(`${PICTURE}:empty`)) draw(picture);
  for (const chart of document.querySelectorAll(CHART)) {  // those that came before this script
    if (!chart._fullLayout) continue;
    addButton(chart);
    show(chart);
  }
  return () => {
    inserted.disconnect();
    for (const [name, listener] of heard) document.removeEventListener(name, listener);
  };
}
"""
)
_CSS = f"""
@keyframes studio-chart-part {{ from {{ outline-color: transparent; }} }}
/* The first of its notes stands for all of a chart: they come together. */
.stPlotlyChart :is(.modebar-group, .annotation:not(.annotation ~ *)) {{ animation: studio-chart-part 1ms; }}
.stPlotlyChart .annotation:focus-visible {{ outline: 2px solid var(--studio-accent); outline-offset: 2px; }}
.stPlotlyChart .studio-faint-line {{ opacity: {FAINT} !important; }}
.stPlotlyChart .studio-faint-name {{ opacity: .5 !important; }}
.studio-figure {{ display: flow-root; cursor: pointer; font-variant-numeric: tabular-nums; }}
.studio-figure-touched {{ cursor: progress; }}
.studio-svg:hover .icon path {{ fill: var(--studio-active) !important; }}
"""


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_charts", css=_CSS, js=_JS, isolate_styles=False)


def listen() -> None:
    """Listen to charts; drawn once a run, outside of the pages."""
    with st.container(key="listening_charts", width="content"):
        _component()(
            key="charts",
            data={"svg": language.translate("Download as SVG"), "script": charts_script(STATIC_FOLDER)},
            on_touched_change=chart_mode.make_interactive,
        )
