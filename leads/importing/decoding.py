"""The bytes of a file as text: which encoding it is in, and whether it is text at all."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, Final

from leads.errors import Invalid

CHUNK: Final = 1 << 20
# The longer mark first: UTF-32's begins with UTF-16's.
MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WORKBOOK: Final = "an Excel workbook or a zip archive"
NOT_TEXT: Final = (
    (b"PK\x03\x04", WORKBOOK),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
)
_CONTROLS: Final = bytes({*range(9), *range(14, 32), 127})
_BROKEN: Final = re.compile("[\udc80-\udcff]")
_FOREIGN: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")


class BadFile(Invalid):
    """The file as a whole can't be imported; the sentence names the way out."""

    title: ClassVar[str] = "File not imported"
    code: ClassVar[str] = "bad_file"


@dataclass(frozen=True, slots=True)
class Decoded:
    """How to read a file: its encoding, and the digest by which the same file is known again."""

    encoding: str
    errors: str
    digest: str


def examine(path: Path, *, encoding: str | None = None) -> Decoded:
    """Find a file's encoding: by its mark, else UTF-8 where it is that, else Windows-1252; `encoding` overrides.

    A file that is mostly UTF-8 with some broken bytes is read as UTF-8, so that only the lines with these are refused.
    Raises BadFile for what is missing, no file, empty, or no text.
    """
    _must_be_a_file(path)
    digest, broken, foreign, first = blake2b(digest_size=16), 0, 0, b""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                first = first or chunk
                digest.update(chunk)
                text = decoder.decode(chunk)
                if not text.isascii():
                    broken, foreign = broken + len(_BROKEN.findall(text)), foreign + len(_FOREIGN.findall(text))
    except OSError as error:
        raise BadFile(f"{path} can't be read: {error.strerror}. Check its permissions.") from None
    broken += len(_BROKEN.findall(decoder.decode(b"", final=True)))
    if not first.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise BadFile(f"{path} is empty. Export it again with its header line and at least one row.")
    found = _named(encoding) if encoding else _marked(first, path)
    if found is None:
        found = "utf-8" if foreign >= broken else "cp1252"
    return Decoded(found, "surrogatepass" if found.startswith("utf-16") else _errors(found), digest.hexdigest())


def _errors(encoding: str) -> str:
    """What can't be decoded becomes half a character: its row is refused, its neighbors are not."""
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def _must_be_a_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise BadFile(f"{path} is a directory. Name one CSV file in it.")
        if not path.exists():
            raise BadFile(f"There is no file {path}. Check the path; it is read from where the command runs.")
        if not path.is_file():
            raise BadFile(f"{path} is not a regular file. Save it to a file first.")
    except OSError as error:
        raise BadFile(f"{path} can't be read: {error.strerror}. Check its permissions.") from None


def _named(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise BadFile(f"{encoding!r} is no encoding. Use one such as utf-8, utf-16 or cp1252.") from None


def _marked(first: bytes, path: Path) -> str | None:
    """What the first bytes tell; raises BadFile where they tell that it is no text."""
    for mark, encoding in MARKS:
        if first.startswith(mark):
            return encoding
    for magic, name in NOT_TEXT:
        if first.startswith(magic):
            raise BadFile(f"{path} is {name}, not a CSV file. Open it and save it as CSV (UTF-8), then import that.")
    sample = first[: 1 << 16]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = sample[start::2]
        if len(sample) >= 8 and half.count(0) > 0.4 * len(half) and sample[1 - start :: 2].count(0) < 0.1 * len(half):
            return encoding
    if len(sample) - len(sample.translate(None, _CONTROLS)) > 0.1 * len(sample):
        raise BadFile(f"{path} holds binary data, not text. Export it as CSV (UTF-8), then import that.")
    return None
