"""Whoever belongs to no team, where nothing has happened yet, is answered by every page as the table says."""

from __future__ import annotations

import pytest
from django.test import Client

from leads.models import Role
from sla.models import Rep
from tests.desk import person
from tests.routes.table import TABLE

ROWS = [row for rows in TABLE.values() for row in rows if row.method == "GET" and not row.thing and not row.is_api]


@pytest.mark.django_db
@pytest.mark.parametrize("role", [each.value for each in Role])
def test_every_page_is_there(role: str) -> None:
    client = Client()
    who = person(role, "Nora New")
    who.is_staff = role != Role.REP
    who.save()
    if role == Role.REP:
        Rep.objects.create(user=who, capacity=20)
    client.force_login(who)
    assert len(ROWS) > 40
    wrong = []
    for row in ROWS:
        got, expected = client.get(row.path).status_code, row.answers.of(role)
        if got != expected:
            wrong.append(f"{row.path}: {got}, the table says {expected}")
    assert not wrong, "\n".join(wrong)
