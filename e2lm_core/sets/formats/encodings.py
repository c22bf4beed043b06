"""Detects text encodings."""

from __future__ import annotations

import re

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence

# Encodings that a user may name. A file that is neither marked nor UTF-8 is guessed among `_GUESSED`.
ENCODINGS = (
    *(
        "utf-8",
        "utf-16",
        "utf-32",
        "cp1252",
        "cp1250",
        "cp1251",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
        "cp1257",
    ),
    *("iso8859-15", "mac-roman", "koi8-r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
)
_LATIN = ["cp1252", "cp1250", "cp1254", "cp1257"]
_GUESSED = [
    *(*_LATIN, "cp1251", "cp1253", "cp1255", "cp1256", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_ISOLATED = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_HIGH = re.compile(rb"[\x80-\xff]")
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LOOKED_AT = 200_000  # bytes that a guess looks at


def decode(data: bytes, name: str, encoding: str | None = None) -> tuple[str, str]:
    """Decode a file, without its byte-order mark.

    Args:
        data: Bytes of the file.
        name: The file's name, for error sentences.
        encoding: One of `ENCODINGS`; None to detect it.

    Returns:
        The text, and the encoding that it was read in.

    Raises:
        TaskError: The encoding is unknown, or the bytes are not written in it.
    """
    if encoding is not None and encoding not in ENCODINGS:
        raise TaskError(
            Sentence(
                "There is no encoding {encoding} to read: use one of {encodings}.",
                encoding=quote(encoding),
                encodings=", ".join(ENCODINGS),
            )
        )
    found = encoding or _found(data)
    try:
        text = data.decode("utf-8-sig" if found == "utf-8" else found)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        shown = (
            Sentence("byte {byte} in line {line}", byte=f"0x{data[error.start]:02x}", line=str(line))
            if error.start < len(data)
            else Sentence("it is cut short")
        )
        raise TaskError(
            Sentence(
                "{name} is not written in {encoding} ({problem}); choose its encoding, or save it as UTF-8.",
                name=name,
                encoding=found,
                problem=shown,
            )
        ) from error
    return text.removeprefix("\ufeff"), found


def _found(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    begin = data[:_LOOKED_AT]
    pairs = len(begin) // 2
    for zeros, encoding in ((begin[1::2], "utf-16-le"), (begin[::2], "utf-16-be")):
        if pairs > 4 and zeros.count(0) > 0.7 * pairs and begin.count(0) < 1.3 * pairs:
            return encoding  # letters and zero bytes alternate
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _guessed(data, error.start)
    return "utf-8"


def _guessed(data: bytes, first: int) -> str:
    """Likeliest encoding, judged around the first byte that is not UTF-8."""
    from charset_normalizer import from_bytes

    start = max(0, first - _LOOKED_AT // 2)
    seen = data[start : start + _LOOKED_AT]
    # Letters of other scripts stand side by side; accents and signs stand alone among plain letters.
    is_latin = len(_ISOLATED.findall(seen)) > 0.5 * len(_HIGH.findall(seen))
    matches = list(from_bytes(seen, cp_isolation=_LATIN if is_latin else _GUESSED))
    if not matches:
        return "cp1252" if is_latin else "utf-8"  # decoding then names the byte that does not fit
    best = min(matches, key=lambda match: (match.chaos, -match.coherence, match.encoding != "cp1252"))
    if "cp1252" in best.could_be_from_charset:
        return "cp1252"  # the text is the same in both
    return best.encoding.replace("cp932", "shift_jis").replace("cp949", "euc_kr")
