"""From the admin there is a way back to every page of the desk that a person may open, and to no other."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from config.unfold import DESK
from leads.models import Role
from tests.desk import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [each.value for each in Role if each != Role.REP])
def test_leads_to_the_pages_of_the_desk(client: Client, role: str) -> None:
    who = person(role, "Theo Marsh")
    who.is_staff = True
    who.save()
    client.force_login(who)
    page = client.get(reverse("admin:index")).content.decode()

    shown = {name for _, _, name, _ in DESK if f'href="{reverse(name)}"' in page}
    opens = {name for _, _, name, _ in DESK if client.get(reverse(name)).status_code == 200}
    assert shown == opens
    assert "leads" in opens


def test_lights_the_page_one_is_on_and_no_page_of_the_desk(client: Client) -> None:
    who = person(Role.ADMIN, "Ada Boss")
    who.is_staff = True
    who.save()
    client.force_login(who)
    page = client.get(reverse("admin:leads_endpoint_changelist")).content.decode()
    assert re.findall(r'<a href="([^"]*)" class="[^"]*\bactive\b', page) == [reverse("admin:leads_endpoint_changelist")]
