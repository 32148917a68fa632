"""What the wire says no with, and the sizes it says no beyond."""

from typing import Final

MAX_BATCH_BYTES: Final = 500 * 1024
MAX_EVENT_BYTES: Final = 32 * 1024
MAX_EVENTS: Final = 2_500
# The smallest event that says anything is some 42 bytes, so a lawful body cannot hold many more slots than
# this. Beyond it the slots are noise, and refusing each of them would cost more than they are worth.
MAX_SLOTS: Final = 4 * MAX_EVENTS
MAX_DEPTH: Final = 32
MAX_ID_LENGTH: Final = 255
MAX_MESSAGE_ID_LENGTH: Final = 99
# As long as the catalog of activities takes.
MAX_NAME_LENGTH: Final = 200


class WireError(ValueError):
    """A no with a stable `code` for machines and a `sentence` for people; neither repeats what was sent."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class Unreadable(WireError):
    """The body as a whole cannot be read; nothing in it was looked at."""


class TooLarge(Unreadable):
    """The body, sent or inflated, is larger than its limit."""

    def __init__(self, sentence: str, code: str = "too_large") -> None:
        super().__init__(code, sentence)


class Refusal(WireError):
    """One event cannot be taken; its neighbors are not touched by it."""
