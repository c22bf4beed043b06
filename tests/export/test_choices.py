"""A question's choices as a picture: a line for each, named by its letter, the right one marked, in both themes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from e2lm_core.export.picture.choices import choices_chart
from tests.support.simulation import answered

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_choice_has_a_line_with_its_letter(theme: str) -> None:
    measured = answered(12, taught=1.0)
    name = measured.question_ids[1]
    gold = int(measured.gold[1])
    drawn = ElementTree.fromstring(choices_chart(measured, name, theme))
    named = [line.attrib["data-name"] for line in drawn.iter(f"{SVG}polyline")]
    count = int(measured.choice_counts[1])
    assert named == [f"{'ABCDEFGH'[c]}{', right' if c == gold else ''}" for c in range(count)]
    points = {len(line.attrib["points"].split()) for line in drawn.iter(f"{SVG}polyline")}
    assert len(points) == 1
    titles = [title.text or "" for title in drawn.iter(f"{SVG}title")]
    assert all(re.match(r"[A-H]: \d", title) for title in titles)
    assert len(titles) == count * points.pop()
