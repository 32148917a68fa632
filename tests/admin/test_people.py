"""People and reps in the admin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from leads.models import TeamMembership, User
from sla.models import Absence, AbsenceChange, Handoff, Rep
from tests import desk
from tests.admin.pages import Page, address, errors_of, post

pytestmark = pytest.mark.django_db


class TestUsers:
    def test_makes_a_person_with_roles_who_can_log_in(self, boss: Client) -> None:
        group = Group.objects.get(name="revops")
        response = post(
            boss,
            address(User, "add"),
            full_name="Pia Novak",
            email="Pia@Halyard.example",
            groups=[group.pk],
            password1="a long first password",
            password2="a long first password",
        )
        assert response.status_code == 302, response.context["adminform"].form.errors
        pia = User.objects.get(email="pia@halyard.example")
        assert pia.check_password("a long first password")
        assert pia.roles == {"revops"}
        assert pia.is_staff
        post(boss, address(User, "change", pia.pk), groups=[Group.objects.get(name="rep").pk])
        pia.refresh_from_db()
        assert not pia.is_staff

    def test_refuses_an_address_that_differs_by_case_alone(self, boss: Client) -> None:
        taken = desk.person("rep", "Ann Lee").email
        response = post(boss, address(User, "add"), email=taken.upper(), full_name="X")
        assert "already logs in" in errors_of(response)["email"][0]


class TestReps:
    def test_takes_a_rep_out_on_the_page_that_shows_where_everything_goes(
        self, boss: Client, shop: desk.Company
    ) -> None:
        url = address(Rep, "change", shop.ben.pk)
        assert "Take out, and move everything on" in boss.get(url).content.decode()
        leaves = boss.get(url.replace("change/", "take-out/")).url
        assert leaves == f"/team/{shop.ben.user.public_id}/leaving/"
        assert boss.post(leaves, {"next_owner": "route"}).status_code == 302
        shop.ben.refresh_from_db()
        assert not shop.ben.is_active
        assert not Handoff.objects.open().of_user(shop.ben.user).exists()
        assert boss.post(url.replace("change/", "bring-back/")).status_code == 302
        shop.ben.refresh_from_db()
        assert shop.ben.is_active

    def test_closes_a_log_in_and_moves_everything_on(self, boss: Client, shop: desk.Company) -> None:
        user = shop.ben.user
        url = address(User, "change", user.pk)
        assert "by the routing rules" in boss.get(url.replace("change/", "close/")).content.decode()
        assert boss.post(url.replace("change/", "close/")).status_code == 302
        user.refresh_from_db()
        shop.ben.refresh_from_db()
        assert (user.is_active, shop.ben.is_active) == (False, False)
        assert not Handoff.objects.open().of_user(user).exists()
        assert boss.post(url.replace("change/", "reopen/")).status_code == 302
        user.refresh_from_db()
        assert user.is_active

    def test_moves_on_what_somebody_holds_for_a_team_they_are_taken_off(self, boss: Client, shop: desk.Company) -> None:
        url = address(type(shop.team), "change", shop.team.pk)
        fields = Page(boss.get(url).content.decode()).fields
        place = next(
            name.removesuffix("-user")
            for name, value in fields.items()
            if name.endswith("-user") and value == [str(shop.ben.user_id)]
        )
        assert post(boss, url, **{f"{place}-DELETE": "on"}).status_code == 302
        assert not TeamMembership.objects.filter(user=shop.ben.user).exists()
        assert not Handoff.objects.open().of_user(shop.ben.user).exists()

    def test_refuses_overlapping_absences_in_a_sentence(self, boss: Client, shop: desk.Company) -> None:
        since = datetime(2031, 3, 3, tzinfo=UTC)
        standing = Absence.objects.create(rep=shop.ada, starts_at=since, ends_at=since + timedelta(days=1))
        times = {
            "starts_at_0": f"{standing.starts_at:%Y-%m-%d}", "starts_at_1": "09:00",
            "ends_at_0": f"{standing.ends_at + timedelta(days=1):%Y-%m-%d}", "ends_at_1": "09:00",
        }  # fmt: skip
        response = post(boss, address(Absence, "add"), rep=shop.ada.pk, **times)
        assert "already away Mon 3 Mar 2031" in str(errors_of(response))

    def test_tells_an_absence_with_its_history(self, boss: Client, shop: desk.Company) -> None:
        times = {"starts_at_0": "2031-03-03", "starts_at_1": "09:00", "ends_at_0": "2031-03-04", "ends_at_1": "09:00"}
        assert post(boss, address(Absence, "add"), rep=shop.ada.pk, **times).status_code == 302
        told = Absence.objects.get(rep=shop.ada, starts_at__year=2031)
        assert post(boss, address(Absence, "change", told.pk), why="Fair").status_code == 302
        assert boss.post(address(Absence, "delete", told.pk), {"post": "yes"}).status_code == 302
        history = AbsenceChange.objects.filter(absence=told.public_id).values_list("what", flat=True)
        assert list(history) == ["added", "changed", "cancelled"]
