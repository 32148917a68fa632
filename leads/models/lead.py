"""The person and the company: leads, accounts, identities, and the history of their attributes."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Upper

from leads.models.journey import Stage
from leads.models.people import Team, User
from leads.querysets import LeadQuerySet, words_of_account, words_of_lead


class Account(models.Model):
    """A company, known by its domain, by an id of our customer's own (group id), or both."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=253, unique=True, null=True, blank=True)
    group_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    industry = models.CharField(max_length=120, blank=True)
    employees = models.IntegerField(null=True, blank=True)
    country = models.CharField(max_length=120, blank=True)
    intent = models.CharField(max_length=40, blank=True, help_text="Buying intent as a provider reports it.")
    traits = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="accounts")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Reader: finding leads by the words of their company.
            GinIndex(OpClass(Upper(words_of_account()), name="gin_trgm_ops"), name="account_words"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(domain__isnull=True) | Q(domain=Lower("domain")), name="domain_is_lower_case"
            ),
            models.CheckConstraint(
                condition=Q(employees__isnull=True) | Q(employees__gte=0), name="employees_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.domain or self.group_id or f"Account {self.pk}"


class Lead(models.Model):
    """A person who may become a customer. Fields here are the present; AttributeChange tells how they came to be."""

    class DomainKind(models.TextChoices):
        COMPANY = "company", "Company"
        FREE_MAIL = "free_mail", "Free mail"
        STUDENT = "student", "Student"
        DISPOSABLE = "disposable", "Disposable"

    class Permission(models.TextChoices):
        UNKNOWN = "unknown", "Not asked"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"

    class Seniority(models.TextChoices):
        OWNER = "owner", "Owner or founder"
        C_LEVEL = "c_level", "C-level"
        VP = "vp", "Vice president"
        DIRECTOR = "director", "Director"
        MANAGER = "manager", "Manager"
        SENIOR = "senior", "Senior"
        ENTRY = "entry", "Entry"
        INTERN = "intern", "Intern or student"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(
        max_length=254, blank=True, help_text="The address shown; every bound one is an Identity."
    )
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=200, blank=True)
    seniority = models.CharField(max_length=8, choices=Seniority.choices, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=120, blank=True)
    domain_kind = models.CharField(max_length=10, choices=DomainKind.choices, blank=True)
    account = models.ForeignKey(Account, models.SET_NULL, null=True, blank=True, related_name="leads")
    source = models.CharField(max_length=120, blank=True, help_text="First touch: campaign source, referrer, or file.")
    campaign = models.CharField(max_length=200, blank=True, help_text="First touch.")
    email_permission = models.CharField(max_length=8, choices=Permission.choices, default=Permission.UNKNOWN)
    phone_permission = models.CharField(max_length=8, choices=Permission.choices, default=Permission.UNKNOWN)
    traits = models.JSONField(default=dict, blank=True)

    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.SUBSCRIBER)
    stage_at = models.DateTimeField()
    rest_until = models.DateTimeField(
        null=True, blank=True, help_text="No episode opens before, save by hand-raise or named date."
    )
    evidence_from = models.DateTimeField(null=True, blank=True, help_text="Positive engagement up to here is spent.")
    callback_at = models.DateTimeField(null=True, blank=True, help_text="The date the person named.")
    callback_user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    holder = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="held_leads")
    holder_team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="held_leads")

    is_test = models.BooleanField(default=False, help_text="Goes the whole way and is in no figure.")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="tombstones")
    merged_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="lead_stage"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="not_merged_into_itself"
            ),
            models.CheckConstraint(
                condition=Q(callback_at__isnull=True) | Q(callback_user__isnull=False), name="callback_names_a_person"
            ),
        ]
        indexes = [
            # Reader: the sweep that marks leads whose rest has ended.
            models.Index(fields=["rest_until"], name="lead_rest_ends", condition=Q(rest_until__isnull=False)),
            # Reader: the sweep that brings leads back on the date they named.
            models.Index(fields=["callback_at"], name="lead_calls_back", condition=Q(callback_at__isnull=False)),
            # Reader: finding leads by the words of their name and address.
            GinIndex(OpClass(Upper(words_of_lead()), name="gin_trgm_ops"), name="lead_words"),
            # Reader: the list of all leads, the newest first.
            models.Index(fields=["-created_at", "-id"], name="lead_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What people call this lead: the name, else the address, else a number that says nothing personal."""
        full = f"{self.first_name} {self.last_name}".strip()
        return full or self.email or f"Visitor {self.pk}"

    @property
    def is_live(self) -> bool:
        """Neither merged away nor erased."""
        return self.merged_into_id is None and self.erased_at is None


class Identity(models.Model):
    """A key that names one lead: an address, our customer's user id, or a browser's anonymous id."""

    class Kind(models.TextChoices):
        USER_ID = "user_id", "User id"
        EMAIL = "email", "E-mail"
        ANONYMOUS_ID = "anonymous_id", "Anonymous id"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    value = models.CharField(max_length=255, help_text="An address is lower-cased.")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="identities")
    bound_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The upsert's target: one key names one lead.
            models.UniqueConstraint(fields=["kind", "value"], name="identity_names_one_lead"),
            models.CheckConstraint(condition=Q(kind__in=["user_id", "email", "anonymous_id"]), name="identity_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class ExternalId(models.Model):
    """The id of this lead in another system, such as a CRM or a dialler."""

    system = models.CharField(max_length=60)
    value = models.CharField(max_length=255)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="external_ids")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "value"], name="external_id_names_one_lead")]

    def __str__(self) -> str:
        return f"{self.system} {self.value}"


