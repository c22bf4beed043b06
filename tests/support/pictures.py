"""Pictures of charts that a browser saves: what is in the file, and what stands on the page."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from coloraide import Color
from PIL import Image
from playwright.sync_api import Locator, Page

_MAY_RUN = {"script", "foreignObject", "a", "iframe", "use", "animate", "set", "style", "handler"}
# Points, lines, areas, bars, cells and levels: [what, box from the picture's corner, how it is painted].
_MARKS = r"""(root) => {
  const corner = root.getBoundingClientRect(), found = [];
  const parts = "path.point, .point path, .js-line, .js-fill, .heatmaplayer image, .shapelayer path, .errorbars path, path.xtick, path.ytick, path.crisp";
  for (const mark of root.querySelectorAll(parts)) {
    if (mark.closest(".legend, .modebar")) continue;
    const box = mark.getBoundingClientRect(), style = getComputedStyle(mark);
    if (mark.matches(".point path") && !(box.width * box.height)) continue;  // a bar of nothing stands anywhere
    let opacity = 1;
    for (let one = mark; one !== root; one = one.parentElement) opacity *= getComputedStyle(one).opacity;
    found.push({
      what: `${mark.tagName} ${mark.getAttribute("class") ?? ""}`,
      box: [box.left - corner.left, box.top - corner.top, box.right - corner.left, box.bottom - corner.top],
      look: [opacity.toFixed(2), style.fill.replace(/url\(.*\)/, "pattern"), style.fillOpacity, style.stroke,
        style.strokeOpacity, style.strokeWidth, style.strokeDasharray],
      cells: mark.matches("image") ? mark.href.baseVal : "",
    });
  }
  return found;
}"""
_TEXTS = """(root) => [...root.querySelectorAll("text")].filter((one) => {
  const style = getComputedStyle(one);
  return style.visibility !== "hidden" && style.display !== "none" && !one.closest(".hoverlayer, .modebar");
}).map((one) => one.textContent)"""


def save(page: Page, button: Locator | None, folder: Path) -> Path:
    """The file that comes by a click on a button, or by Enter where there is none."""
    with page.expect_download() as coming:
        if button is None:
            page.keyboard.press("Enter")
        else:
            button.click(force=True)  # a mode bar is shown while a pointer is over its chart
    file = folder / coming.value.suggested_filename
    coming.value.save_as(file)
    return file


def active(file: Path) -> list[str]:
    """What in an SVG file could run, lead out of it, or names a part that it does not have."""
    found, every = [], list(ElementTree.parse(file).iter())
    ids = {part.attrib.get("id") for part in every}
    for part in every:
        kind = str(part.tag).rpartition("}")[2]
        found += [kind] if kind in _MAY_RUN else []
        for name, value in part.attrib.items():
            leads = name.rpartition("}")[2] in ("href", "src") and not value.startswith(
                ("#", "data:image/png;")
            )
            outside = any(one not in ids for one in re.findall(r"url\(['\"]?#?(.*?)['\"]?\)", value))
            if name.lower().startswith("on") or leads or outside:
                found.append(f"{kind} {name}={value[:80]}")
    return found


def texts(file: Path) -> Counter[str]:
    """Texts of an SVG file."""
    every = ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")
    return Counter(filter(None, ("".join(one.itertext()) for one in every)))


def shown_texts(chart: Locator) -> Counter[str]:
    """Texts that a chart shows on its page."""
    return Counter(filter(None, chart.evaluate(_TEXTS)))


def marks(picture: Locator) -> list[dict[str, Any]]:
    """The marks of a chart, or of an SVG that stands alone in a window: where they are, and how they look."""
    return picture.evaluate(_MARKS)


def unlike(one: str, other: str) -> float:
    """Mean difference of two images in data addresses, of one size or nearly: 0 is none, 1 is black and white."""
    first, second = (
        Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB") for url in (one, other)
    )
    same_size = second.resize(first.size, Image.Resampling.NEAREST)
    return float(np.abs(np.asarray(first, float) - np.asarray(same_size, float)).mean()) / 255


def ground(page: Page) -> str:
    """Colour behind an SVG that stands alone in a window."""
    return page.locator("svg > rect").first.evaluate("(ground) => getComputedStyle(ground).fill")


def rgb(colour: str) -> str:
    """A colour as a browser says it."""
    return f"rgb({', '.join(str(round(part * 255)) for part in Color(colour).coords())})"
