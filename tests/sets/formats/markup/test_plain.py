"""HTML as text, and text as XML."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.sets.formats.markup import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Why is  the\nsky <b>blue</b>?</p>\n<p>Say.</p>", "Why is the sky blue?\nSay."),
        (
            "H<sub>2</sub>O at 10<sup>-3</sup> m, x<sup>n+1</sup>, x<sub>max</sub>",
            "H₂O at 10⁻³ m, xⁿ⁺¹, x_{max}",
        ),
        ("a<br>b<br/><br/>c", "a\nb\n\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>  a\n   b </pre>", "  a\n   b "),
        ('<a href="http://x.example">here</a> <script>alert(1)</script><style>p{}</style>x', "here x"),
        ("5 &lt; 6 &amp;amp; caf&eacute;&nbsp;x", "5 < 6 &amp; café\xa0x"),
        ("a < b and <unknown>c", "a < b and c"),
        ("<p>unclosed <b>tags <sup>2", "unclosed tags ²"),
        ("", ""),
    ],
)
def test_html_is_read_as_text(html: str, text: str) -> None:
    assert plain.html_text(html) == (text, "")


@pytest.mark.parametrize(
    ("html", "shows"),
    [
        ("<p>x <IMG src=x></p>", "an image"),
        ("<iframe>", "something embedded"),
        ("<math><mi>x</mi></math>", "a formula as MathML"),
    ],
)
def test_what_a_text_cannot_hold_is_named(html: str, shows: str) -> None:
    assert plain.html_text(html).shows == shows


TEXT = st.text(st.sampled_from([*"ab <>&\"'\n\t\r\xa0⁻², "]), max_size=12)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_a_text_as_xml_is_read_back(text: str) -> None:
    for inline in (False, True):
        element = fromstring(f"<itemBody>{plain.as_xml(text, inline)}</itemBody>")
        assert plain.element_text(element) == (text, "")


def test_what_no_xml_can_hold_goes() -> None:
    assert plain.strip_invalid_xml("a\x00\x1b\ufffe\n\t\r😀") == "a\n\t\r😀"
    assert plain.as_xml("a\x00b", inline=True) == "ab"
    assert (
        plain.local_name("{http://x}qti-choice-interaction")
        == plain.local_name("choiceInteraction")
        == "choiceinteraction"
    )
