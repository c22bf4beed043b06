"""Untrusted zip archives, read in memory within limits.

Every archive that the studio opens, of a question set or of results, passes the same rules: a bounded number
of entries, a bounded size of each and in total, no name that leads out, no link, no password, no duplicate
name, no entry packed more tightly than any text, and no entry larger than its header says.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import PurePosixPath

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits

# Samples that repeat a few-shot prompt shrink up to 80 times when packed, a file of zeros 1,000 times.
MAX_RATIO = 200
MIN_SUSPECT_BYTES = 1_000_000
ARCHIVE, _FOLDER = Sentence("The archive"), Sentence("the folder")
_LINK, _KIND = 0o120000, 0o170000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def read_zip(
    data: bytes,
    limits: Limits,
    description: str = ARCHIVE,
    folder: str = _FOLDER,
) -> dict[str, bytes]:
    """Content of the files in a zip by name, without directories, in the archive's order.

    Args:
        data: The archive.
        limits: Limits of sizes and numbers.
        description: Beginning of every error's sentence.
        folder: Name of the folder to zip again, for errors.

    Raises:
        LimitError: The archive, an entry or the total has too many bytes, there are too many entries, or an
            entry is packed too tightly or larger than its header says.
        TaskError: A name leads out, an entry is a link or encrypted, a name occurs twice, or the archive
            cannot be read.
    """
    check_size(data, limits, description)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits, description, folder)
            return {
                entry.filename: _content(archive, entry, description)
                for entry in entries
                if not entry.is_dir()
            }
    except _UNREADABLE as error:
        raise TaskError(
            Sentence(
                "{name} is not a readable zip archive; zip {folder} again.", name=description, folder=folder
            )
        ) from error


def check_size(data: bytes, limits: Limits, description: str) -> None:
    """Refuse an archive that exceeds the limit of bytes.

    Raises:
        LimitError: The archive has more bytes than `limits` allow.
    """
    if len(data) > limits.max_file_bytes:
        raise LimitError(
            Sentence(
                "{name} has {number} bytes; at most {most} are allowed.",
                name=description,
                number=len(data),
                most=limits.max_file_bytes,
            )
        )


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits, about: str, folder: str) -> None:
    """Check the table of contents before a byte is unpacked."""
    if len(entries) > limits.max_archive_files:
        raise LimitError(
            Sentence(
                "{name} has {number} files; at most {most} are allowed.",
                name=about,
                number=len(entries),
                most=limits.max_archive_files,
            )
        )
    seen: set[str] = set()
    for entry in entries:
        _check_kind(entry, about, folder)
        if entry.is_dir():
            continue
        if entry.filename in seen:
            raise TaskError(
                Sentence("{name} holds {file} twice; keep one.", name=about, file=repr(entry.filename[:80]))
            )
        seen.add(entry.filename)
        _check_size(entry, limits, about, folder)
    total = sum(entry.file_size for entry in entries)
    if total > limits.max_unpacked_bytes:
        raise LimitError(
            Sentence(
                "{name} unpacks to {number} bytes; at most {most} are allowed.",
                name=about,
                number=total,
                most=limits.max_unpacked_bytes,
            )
        )


def _check_kind(entry: zipfile.ZipInfo, about: str, folder: str) -> None:
    path, shown = PurePosixPath(entry.filename), repr(entry.filename[:80])
    drive = ":" in entry.filename.split("/")[0]
    if path.is_absolute() or ".." in path.parts or drive or "\\" in entry.orig_filename:
        raise TaskError(
            Sentence(
                "{name} holds the name {file}, which leads out of it; zip {folder} itself.",
                name=about,
                file=shown,
                folder=folder,
            )
        )
    if (entry.external_attr >> 16) & _KIND == _LINK:
        raise TaskError(
            Sentence("{name} holds a link ({file}); put the file itself in.", name=about, file=shown)
        )
    if entry.flag_bits & 1:
        raise TaskError(
            Sentence("{name} is encrypted; zip {folder} without a password.", name=about, folder=folder)
        )


def _check_size(entry: zipfile.ZipInfo, limits: Limits, about: str, folder: str) -> None:
    if entry.file_size > limits.max_file_bytes:
        raise LimitError(
            Sentence(
                "{name}'s {file} has {number} bytes; at most {most} are allowed.",
                name=about,
                file=repr(entry.filename[:80]),
                number=entry.file_size,
                most=limits.max_file_bytes,
            )
        )
    if entry.file_size > MIN_SUSPECT_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        raise LimitError(
            Sentence(
                "{name}'s {file} is packed more than {times} times smaller than it is, as no text is; "
                "zip {folder} again.",
                name=about,
                file=repr(entry.filename[:80]),
                times=MAX_RATIO,
                folder=folder,
            )
        )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, about: str) -> bytes:
    """The content of an entry, read no further than its header claims, which `_check_entries` has bounded."""
    with archive.open(entry) as file:
        content = file.read(entry.file_size)
        if file.read(1):
            raise LimitError(
                Sentence(
                    "{name}'s {file} is larger than it says; zip it again.",
                    name=about,
                    file=repr(entry.filename[:80]),
                )
            )
    return content
