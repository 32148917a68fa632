"""Keys of programs: long random strings of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets


def digest(key: str) -> str:
    """What is stored of a key. A key has 256 random bits, so a plain SHA-256 can't be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(kind: str) -> str:
    """A new key that says what it is: `wk_…` for writing activities, `ak_…` for the API."""
    return f"{kind}_{secrets.token_urlsafe(32)}"
