"""Leads and what they did, for programs: each user sees what is theirs."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import mixins, serializers, viewsets

from leads.api.filters import OfLead
from leads.models import Account, Activity, Lead, Stage, User


class AccountSerializer(serializers.ModelSerializer[Account]):
    class Meta:
        model = Account
        fields = ["public_id", "name", "domain", "industry", "employees", "country"]


class LeadSerializer(serializers.ModelSerializer[Lead]):
    """A lead as it stands."""

    account = AccountSerializer(read_only=True, allow_null=True)
    holder = serializers.SlugRelatedField[User](
        "email", read_only=True, allow_null=True, help_text="E-mail of the rep who holds it."
    )

    class Meta:
        model = Lead
        fields = [
            "public_id",
            "email",
            "first_name",
            "last_name",
            "title",
            "seniority",
            "phone",
            "country",
            "domain_kind",
            "account",
            "source",
            "campaign",
            "email_permission",
            "phone_permission",
            "traits",
            "stage",
            "stage_at",
            "rest_until",
            "evidence_from",
            "callback_at",
            "holder",
            "is_test",
            "created_at",
        ]


class LeadFilter(django_filters.FilterSet):
    """Exact e-mail (also a former one), stage, holder, account domain, and creation time."""

    email = django_filters.CharFilter(method="by_email", label="E-mail, present or former")
    holder = django_filters.CharFilter("holder__email", "iexact", label="Holder's e-mail")
    account_domain = django_filters.CharFilter("account__domain", "iexact")
    stage = django_filters.MultipleChoiceFilter(choices=Stage.choices)
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lt")

    class Meta:
        model = Lead
        fields: list[str] = []

    def by_email(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return queryset.filter(identities__kind="email", identities__value=value.strip().lower())


class LeadViewSet(viewsets.ReadOnlyModelViewSet[Lead]):
    """Leads that the user may read, newest first."""

    serializer_class = LeadSerializer
    filterset_class = LeadFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    queryset = Lead.objects.none()

    def get_queryset(self) -> QuerySet[Lead]:
        user: User = self.request.user  # type: ignore[assignment]
        return Lead.objects.live().visible_to(user).select_related("account", "holder")

    def get_object(self) -> Lead:
        """Also by the id of a lead that was merged into this one."""
        lead: Lead = get_object_or_404(self.get_queryset().known_as(self.kwargs["public_id"]))  # type: ignore[attr-defined]
        self.check_object_permissions(self.request, lead)
        return lead


class ActivitySerializer(serializers.ModelSerializer[Activity]):
    """One thing a lead did; known by its source and message id."""

    lead = serializers.SlugRelatedField[Lead]("public_id", read_only=True)
    sent_by = serializers.CharField(source="source.name", read_only=True, help_text="Name of the source.")
    name = serializers.CharField(source="type.name", read_only=True)

    class Meta:
        model = Activity
        fields = [
            "lead",
            "name",
            "occurred_at",
            "received_at",
            "known_at",
            "properties",
            "sent_by",
            "message_id",
            "origin",
            "discounted_at",
            "discount_reason",
        ]


class ActivityFilter(django_filters.FilterSet):
    lead = OfLead("lead")
    lead_email = django_filters.CharFilter(method="by_email", label="E-mail of the lead, present or former")
    name = django_filters.CharFilter("type__name")
    occurred_after = django_filters.IsoDateTimeFilter("occurred_at", "gte")
    occurred_before = django_filters.IsoDateTimeFilter("occurred_at", "lt")

    class Meta:
        model = Activity
        fields: list[str] = []

    def by_email(self, queryset: QuerySet[Activity], name: str, value: str) -> QuerySet[Activity]:
        email = value.strip().lower()
        return queryset.filter(lead__identities__kind="email", lead__identities__value=email)


class ActivityViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Activity]):
    """What the leads that the user may read have done, last stored first."""

    serializer_class = ActivitySerializer
    filterset_class = ActivityFilter
    queryset = Activity.objects.none()

    def get_queryset(self) -> QuerySet[Activity]:
        user: User = self.request.user  # type: ignore[assignment]
        readable = Lead.objects.live().visible_to(user)
        return Activity.objects.filter(lead__in=readable).select_related("type", "source", "lead")
