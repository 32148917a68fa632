"""Invitations: one link, once, for a week, for one person; and whoever tries it otherwise is told why not."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from leads import clock, invitations
from leads.delivering import words
from leads.errors import Invalid
from leads.invitations import BadInvitation, SpentInvitation
from leads.models import Invitation, Notification, Role, Team, User
from sla.models import Rep
from tests.desk import person

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-word"  # noqa: S105


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def boss() -> User:
    return person(Role.ADMIN, "Sam Root")


@pytest.fixture
def team() -> Team:
    return Team.objects.create(name="Sales")


def ask(by: User, now: datetime, **more: Any) -> Invitation:
    given = {"full_name": "Ana Ortiz", "role": Role.REP, "team": None} | more
    email = given.pop("email", "Ana@Acme.example")
    return invitations.invite(email, now=now, by=by, **given)


def token_of(invitation: Invitation) -> str:
    invitation.refresh_from_db()
    return invitations.link(str(invitation.public_id), invitation.letters).rstrip("/").rpartition("/")[2]


def accept(token: str, now: datetime) -> User:
    return invitations.accept(token, password=PASSWORD, time_zone="Europe/Berlin", now=now)


class TestInviting:
    def test_writes_one_mail_whose_link_is_kept_nowhere(self, boss: User, team: Team, now: datetime) -> None:
        made = ask(boss, now, team=team)
        letter = Notification.objects.get()
        assert (letter.to_address, letter.recipient) == ("ana@acme.example", None)
        assert token_of(made) not in str(letter.data) + letter.text + letter.html
        written = words.of(letter)
        assert f"/join/{token_of(made)}/" in written.text
        assert f"/join/{token_of(made)}/" in written.html

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"email": "nobody"}, "email"),
            ({"full_name": " "}, "full_name"),
            ({"role": "owner"}, "role"),
            ({"role": "rep"}, "team"),
            ({"role": "manager"}, "team"),
            ({"role": "marketing", "capacity": 0}, "capacity"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, boss: User, now: datetime, given: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as refused:
            ask(boss, now, **given)
        assert refused.value.state["field"] == field
        assert not Notification.objects.exists()

    def test_asks_nobody_twice_and_nobody_who_is_here(self, boss: User, team: Team, now: datetime) -> None:
        ask(boss, now, team=team)
        with pytest.raises(Invalid, match="invited already"):
            ask(boss, now, team=team, email="ana@ACME.example")
        with pytest.raises(Invalid, match="logs in to Baton already"):
            ask(boss, now, team=team, email=boss.email)

    def test_lets_only_an_admin_invite_an_admin(self, boss: User, now: datetime) -> None:
        revops = person(Role.REVOPS, "Rita Ops")
        with pytest.raises(Invalid, match="Only an admin"):
            ask(revops, now, role=Role.ADMIN)
        made = ask(boss, now, role=Role.ADMIN)
        with pytest.raises(Invalid, match="Only an admin"):
            invitations.send_again(made.public_id, now=now, by=revops)

    def test_shows_its_letter_to_nobody_in_the_admin(self, boss: User, now: datetime) -> None:
        boss.is_staff = boss.is_superuser = True
        boss.save()
        made, client = ask(boss, now, role=Role.MARKETING), Client()
        client.force_login(boss)
        html = client.get(f"/admin/leads/notification/{Notification.objects.get().pk}/change/").content.decode()
        assert token_of(made) not in html


class TestAccepting:
    def test_makes_a_rep_who_can_be_given_leads(self, boss: User, team: Team, now: datetime) -> None:
        user = accept(token_of(ask(boss, now, team=team, capacity=7)), now)
        assert (user.email, user.is_staff, user.time_zone) == ("ana@acme.example", False, "Europe/Berlin")
        assert user.roles == {"rep"}
        assert list(user.teams.all()) == [team]
        assert Rep.objects.get(user=user).capacity == 7
        assert user.check_password(PASSWORD)

    def test_makes_a_manager_of_the_team(self, boss: User, team: Team, now: datetime) -> None:
        user = accept(token_of(ask(boss, now, team=team, role=Role.MANAGER)), now)
        assert user.is_staff
        assert user.memberships.get().is_manager
        assert not Rep.objects.exists()

    def test_works_once(self, boss: User, team: Team, now: datetime) -> None:
        token = token_of(ask(boss, now, team=team))
        accept(token, now)
        with pytest.raises(SpentInvitation, match="used already"):
            accept(token, now)
        assert User.objects.filter(email="ana@acme.example").count() == 1

    def test_works_for_a_week(self, boss: User, team: Team, now: datetime) -> None:
        token = token_of(ask(boss, now, team=team))
        with pytest.raises(SpentInvitation, match="7 days"):
            accept(token, now + timedelta(days=7, seconds=1))
        accept(token, now + timedelta(days=7))

    def test_works_by_the_newest_link_alone(self, boss: User, team: Team, now: datetime) -> None:
        made = ask(boss, now, team=team)
        former = token_of(made)
        invitations.send_again(made.public_id, now=now, by=boss)
        with pytest.raises(SpentInvitation, match="newest mail"):
            accept(former, now)
        assert sorted(Notification.objects.values_list("state", flat=True)) == ["cancelled", "queued"]
        accept(token_of(made), now)

    def test_works_no_more_once_it_was_taken_back(self, boss: User, team: Team, now: datetime) -> None:
        made = ask(boss, now, team=team)
        invitations.revoke(made.public_id, now=now, by=boss)
        with pytest.raises(SpentInvitation, match="taken back"):
            accept(token_of(made), now)
        with pytest.raises(SpentInvitation):
            invitations.revoke(made.public_id, now=now, by=boss)
        ask(boss, now, team=team)  # and can be asked again

    @pytest.mark.parametrize("token", ["", "x", "W10:1abc:zzz", "\x00"])
    def test_takes_no_other_word(self, boss: User, now: datetime, token: str) -> None:
        with pytest.raises(BadInvitation):
            accept(token, now)

    def test_takes_no_weak_password(self, boss: User, team: Team, now: datetime) -> None:
        token = token_of(ask(boss, now, team=team))
        with pytest.raises(Invalid, match="too short"):
            invitations.accept(token, password="short", time_zone="UTC", now=now)  # noqa: S106


class TestTheDoor:
    def test_lets_in_who_chooses_a_password(self, boss: User, team: Team, now: datetime) -> None:
        path = f"/join/{token_of(ask(boss, now, team=team))}/"
        client = Client(enforce_csrf_checks=True)
        page = client.get(path)
        assert page["Referrer-Policy"] == "same-origin"
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
        assert csrf is not None
        given = {"password": PASSWORD, "password_again": PASSWORD, "time_zone": "UTC"}
        assert client.post(path, given).status_code == 403
        answer = client.post(path, given | {"csrfmiddlewaretoken": csrf[1]})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.get("/inbox/").status_code == 200

    def test_ends_the_session_of_who_was_signed_in_before(self, boss: User, team: Team, now: datetime) -> None:
        path, client = f"/join/{token_of(ask(boss, now, team=team))}/", Client()
        client.force_login(boss)
        before = client.session.session_key
        client.post(path, {"password": PASSWORD, "password_again": PASSWORD, "time_zone": "UTC"})
        assert client.session["_auth_user_id"] == str(User.objects.get(email="ana@acme.example").pk)
        assert client.session.session_key != before

    def test_tells_who_comes_too_late_and_who_comes_with_nothing(self, boss: User, team: Team, now: datetime) -> None:
        path = f"/join/{token_of(ask(boss, now, team=team))}/"
        later = clock.now() + timedelta(days=8)
        with mock.patch("leads.clock.now", return_value=later):
            assert Client().get(path).status_code == 410
        assert Client().get("/join/forged/").status_code == 404
        assert not User.objects.filter(email="ana@acme.example").exists()

    def test_asks_again_where_the_passwords_differ_or_the_zone_is_none(
        self, boss: User, team: Team, now: datetime
    ) -> None:
        path = f"/join/{token_of(ask(boss, now, team=team))}/"
        given = {"password": PASSWORD, "password_again": PASSWORD, "time_zone": "UTC"}
        for wrong in ({"password_again": "other"}, {"time_zone": "Mars/Base"}, {"password": "short" * 1}):
            answer = Client().post(path, given | wrong)
            assert answer.status_code == 422
            assert 'role="alert"' in answer.content.decode()
        assert Group.objects.get(name="rep").user_set.count() == 0
