"""Invitations: somebody is asked by mail to join, and sets their own password by a link that works once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse

from leads import outbox
from leads.errors import Invalid, Refused
from leads.letters import inert
from leads.models import Invitation, Notification, Organization, Role, Team, TeamMembership, User
from leads.signals import invitation_accepted
from leads.transactions import business
from leads.wire import as_email

GOOD_FOR: Final = timedelta(days=7)
SALT: Final = "leads.invitations"
KIND: Final = "invitation"
MOST_OPEN: Final = 500


class BadInvitation(Refused):
    """The link leads nowhere, or nowhere any more."""

    status = 404
    title = "This link leads nowhere"
    code = "bad_invitation"


class SpentInvitation(Refused):
    """The link was used, taken back or replaced, or it is too old."""

    status = 410
    title = "This link works no more"
    code = "spent_invitation"


@business
def invite(
    email: str,
    *,
    full_name: str,
    role: str,
    team: Team | None,
    capacity: int = 20,
    now: datetime,
    by: User,
) -> Invitation:
    """Ask somebody to join, by mail. Raises Invalid naming the field. Only an admin invites an admin."""
    address, name = as_email(email), " ".join(full_name.split())
    if address is None:
        raise Invalid(f"“{email[:80]}” is no e-mail address. Write it such as ana@example.com.", field="email")
    if not name or len(name) > 200:
        raise Invalid("Give their name, in at most 200 characters.", field="full_name")
    if role not in Role.values:
        raise Invalid("Choose what they do.", field="role")
    if role == Role.ADMIN and not by.has_role(Role.ADMIN):
        raise Invalid("Only an admin invites an admin.", field="role")
    if role in (Role.REP, Role.MANAGER) and team is None:
        raise Invalid("Choose the team they work in.", field="team")
    if not 1 <= capacity <= 10_000:
        raise Invalid("A rep has from 1 to 10,000 open leads at once.", field="capacity")
    # One after the other: two who invite the same person are told of each other.
    Organization.objects.select_for_update().get(pk=1)
    if User.objects.filter(email=address).exists():
        raise Invalid(f"{address} logs in to Baton already.", field="email")
    if _open().filter(email=address).exists():
        raise Invalid(f"{address} is invited already. Send it again below.", field="email")
    if _open().count() >= MOST_OPEN:
        raise Invalid(f"{MOST_OPEN} invitations are open. Take some back first.", field="email")
    made = Invitation.objects.create(
        email=address,
        full_name=name,
        role=role,
        team=team,
        capacity=capacity,
        invited_by=by,
        invited_at=now,
        expires_at=now + GOOD_FOR,
    )
    _write(made, now=now)
    return made


@business
def send_again(public_id: UUID, *, now: datetime, by: User) -> Invitation:
    """Send it once more, with a new link; the former link works no more. Raises Invalid, SpentInvitation."""
    found = _locked(public_id)
    if found.role == Role.ADMIN and not by.has_role(Role.ADMIN):
        raise Invalid("Only an admin invites an admin.", field="role")
    found.letters += 1
    found.expires_at = now + GOOD_FOR
    found.save(update_fields=["letters", "expires_at"])
    outbox.cancel(f"invitation:{found.public_id}:", now=now, why="sent again")
    _write(found, now=now)
    return found


@business
def revoke(public_id: UUID, *, now: datetime, by: User) -> Invitation:
    """Take it back: its link works no more. Raises SpentInvitation."""
    found = _locked(public_id)
    found.revoked_at = now
    found.save(update_fields=["revoked_at"])
    outbox.cancel(f"invitation:{found.public_id}:", now=now, why="taken back")
    return found


@business
def accept(token: str, *, password: str, time_zone: str, now: datetime) -> User:
    """Make the log-in with the password that its owner chose, in role and team. The link is used up.

    Raises BadInvitation, SpentInvitation, and Invalid for a password that is too weak.
    """
    read = opened(token, now=now)
    found = _locked(read.public_id)
    if found.letters != read.letters:
        raise SpentInvitation("It was sent once more since; use the newest mail.")
    user = User(email=found.email, full_name=found.full_name, time_zone=time_zone, is_staff=found.role != Role.REP)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    if User.objects.filter(email=found.email).exists():
        raise SpentInvitation("Somebody logs in with this address already.")
    user.set_password(password)
    user.save()
    user.groups.add(Group.objects.get(name=found.role))
    if found.team is not None:
        TeamMembership.objects.create(team=found.team, user=user, is_manager=found.role == Role.MANAGER)
    found.accepted_at, found.accepted_by = now, user
    found.save(update_fields=["accepted_at", "accepted_by"])
    invitation_accepted.send(Invitation, invitation=found, user=user, now=now)
    return user


def opened(token: str, *, now: datetime) -> Invitation:
    """The invitation a link belongs to, if it still lets somebody in. Raises BadInvitation, SpentInvitation."""
    try:
        name, letters = signing.loads(token, salt=SALT)
        key = UUID(hex=name)
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise BadInvitation("Open it from the mail once more, whole.") from error
    found = Invitation.objects.select_related("team").filter(public_id=key).first()
    if found is None:
        raise BadInvitation("Open it from the mail once more, whole.")
    if found.accepted_at is not None:
        raise SpentInvitation("It was used already. Log in with the password that was chosen.")
    if found.revoked_at is not None:
        raise SpentInvitation("It was taken back. Ask whoever invited you.")
    if found.letters != letters:
        raise SpentInvitation("It was sent once more since; use the newest mail.")
    if now > found.expires_at:
        raise SpentInvitation(f"It worked for {GOOD_FOR.days} days. Ask whoever invited you to send it again.")
    return found


def link(public_id: str, letters: int) -> str:
    """The address in the mail. Made when the mail leaves, and kept nowhere."""
    token = signing.dumps([UUID(public_id).hex, letters], salt=SALT)
    return f"{settings.BASE_URL}{reverse('join', args=[token])}"


def _open() -> Any:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _locked(public_id: UUID) -> Invitation:
    found = (
        Invitation.objects.select_for_update(of=("self",)).select_related("team").filter(public_id=public_id).first()
    )
    if found is None or found.accepted_at is not None or found.revoked_at is not None:
        raise SpentInvitation("This invitation was used or taken back already.")
    return found


def _write(invitation: Invitation, *, now: datetime) -> None:
    """Queue the mail; its link is made when it leaves."""
    of = Organization.objects.values_list("name", flat=True).get(pk=1)
    says = {
        "to": inert(invitation.full_name.split()[0]),
        "organization": inert(of),
        "by": inert(str(invitation.invited_by)) if invitation.invited_by else "Baton",
        "role": invitation.get_role_display(),
        "team": inert(str(invitation.team)) if invitation.team else "",
        "invitation": str(invitation.public_id),
        "letters": invitation.letters,
        "days": GOOD_FOR.days,
    }
    outbox.queue(
        [
            Notification(
                effect_key=f"invitation:{invitation.public_id}:{invitation.letters}",
                kind=KIND,
                to_address=invitation.email,
                subject=f"{says['by']} asks you to join {says['organization']} on Baton"[:250],
                template="leads/mail/invitation",
                data=says,
                created_at=now,
                not_before=now,
            )
        ]
    )
