"""What is long, wide or written the other way round: it fits, and disturbs nothing beside it."""

from __future__ import annotations

from datetime import datetime

import pytest

from leads.models import Lead, User
from scoring.assessment import assess
from scoring.models import Episode
from sla import routing
from sla.models import Handoff, RoutingRule
from tests.browser.conftest import PHONE, Visit
from tests.desk import Company, act

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

AT_1280 = {"width": 1280, "height": 800}
TOO_WIDE = "of => [...document.querySelectorAll(of)].filter(each => each.scrollWidth > each.clientWidth + 1).length"


ONE_LINE = """() => [...document.querySelectorAll('.menu-sheet kbd, .choices button')]
    .every(each => each.getClientRects().length === 1 && each.clientHeight < 40)"""


@pytest.mark.parametrize("viewport", [AT_1280, PHONE], ids=["1280", "phone"])
def test_a_name_without_a_blank_leaves_the_table_as_it_is(
    firm: Company, visit: Visit, now: datetime, viewport: dict[str, int]
) -> None:
    lead, other = firm.lead(now=now), firm.lead(now=now)
    page = visit(firm.manager, "/leads/", viewport=viewport)
    columns = "document.querySelector('.table thead tr').getBoundingClientRect().width"
    before = page.evaluate(columns)
    Lead.objects.filter(pk=lead.pk).update(first_name="W" * 120, title="D" * 120)
    page.reload()
    assert page.evaluate(columns) <= before + 80
    beside = page.get_by_role("link", name=other.name).bounding_box()
    assert beside is not None
    assert beside["width"] > 60


def test_the_parts_of_the_inbox_stand_beside_each_other_with_many_leads(
    firm: Company, visit: Visit, now: datetime
) -> None:
    firm.offered(now=now)
    page = visit(firm.ben.user, "/inbox/", viewport=AT_1280)
    page.evaluate("for (const each of document.querySelectorAll('.tabs .count')) each.textContent = '28'")
    assert page.evaluate(TOO_WIDE, ".tabs") == 0


def test_keys_and_dates_in_the_menu_are_on_one_line(firm: Company, visit: Visit, now: datetime) -> None:
    page = visit(firm.ben.user, "/inbox/", viewport=AT_1280)
    page.locator(".menu summary").click()
    assert page.evaluate(ONE_LINE)
    assert page.evaluate(TOO_WIDE, ".menu-sheet") == 0


def test_a_colleague_who_joined_is_told_of_across_the_card(firm: Company, visit: Visit, now: datetime) -> None:
    lead = firm.lead(now=now)
    colleague = firm.colleague(lead, now=now, first_name="Olaf")
    for each in (lead, colleague):
        act(each, "Visited Pricing Page", at=now)
        assess(now=now)
    routing.route(Episode.objects.get().pk, now=now)
    page = visit(Handoff.objects.get().user, "/inbox/", viewport=AT_1280)
    told, bar, state = (page.locator(each).bounding_box() for each in (".company", ".promise-bar", ".promise-state"))
    assert told is not None
    assert bar is not None
    assert state is not None
    assert told["width"] > 0.9 * bar["width"]
    assert state["width"] > 200


@pytest.mark.parametrize("path", ["/admin/sla/routingrule/", "/admin/sla/checklist/"])
def test_a_long_cell_of_the_admin_is_read_whole_on_a_phone(firm: Company, visit: Visit, path: str) -> None:
    countries = [f"Country of number {number}" for number in range(12)]
    rule = {"name": "Everywhere", "condition": {"field": "lead.country", "op": "in", "value": countries}}
    RoutingRule.objects.update(**rule)
    User.objects.filter(pk=firm.manager.pk).update(is_staff=True)
    page = visit(firm.manager, path, viewport=PHONE)
    cells = page.locator("#result_list td:not([class*=action])")
    cut = cells.evaluate_all(
        "all => all.filter(each => each.scrollHeight > each.clientHeight + 1).map(e => e.innerText)"
    )
    assert cells.count() > 3
    assert cut == []
