"""People on our side: who logs in, in which team, with which rights, and the one organization they work for."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower


class Role(models.TextChoices):
    """The five roles; each is a Django group of the same name."""

    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    MARKETING = "marketing", "Marketing"
    REVOPS = "revops", "RevOps"
    ADMIN = "admin", "Admin"


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail; the address is the log-in and is kept lower-cased."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create one user; `password=None` makes one who can't log in until a password is set."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create one user with every right."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person on our side. Roles are groups; the address is the log-in."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Clock(models.TextChoices):
        H24 = "24", "24 hours (15:45)"
        H12 = "12", "12 hours (3:45 PM)"

    class DateOrder(models.TextChoices):
        DAY = "day", "Day first (3 Mar)"
        MONTH = "month", "Month first (Mar 3)"
        YEAR = "year", "Year first (2026-03-09)"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    full_name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Every page shows times in this zone.")
    clock = models.CharField(max_length=2, choices=Clock.choices, default=Clock.H24, db_default=Clock.H24)
    date_order = models.CharField(
        max_length=5, choices=DateOrder.choices, default=DateOrder.DAY, db_default=DateOrder.DAY
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    single_keys = models.BooleanField(default=True, help_text="Work the desk with single keys (a, r, j, k …).")
    hints_closed = ArrayField(
        models.CharField(max_length=60),
        null=True,
        editable=False,
        help_text="Pages whose explanation they have closed; null: pages explain nothing. The demo's people begin with "
        "an empty list.",
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the admin.")
    joined_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"),
            models.CheckConstraint(condition=models.Q(clock__in=["24", "12"]), name="user_clock"),
            models.CheckConstraint(condition=models.Q(date_order__in=["day", "month", "year"]), name="user_date_order"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email

    @property
    def roles(self) -> frozenset[str]:
        """The role names this user has; read once per object."""
        cached: frozenset[str] | None = self.__dict__.get("_roles")
        if cached is None:
            cached = frozenset(self.groups.values_list("name", flat=True))
            if self.is_superuser:
                cached |= {Role.ADMIN.value}
            self.__dict__["_roles"] = cached
        return cached

    def has_role(self, *roles: str) -> bool:
        """True if the user has any of these roles."""
        return not self.roles.isdisjoint({str(getattr(role, "value", role)) for role in roles})


class Team(models.Model):
    """A group of people who work leads together under its managers."""

    name = models.CharField(max_length=120, unique=True)
    members = models.ManyToManyField(User, through="TeamMembership", related_name="teams")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    """One person in one team, as a member or as its manager."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    is_manager = models.BooleanField(default=False, help_text="Manages the team: sees and may decide all its leads.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="once_in_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Organization(models.Model):
    """The one organization this installation serves: its name, zone, currency and first day of the week."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=200, default="Our company")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Days, weeks and months in reports.")
    currency = models.CharField(max_length=3, default="USD")
    first_weekday = models.SmallIntegerField(default=0, choices=[(0, "Monday"), (6, "Sunday")])
    lost_rest_days = models.PositiveSmallIntegerField(
        default=90, help_text="How many days a lead rests after a lost deal before new evidence brings it back."
    )
    next_step_days = models.PositiveSmallIntegerField(
        default=2,
        db_default=2,
        help_text="Business days of the rep after which an accepted lead is looked at again, where no promise says so.",
    )
    contest_days = models.PositiveSmallIntegerField(
        default=14, db_default=14, help_text="For so many days after a rejection marketing may contest it."
    )
    guide_closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    guide_skipped = ArrayField(models.CharField(max_length=20), default=list, blank=True, editable=False)
    erasure_salt = models.CharField(max_length=64, default=uuid.uuid4, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="only_one_organization"),
            models.CheckConstraint(
                condition=models.Q(next_step_days__gte=1, next_step_days__lte=60),
                name="next_step_within_60_days",
                violation_error_message="A next step lies 1 to 60 business days ahead.",
            ),
            models.CheckConstraint(
                condition=models.Q(contest_days__gte=1, contest_days__lte=365),
                name="contest_within_a_year",
                violation_error_message="A rejection may be contested for 1 to 365 days.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A key with which a program acts as one user. Only its hash is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, help_text="The first characters, to tell keys apart.")
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
