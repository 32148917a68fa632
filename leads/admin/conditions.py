"""A condition typed in the admin: one comparison in three boxes, several as JSON; both read by leads.conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import get_default_renderer
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from leads.conditions import ConditionError, validate
from leads.conditions.grammar import MEMBERSHIP, ORDER, PRESENCE, RANGE
from leads.conditions.sentences import WORDS

Boxes = list[str]


class ConditionWidget(forms.MultiWidget):
    """Field, operator and value beside each other; below them a box for JSON, opened where it is needed."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = fields
        super().__init__(
            [
                UnfoldAdminTextInputWidget(attrs={"placeholder": "field", "aria-label": "Field"}),
                UnfoldAdminSelectWidget(choices=[("", "…"), *WORDS.items()], attrs={"aria-label": "Operator"}),
                UnfoldAdminTextInputWidget(attrs={"placeholder": "value, value", "aria-label": "Value"}),
                UnfoldAdminTextareaWidget(
                    attrs={
                        "rows": 4,
                        "aria-label": "Condition as JSON",
                        "placeholder": '{"all": [{"field": …, "op": …, "value": …}]}',
                    }
                ),
            ]
        )

    def decompress(self, value: Any) -> Boxes:
        if not value:
            return ["", "", "", ""]
        typed = _as_boxes(value)
        return [*typed, ""] if typed else ["", "", "", json.dumps(value, indent=2, ensure_ascii=False)]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        names = f"{widget['attrs'].get('id', name)}_fields"
        widget["subwidgets"][0]["attrs"]["list"] = names
        paint = renderer or get_default_renderer()
        boxes = [mark_safe(paint.render(each["template_name"], {"widget": each})) for each in widget["subwidgets"]]  # noqa: S308  (widgets escape what they show)
        parts = dict(zip(("field", "op", "value", "several"), boxes, strict=True))
        is_open = bool(widget["subwidgets"][3]["value"])
        context = {**parts, "list": names, "fields": list(self.fields.items()), "is_open": is_open}
        return render_to_string("admin/condition.html", context)


class ConditionField(forms.Field):
    """Reads the boxes into a condition on these fields (name → what people call it); empty is always true."""

    def __init__(self, *, fields: Mapping[str, str], **kwargs: Any) -> None:
        self.known = fields
        super().__init__(widget=ConditionWidget(fields), **{"required": False} | kwargs)

    def clean(self, value: Any) -> dict[str, Any]:
        field, op, text, several = ((str(each).strip() if each else "") for each in (value or ["", "", "", ""]))
        if several and (field or op or text):
            raise ValidationError("Use the three boxes or the box for several comparisons, and leave the other empty.")
        condition = _parse(several) if several else _compose(field, op, text)
        try:
            validate(condition, self.known)
        except ConditionError as error:
            raise ValidationError(str(error), code="condition") from error
        return condition

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.clean(data) != (initial or {})
        except ValidationError:
            return True


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValidationError(f"This is not JSON: {error}.", code="json") from error


def _compose(field: str, op: str, text: str) -> dict[str, Any]:
    """The comparison three boxes make; {} of three empty ones."""
    if not (field or op or text):
        return {}
    if not field:
        raise ValidationError("Name the field that is compared.", code="field")
    if not op:
        raise ValidationError(f"{field}: choose how it is compared.", code="op")
    if op in PRESENCE:
        if text:
            raise ValidationError(f"{field}: “{WORDS[op]}” takes no value. Empty the third box.", code="value")
        return {"field": field, "op": op}
    if not text:
        raise ValidationError(f"{field}: give the value it is compared with.", code="value")
    return {"field": field, "op": op, "value": _value(op, text)}


def _value(op: str, text: str) -> Any:
    listed = [part.strip() for part in text.split(",") if part.strip()]
    if op in MEMBERSHIP:
        return listed
    if op in RANGE:
        return [_number(part) for part in (listed if len(listed) > 1 else text.split(" and "))]
    return _number(text) if op in ORDER else text


def _number(text: str) -> Any:
    """A whole number as one; every other text as it is, for the language to read or refuse."""
    text = text.strip()
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else text


def _as_boxes(condition: Any) -> Boxes | None:
    """The three boxes of one comparison, if typing them again gives exactly the same; else None."""
    if not isinstance(condition, dict) or "field" not in condition:
        return None
    value = condition.get("value")
    text = ", ".join(str(each) for each in value) if isinstance(value, list) else "" if value is None else str(value)
    boxes = [str(condition["field"]), str(condition.get("op", "")), text]
    try:
        return boxes if _compose(*boxes) == condition else None
    except ValidationError:
        return None
