"""Names of activities as one says them to the person: "you requested a demo", "our pricing page". Pure."""

from __future__ import annotations

from typing import Final

# What one looks at is ours; what one does otherwise is a thing of its own.
LOOKING: Final = frozenset({"visited", "viewed", "read", "downloaded", "watched", "attended", "opened", "browsed"})
PAST: Final = LOOKING | {"saw", "took", "began", "came", "went"}
# After these words no article is missing.
JOINED: Final = frozenset({"a", "an", "the", "our", "your", "to", "for", "on", "in", "up", "us", "with", "at", "about"})
UNKIND: Final = ("unsubscribed", "uninstalled", "cancelled", "canceled", "churned", "bounced", "complained", "failed")
WORDS_AT_MOST: Final = 8


def thing_looked_at(label: str) -> str:
    """What was looked at: "Visited Pricing Page" is "our pricing page"; "" where nothing was."""
    verb, *rest = _words(label)
    if verb not in LOOKING or not rest:
        return ""
    if rest[0] in ("a", "an", "the"):
        rest = rest[1:]
    said = " ".join(rest)
    return said if rest[:1] == ["our"] else f"our {said}" if rest else ""


def what_they_did(label: str) -> str:
    """What they did, after "you": "Requested Demo" is "requested a demo"; "" where one would not say it to them."""
    verb, *rest = _words(label)
    if verb.startswith(UNKIND) or not (verb in PAST or verb.endswith("ed")):
        return ""
    if not rest or rest[0] in JOINED:
        return " ".join([verb, *rest])
    article = "our" if verb in LOOKING else "an" if rest[0][0] in "aeiou" else "a"
    return " ".join([verb, article, *rest])


def _words(label: str) -> list[str]:
    """A label's words in lower case, abbreviations as they are; one empty word where it is none that one would say."""
    words = label.replace("_", " ").split()
    if not words or len(words) > WORDS_AT_MOST or not all(_is_word(word) for word in words):
        return [""]
    return [words[0].lower(), *(word if word.isupper() and len(word) > 1 else word.lower() for word in words[1:])]


def _is_word(word: str) -> bool:
    return word.replace("-", "").replace("’", "").replace("'", "").replace("&", "").isalnum() or word == "&"
