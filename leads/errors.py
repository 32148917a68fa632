"""The root of every refusal: a verb that can't be done says why in a sentence the user may read."""

from __future__ import annotations

from typing import Any, ClassVar


class Refused(Exception):
    """A verb was refused. Subclasses name the case; `state` tells a program how things stand now."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "Not done"
    code: ClassVar[str] = "refused"

    def __init__(self, sentence: str, **state: Any) -> None:
        super().__init__(sentence)
        self.state = state


class Invalid(Refused):
    """What was asked can't be done as it was asked; the sentence names the field and the way out."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "Not accepted"
    code: ClassVar[str] = "invalid"
