"""The words of a message: as they were queued, or written now out of the plain data that was.

What is told to many at once mostly leaves in a digest, which takes nothing but subjects: a letter is written when it
is sent, and says what was true when it was queued.
"""

from __future__ import annotations

from leads import letters
from leads.letters import Letter
from leads.models import Notification


def of(message: Notification) -> Letter:
    """The words of a message. Raises TemplateDoesNotExist, and whatever a broken template does."""
    if not message.template:
        return Letter(message.subject, message.text, message.html)
    written = letters.compose(message.template, message.data | {"subject": message.subject})
    return written._replace(subject=message.subject)


def fill(message: Notification) -> None:
    """Write the words of a message that is leaving; they are not kept. Raises as `of` does."""
    message.subject, message.text, message.html = of(message)
    message.template = ""
