"""What can be read off a drawn page: its words, the contrast of its texts, its charts' tables, its order of focus.

Formulas: contrast (L₁ + .05) / (L₂ + .05) with WCAG 2's relative luminance, of the text's colour over the ground
behind it, both with every transparency between them counted in.
"""

from __future__ import annotations

import io
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from coloraide import Color
from PIL import Image
from playwright.sync_api import Page

# Others' words and numbers are not the page's: tables, charts, the questions themselves, what is folded or hidden.
BESIDE = (
    "[data-testid=stDataFrame], .qt-list, .js-plotly-plot, .studio-figure, .studio-picture, [data-testid=stTable], "
    "[data-testid=stIconMaterial], [data-testid=stTooltipIcon], .qt-icon, .st-key-window, .st-key-known_list"
)
# The line in Streamlit's own number card has no name and cannot be given one; its number stands beside it.
UNNAMED = "[data-testid=stMetricChart]"
_COMMON = """
const shown = (el) => {
  if (!el.getClientRects().length) return false;
  if (el.closest("details:not([open])") && !el.closest("summary")) return false;
  const style = getComputedStyle(el), box = el.getBoundingClientRect();
  return style.visibility !== "hidden" && box.width > 1 && box.height > 1;
};
const texts = function* (root) {
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, el = node.parentElement;
    if (el && node.textContent.trim() && !el.closest("script, style, noscript") && shown(el)) yield [node, el];
  }
};
"""
_WORDS = (
    "(beside) => {"
    + _COMMON
    + """
  const root = document.querySelector("[data-testid=stMainBlockContainer]"), found = [];
  for (const [node, el] of texts(root))
    if (!el.closest(beside)) found.push(...node.textContent.split(/\\s+/).filter(w => /[\\p{L}\\p{N}]/u.test(w)));
  return found;
}"""
)
_COLOURS = """
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = (top, below) => {
    const a = top[3] + below[3] * (1 - top[3]);
    return a ? [0, 1, 2].map(i => (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / a).concat(a) : [0, 0, 0, 0];
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const chain = (el) => { const all = []; for (; el; el = el.parentElement) all.push(el); return all; };
  // What is seen at an element: its own colour over the grounds behind it, each group as transparent as it is.
  const seen = (el, colour) => {
    let ground = [0, 0, 0, 0], front = rgba(colour);
    for (const one of chain(el)) {
      const style = getComputedStyle(one), opacity = Number(style.opacity);
      const own = one.namespaceURI.endsWith("svg") ? [0, 0, 0, 0] : rgba(style.backgroundColor);
      ground = over(ground, own); front = over(front, own);
      if (opacity < 1) { ground[3] *= opacity; front[3] *= opacity; }
    }
    const page = rgba(getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor);
    return [over(front, page), over(ground, page)];
  };
"""
_CONTRAST = (
    "(least) => {"
    + _COMMON
    + _COLOURS
    + """
  const low = [];
  for (const [node, el] of texts(document.body)) {
    const style = getComputedStyle(el), svg = el.namespaceURI.endsWith("svg");
    if (el.closest(":disabled, [aria-disabled=true], [data-disabled=true]")) continue;
    if (svg && (el.closest(".barlayer, .heatmaplayer, .hoverlayer, .modebar, [data-bars], [data-texts]") || style.fillOpacity === "0")) continue;
    let colour = svg ? style.fill : style.color;
    if (svg && Number(style.fillOpacity) < 1) {
      const [r, g, b] = rgba(colour); colour = `rgba(${r}, ${g}, ${b}, ${style.fillOpacity})`;
    }
    const [front, ground] = seen(el, colour), got = ratio(front, ground);
    if (got < least) low.push([Math.round(got * 100) / 100, node.textContent.trim().slice(0, 50), colour,
      el.closest("[data-testid]")?.dataset.testid ?? el.className?.baseVal ?? el.className]);
  }
  return low;
}"""
)
_FRAMES = (
    "(least) => {"
    + _COMMON
    + _COLOURS
    + """
  const low = [];
  for (const el of document.querySelectorAll("input, textarea, select")) {
    if (!shown(el) || el.disabled || el.matches("[type=checkbox], [type=radio], [type=range], [type=file]")) continue;
    if (el.closest("[data-testid=stDataFrame], .js-plotly-plot")) continue;
    const framed = chain(el).slice(0, 6).find(one => parseFloat(getComputedStyle(one).borderTopWidth) >= 1);
    const name = (el.getAttribute("aria-label") || el.placeholder || el.tagName).slice(0, 40);
    if (!framed) { low.push([0, name]); continue; }
    const [front] = seen(framed, getComputedStyle(framed).borderTopColor);
    const [, ground] = seen(framed.parentElement, "transparent");
    const got = ratio(front, ground);
    if (got < least) low.push([Math.round(got * 100) / 100, name]);
  }
  return low;
}"""
)
_CHARTS = """() => {
  const charts = [...document.querySelectorAll(".js-plotly-plot, .studio-figure, .studio-picture")].filter(c => c.getClientRects().length);
  const tables = document.querySelectorAll("[data-testid=stMainBlockContainer] [data-testid=stDataFrame]");
  const moving = document.getAnimations().filter(a => a.playState === "running" && a.effect?.getComputedTiming().duration > 50).map(a => a.effect?.target?.className);
  return {
    charts: charts.length,
    without_alt: charts.filter(c => !c.closest("[aria-label], [role=img], figure")).length,
    tables: tables.length,
    empty: charts.filter(c => !c.querySelector(".trace, .heatmaplayer image, .scatterlayer path, .barlayer path, polyline, :is([data-marks], [data-cells], [data-bars]) > *")).length,
    moving,
    jumping: [...document.querySelectorAll("[tabindex]")].filter(e => Number(e.tabIndex) > 0).length,
    wide: document.documentElement.scrollWidth - window.innerWidth,
  };
}"""
# The texts on bars and heat maps that are in the window: [text, [r, g, b, opacity], [left, top, right, bottom]].
_ON_MARKS = (
    "() => {"
    + _COMMON
    + _COLOURS
    + """
  const found = [];
  for (const chart of document.querySelectorAll(".js-plotly-plot, .studio-figure")) {
    const heat = chart.querySelector(".heatmaplayer image, [data-cells]")?.getBoundingClientRect();
    for (const el of chart.querySelectorAll(":is(.barlayer, [data-bars], [data-texts]) text, .annotation-text, .textpoint text")) {
      const box = el.getBoundingClientRect(), style = getComputedStyle(el);
      const x = box.x + box.width / 2, y = box.y + box.height / 2;
      const onHeat = heat && x > heat.left && x < heat.right && y > heat.top && y < heat.bottom;
      if (!el.textContent.trim() || !shown(el) || !(el.closest(".barlayer, [data-bars]") || onHeat)) continue;
      if (box.top < 0 || box.bottom > window.innerHeight) continue;
      const [r, g, b, a] = rgba(style.fill);
      const opacity = chain(el).reduce((all, one) => all * Number(getComputedStyle(one).opacity), a * Number(style.fillOpacity));
      found.push([el.textContent.trim(), [r, g, b, opacity], [box.left, box.top, box.right, box.bottom]]);
    }
  }
  return found;
}"""
)
_FOCUS = (
    "() => {"
    + _COMMON
    + """
  const el = document.activeElement;
  if (!el || el === document.body) return null;
  // A table's cells lie unseen inside its canvas, and have no place of their own.
  const box = (el.closest("canvas") ?? el).getBoundingClientRect(), main = el.closest("[data-testid=stMainBlockContainer]");
  const rings = [];
  for (let one = el, up = 0; one && up < 4; one = one.parentElement, up++) {
    const style = getComputedStyle(one);
    if (up === 0 && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5) rings.push(style.outlineColor);
    if (parseFloat(style.borderTopWidth) >= 1 || parseFloat(style.borderBottomWidth) >= 1) rings.push(style.borderBottomColor);
    const shadow = style.boxShadow.match(/(?:rgba?|color|oklab|oklch)\\([^)]*\\)/);
    if (shadow) rings.push(shadow[0]);
  }
  return {
    what: (el.getAttribute("aria-label") || el.textContent || el.tagName).trim().slice(0, 40) + " <" + el.tagName.toLowerCase() + ">",
    frame: Boolean(el.closest("[data-testid=stDataFrame], .js-plotly-plot")), main: Boolean(main),
    x: box.x, y: box.y + (document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0), rings,
    ground: getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor,
  };
}"""
)


