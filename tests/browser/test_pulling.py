"""The next one of the pool, asked for in a real browser."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import expect

from sla import handoffs
from sla.models import Handoff, Rep
from tests.browser.conftest import Visit
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


class TestPulling:
    def test_brings_its_row_a_toast_and_the_count_or_says_why_not(
        self, firm: Company, visit: Visit, now: datetime
    ) -> None:
        episodes = [firm.episode(firm.lead(now=now), now=now) for _ in range(2)]
        for episode in episodes:
            for _ in range(2):
                handoffs.move_on(firm.offer(episode, now=now, rep=firm.ada), why="breach", now=now)
                episode.refresh_from_db()
        page = visit(firm.ben.user, "/inbox/", expect_status=(409,))
        button = page.get_by_role("button", name="Give me the next one")
        expect(button).to_have_accessible_description("2 wait in the pool.")
        button.click()
        expect(page.locator("#toasts")).to_contain_text(f"Yours to decide: {episodes[0].lead.name}")
        handoff = Handoff.objects.open().get()
        expect(page.locator(f"#row-{handoff.public_id}")).to_be_visible()
        expect(button).to_have_accessible_description("1 waits in the pool.")

        Rep.objects.filter(pk=firm.ben.pk).update(capacity=1)
        button.click()
        expect(page.locator("#toasts")).to_contain_text("You have no room: 1 open of 1. Answer one first.")
        assert Handoff.objects.open().get() == handoff
