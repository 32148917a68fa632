"""What people type in the admin where the table keeps something else: points, lengths, and one name a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from leads.lengths import read_length, say_length

_POINTS = re.compile(r"([+-]?)([0-9]{1,9})(?:\.([0-9]{1,3}))?")


def read_points(text: str) -> int:
    """Thousandths of a point of what was typed: "25", "-0.5". Raises ValueError with an example."""
    match = _POINTS.fullmatch(text.strip().replace("−", "-").replace(",", "."))
    if match is None:
        raise ValueError(f"“{text}” is not a number of points. Write 25 or -0.5, with up to three decimals.")
    thousandths = int(match[2]) * 1000 + int((match[3] or "").ljust(3, "0"))
    return -thousandths if match[1] == "-" else thousandths


def say_points(thousandths: int | None) -> str:
    """Plain points, exact, as they are typed: 25000 is "25", -500 "-0.5"; None is ""."""
    if thousandths is None:
        return ""
    whole, part = divmod(abs(thousandths), 1000)
    said = f"{whole}.{part:03d}".rstrip("0").rstrip(".")
    return f"-{said}" if thousandths < 0 else said


class Typed(forms.Field):
    """A field whose stored value is written for people and read back; what can't be read is refused in a sentence."""

    def __init__(self, *, read: Callable[[str], Any], say: Callable[[Any], str], empty: Any = None, **kwargs: Any):
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget())
        super().__init__(**kwargs)
        self.read, self.say, self.empty = read, say, empty

    def to_python(self, value: Any) -> Any:
        text = "" if value is None else str(value).strip()
        if not text:
            return self.empty
        try:
            return self.read(text)
        except ValueError as error:
            raise ValidationError(str(error), code="unreadable") from error

    def validate(self, value: Any) -> None:
        if self.required and (value is None or value == self.empty):
            raise ValidationError(self.error_messages["required"], code="required")

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.say(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (self.empty if initial is None else initial))
        except ValidationError:
            return True


class PointsField(Typed):
    """Points, typed plainly and stored in thousandths."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(read=read_points, say=say_points, **{"required": False, "widget": widget} | kwargs)


class LengthField(Typed):
    """A length of time, typed as a number and a unit and stored in seconds."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"placeholder": "30 days", "autocomplete": "off"})
        super().__init__(read=read_length, say=say_length, **{"required": False, "widget": widget} | kwargs)


class NamesField(Typed):
    """Names, one a line, stored as a list; each once, in their order."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        super().__init__(
            read=lambda text: list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())),
            say=lambda names: "\n".join(names or []),
            empty=[],
            **{"required": False, "widget": widget} | kwargs,
        )
