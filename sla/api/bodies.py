"""What a program sends with a verdict, a hand-over, a split or a touch."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leads.api.fields import OneOf
from sla.models import Touch


class SeenSerializer(serializers.Serializer[Any]):
    """The hand-off version the caller saw; optional."""

    version = serializers.IntegerField(required=False, allow_null=True, default=None)


class RejectSerializer(SeenSerializer):
    reason = serializers.CharField(help_text="Code of a reason that may be given before accepting.")
    evidence = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=500, help_text="What the reason asks for."
    )
    named_date = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="For a reason that comes back on a named date."
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class ReturnSerializer(RejectSerializer):
    reason = serializers.CharField(help_text="Code of a reason that may be given after accepting.")


class ConvertSerializer(SeenSerializer):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    bant = serializers.DictField(child=serializers.CharField(), required=False, default=dict)
    to = serializers.EmailField(
        required=False,
        allow_null=True,
        default=None,
        help_text="E-mail of the next owner, who is asked to close; empty: the rep keeps the lead.",
    )


class HandOverSerializer(SeenSerializer):
    to = serializers.EmailField(help_text="E-mail of the colleague.")
    why = serializers.CharField(max_length=2000)


class SplitSerializer(SeenSerializer):
    lead = serializers.UUIDField(help_text="Who joined the matter and is to have one of their own.")
    anew = serializers.BooleanField(default=False, help_text="Let the rules choose a rep, instead of the same one.")


class TouchActionSerializer(serializers.Serializer[Any]):
    means = OneOf(Touch.Means.choices)
    outcome = OneOf(Touch.Outcome.choices)
    direction = OneOf(Touch.Direction.choices, default=Touch.Direction.OUTBOUND)
    occurred_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    meeting_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="With the outcome booked: when the meeting is."
    )
