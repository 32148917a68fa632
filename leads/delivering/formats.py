"""What is posted to an endpoint, as the receiver of its kind reads it. Pure.

Words from outside come inert already (`leads.letters.inert`); here they are also no markup of the chat: no mention, no
link, no formatting. Where a chat knows a plain text, that is used; Mattermost knows none, so each sign is escaped.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

MOST_BYTES = 64 * 1024
# Every sign Markdown may read as one of its own, and those that call people or channels.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:^$&=\"'])")


class Word(NamedTuple):
    """What a chat is told: a headline, lines below it, and one link of our own."""

    headline: str
    lines: list[str]
    link: str
    link_text: str = "Open the lead"


def slack(word: Word) -> dict[str, Any]:
    """Blocks of plain text, which Slack neither links nor formats; the text for the notification is escaped."""
    plain = {"type": "section", "text": {"type": "plain_text", "text": _lines(word)[:3000], "emoji": False}}
    link = {"type": "section", "text": {"type": "mrkdwn", "text": f"<{word.link}|{word.link_text}>", "verbatim": True}}
    return {
        "text": _slack_escaped(word.headline),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [plain, link],
    }


def teams(word: Word) -> dict[str, Any]:
    """An adaptive card of text runs, in which Markdown is not read."""
    runs = [[{"type": "TextRun", "text": word.headline, "weight": "bolder"}]]
    runs += [[{"type": "TextRun", "text": line}] for line in word.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": run} for run in runs],
        "actions": [{"type": "Action.OpenUrl", "title": word.link_text, "url": word.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def mattermost(word: Word) -> dict[str, Any]:
    """Markdown with every sign escaped that could be one of it."""
    lines = [f"**{markdown_escaped(word.headline)}**", *(markdown_escaped(line) for line in word.lines)]
    return {"text": "\n".join([*lines, f"[{word.link_text}]({word.link})"])}


CHATS = {"slack": slack, "teams": teams, "mattermost": mattermost}


def body(kind: str, *, event: dict[str, Any], word: Word) -> str:
    """The body for an endpoint of this kind: the event itself, or the word a chat is told. Raises ValueError beyond
    64 KiB."""
    told = CHATS[kind](word) if kind in CHATS else event
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"The body for an endpoint has {len(text.encode()):,} bytes; at most {MOST_BYTES:,} are sent.")
    return text


def markdown_escaped(text: str) -> str:
    """As Markdown shows it letter by letter."""
    return _MARKDOWN.sub(r"\\\1", text)


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(word: Word) -> str:
    return "\n".join([word.headline, *word.lines])