class IdentityConflict(models.Model):
    """Two ids that name two leads and may not be merged by themselves; a person settles it."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="conflicts", help_text="The one that won.")
    other = models.ForeignKey(Lead, models.CASCADE, related_name="+", help_text="The one that keeps the id.")
    kind = models.CharField(max_length=12, choices=Identity.Kind.choices)
    noticed_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "other", "kind"], condition=Q(settled_at__isnull=True), name="one_open_conflict"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.lead_id} and {self.other_id}"


class ErasedIdentity(models.Model):
    """A salted hash of an identity that was erased, so that a late event does not re-create the person."""

    value_hash = models.CharField(max_length=64, primary_key=True)
    erased_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.value_hash[:8]


class AttributeChange(models.Model):
    """One change of one attribute of a lead or an account, and when we knew it. Written by intake beside the change.

    `value` is the JSON value after the change; JSON null means *not set*. A trait is named `trait.<name>`.
    """

    lead = models.ForeignKey(Lead, models.CASCADE, null=True, related_name="attribute_changes", db_index=False)
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="attribute_changes", db_index=False)
    attribute = models.CharField(max_length=160)
    value = models.JSONField(null=True)
    known_at = models.DateTimeField()
    origin = models.CharField(
        max_length=8, default="api", choices=[("api", "Live"), ("import", "Import"), ("replay", "Replay")]
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lead__isnull=False, account__isnull=True) | Q(lead__isnull=True, account__isnull=False),
                name="attribute_of_a_lead_or_an_account",
            ),
        ]
        indexes = [
            # Readers: attributes as of a moment; the attribute a qualification was decided by.
            models.Index(
                fields=["lead", "attribute", "known_at", "id"],
                name="attribute_of_lead",
                condition=Q(lead__isnull=False),
            ),
            models.Index(
                fields=["account", "attribute", "known_at", "id"],
                name="attribute_of_account",
                condition=Q(account__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.attribute


class MailDomain(models.Model):
    """What kind of addresses a mail domain gives out. A pattern starting with a dot matches every domain below it."""

    domain = models.CharField(max_length=253, unique=True)
    kind = models.CharField(max_length=10, choices=[c for c in Lead.DomainKind.choices if c[0] != "company"])
    is_shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["domain"]

    def __str__(self) -> str:
        return f"{self.domain}: {self.get_kind_display()}"


class TitleWord(models.Model):
    """A word or phrase in a job title that tells seniority; the lowest position that matches decides."""

    phrase = models.CharField(max_length=80, unique=True, help_text="Whole words, any case.")
    seniority = models.CharField(max_length=8, choices=Lead.Seniority.choices)
    position = models.IntegerField()
    is_shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.phrase}: {self.get_seniority_display()}"