def words(page: Page) -> list[str]:
    """The words that stand on the page beside tables, charts and questions, and are not folded."""
    return page.evaluate(_WORDS, BESIDE)


def too_faint(page: Page, least: float = 4.5) -> list[list[Any]]:
    """[contrast, text, colour, where] of every text that contrasts less with what is behind it."""
    return page.evaluate(_CONTRAST, least)


def faint_frames(page: Page, least: float = 3.0) -> list[list[Any]]:
    """[contrast, name] of every field to type or choose in whose frame contrasts less with the ground around it."""
    return page.evaluate(_FRAMES, least)


def unreadable(page: Page) -> list[str]:
    """Faults that axe-core calls critical or serious, and jumps in the order of headings, with their first element."""
    found = Axe().run(page, context={"exclude": [[UNNAMED]]}).response["violations"]
    return [
        f"{one['impact']}: {one['help']} ({len(one['nodes'])}): {one['nodes'][0]['html']}"
        for one in found
        if one["impact"] in ("critical", "serious") or one["id"] == "heading-order"
    ]


def drawn(page: Page) -> dict[str, Any]:
    """How many charts and tables there are, what moves, what takes focus out of turn, and how much too wide it is."""
    return page.evaluate(_CHARTS)


def focused(page: Page) -> dict[str, Any] | None:
    """What has the focus: where, and the colours that could show it."""
    return page.evaluate(_FOCUS)


def faint_on_marks(page: Page, least: float = 4.5) -> list[list[Any]]:
    """[contrast, text, its colour, the ground] of every text that is drawn on a bar or on a heat map and contrasts less.

    The ground is what the browser painted: each colour that fills a sixth of the text's box and is not the text's.
    """
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    faint = []
    for text, colour, box in page.evaluate(_ON_MARKS):
        left, top, right, bottom = (round(edge) for edge in box)
        cut = picture.crop((max(0, left), max(0, top), right, bottom))
        ink = Color(f"rgb({colour[0]} {colour[1]} {colour[2]})")
        for number, ground in cut.getcolors(cut.width * cut.height) or ():
            behind = Color(f"rgb({ground[0]} {ground[1]} {ground[2]})")
            if number * 6 < cut.width * cut.height or behind.delta_e(ink) < 5:
                continue
            contrast = ink.mix(behind, 1 - colour[3], space="srgb").contrast(behind, method="wcag21")
            if contrast < least:
                faint.append([round(contrast, 2), text, colour, behind.to_string(hex=True)])
    return faint


def on_marks(page: Page) -> int:
    """How many texts are drawn on bars and heat maps."""
    return len(page.evaluate(_ON_MARKS))
