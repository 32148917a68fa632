"""Bodies that come gzipped, inflated no further than they may."""

import zlib
from typing import Final

from leads.wire.refusals import TooLarge, Unreadable

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
# What follows a finished member is copied; small bites keep a body of many tiny members linear.
_BITE: Final = 4096


def inflate(body: bytes, *, limit: int) -> bytes:
    """The plain bytes of a body, gunzipped when they are gzip, whatever the headers say.

    `limit` is in bytes and holds for what comes out, while it comes out (`TooLarge`). A gzip stream that is
    truncated, damaged or followed by anything else raises `Unreadable("bad_gzip")`.
    """
    if len(body) > limit:
        raise TooLarge(f"A body may hold {limit} bytes; this one is larger.")
    if not body.startswith(_GZIP):
        return body
    plain = bytearray()
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for start in range(0, len(body), _BITE):
            bite = body[start : start + _BITE]
            while bite:
                if member.eof:
                    member = zlib.decompressobj(_GZIP_WINDOW)
                plain += member.decompress(bite, limit - len(plain) + 1)
                if len(plain) > limit:
                    raise TooLarge(f"A body may inflate to {limit} bytes; this one is larger.")
                bite = member.unused_data
    except zlib.error:
        raise Unreadable("bad_gzip", "The gzip stream is damaged.") from None
    if not member.eof:
        raise Unreadable("bad_gzip", "The gzip stream ends too early.")
    return bytes(plain)
