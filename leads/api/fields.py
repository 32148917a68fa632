"""Fields of requests whose refusals name the way out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class OneOf(serializers.ChoiceField):
    """One of some codes; another is refused with all of them."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        self.error_messages["invalid_choice"] = f"“{{input}}” is not one of {', '.join(map(str, self.choices))}."


class SomeOf(OneOf, serializers.MultipleChoiceField):
    """Several of them."""
