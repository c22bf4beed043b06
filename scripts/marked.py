"""Documents of which a part is written by a program: what stands between `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations


def replaced(text: str, name: str, content: str) -> str:
    """The document with the part `name` made anew; blank lines set it off from its marks."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, rest = text.split(begin, 1)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end, 1)[1]}"


def part(text: str, name: str) -> str:
    """What the document has between the marks of `name`."""
    return text.split(f"<!-- {name} -->", 1)[1].split(f"<!-- /{name} -->", 1)[0].strip()
