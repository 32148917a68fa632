"""A manager's path in a real browser, told once.

RevOps sets hours, holidays and a ladder; the manager plans an absence, asks the simulator, and sees a lead break its
promise and move on, on the board, in its story, and in the mails that arrive. Time stands still but for leaps.
BATON_PICTURES names a folder in which every step leaves its picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
import requests
from django.core.management import call_command
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from leads import clock
from leads.models import Team, User
from sla.demo import company
from sla.models import Handoff, State
from tests.browser.conftest import PHONE, Visit
from tests.desk import rep_in
from tests.leads import smtp
from tests.processes import HouseClock, assert_invariants, running_ahead

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

NEW_YORK = ZoneInfo(company.NEW_YORK)
DIRECTOR = {
    "email": "iris@brightforge.example",
    "firstName": "Iris",
    "lastName": "Vale",
    "title": "Director of Operations",
    "address": {"country": "United States"},
    "company": {"name": "Brightforge", "employees": 120},
}
ENOUGH_TO_BE_HOT = (
    *("Started Free Trial", "Downloaded Case Study", "Attended Webinar", "Subscribed to Newsletter"),
    *("Visited Pricing Page", "Visited Pricing Page", "Visited Pricing Page"),
)


@dataclass
class Story:
    """Everything that runs, the days on which it happens, and ways to let time pass and work be done."""

    url: str
    clock: HouseClock
    mails: smtp.Inbox
    monday: date

    @property
    def tuesday(self) -> date:
        return self.monday + timedelta(days=1)

    @property
    def wednesday(self) -> date:
        return self.monday + timedelta(days=2)

    def pass_by(self, day: date, at: str) -> None:
        """Leap to this wall time in New York, and let the clock process do all that is due by then."""
        self.clock.leap(datetime.combine(day, time.fromisoformat(at), NEW_YORK) - clock.now())
        call_command("runclock", once=True, verbosity=0)

    def mails_to(self, person: User, words: str) -> list[Any]:
        return [mail for mail in self.mails.mails if mail["To"] == person.email and words in str(mail["Subject"])]


@pytest.fixture
def story(transactional_db: None, live_server: LiveServer, settings: Any) -> Iterator[Story]:
    settings.BASE_URL = live_server.url
    with running_ahead(speed=0) as ahead, smtp.serving(settings) as mails:
        found = Story(live_server.url, ahead, mails, an_ordinary_monday(clock.now().date()))
        found.pass_by(found.monday, "10:00")
        company.found(now=clock.now())
        rep_in(Team.objects.get(name="Americas"), "Ada Brook", capacity=25)
        yield found


def an_ordinary_monday(today: date) -> date:
    """The first Monday to come with no holiday until Wednesday, and no change of the clocks."""
    days = (today + timedelta(days=number) for number in range(1, 60))
    closed = holidays.country_holidays("US")
    free = ((12, 25), (12, 26), (1, 1))
    return next(
        day
        for day in days
        if day.weekday() == 0
        and not any(each in closed or (each.month, each.day) in free for each in (day, day + timedelta(days=2)))
    )


def person(name: str) -> User:
    return User.objects.get(full_name=name)


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("BATON_PICTURES"):
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_a_manager_sees_a_promise_made_broken_and_passed_on(story: Story, visit: Visit) -> None:
    revops = visit(person("Priya Nair"), "/admin/sla/calendar/")
    sets_hours_and_holidays(story, revops)
    publishes_a_ladder(revops)
    maya = visit(person("Maya Lindqvist"), "/team/")
    plans_an_absence(story, maya)
    first = asks_the_simulator(story, maya)

    story.pass_by(story.monday, "16:40")
    comes_in(story)
    handoff = Handoff.objects.select_related("user", "episode__lead").get()
    assert (handoff.user, handoff.tier) == (first, "hot")
    reads_the_deadline_on_the_board(story, maya, first)

    story.pass_by(story.wednesday, "09:03")
    assert story.mails_to(person("Maya Lindqvist"), "Runs out soon")
    story.pass_by(story.wednesday, "09:11")
    sees_the_breach(story, maya, handoff)

    story.pass_by(story.wednesday, "09:31")
    second = sees_it_move_on(maya, handoff)
    accepts_out_of_the_mail(story, visit, second)
    maya.goto("/board/")
    expect(maya.locator(".board-row")).to_contain_text(f"{second.user.full_name} hop 2")
    expect(maya.locator(".board-state")).to_contain_text("Accepted")
    assert_invariants()


def sets_hours_and_holidays(story: Story, page: Page) -> None:
    """Nine to five, a day of stocktaking, and the country's holidays; the history says what changed."""
    page.get_by_role("link", name="Americas, office hours").first.click()
    for day in ("mon", "tue", "wed", "thu", "fri"):
        page.fill(f"[name={day}]", "09:00-17:00")
    page.fill("[name=holidays]", f"{story.tuesday} Stocktaking")
    page.select_option("[name=regions]", "US", force=True)
    page.fill("[name=why]", "No lunch break, and the stock is counted on Tuesday")
    picture(page, "1-calendar")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("v2 is in force")).to_be_visible()
    page.get_by_role("link", name="Americas, office hours").first.click()
    expect(page.locator("[name=regions]")).to_have_values(["US"])
    page.get_by_role("link", name="History").first.click()
    expect(page.get_by_text("Stocktaking").first).to_be_visible()
    expect(page.get_by_text("No lunch break").first).to_be_visible()
    picture(page, "2-calendar-history")


def publishes_a_ladder(page: Page) -> None:
    """Ten minutes before, the manager hears of it; twenty after, the next rep has it."""
    page.goto("/admin/sla/policy/")
    page.get_by_role("link", name="Standard").first.click()
    page.get_by_role("link", name="Edit the draft, or make one").click()
    hop = page.locator('select[name^="steps-"][name$="-action"]').filter(
        has=page.locator('option[value="hop"]:checked')
    )
    line = str(hop.get_attribute("name")).removesuffix("-action")
    page.fill(f"[name={line}-moment]", "20 min after")
    added = page.input_value("[name=steps-TOTAL_FORMS]")
    page.get_by_text("Add another Ladder step").click()
    page.select_option(f"[name=steps-{added}-target]", "accept")
    page.fill(f"[name=steps-{added}-moment]", "10 min before")
    page.select_option(f"[name=steps-{added}-action]", label="Tell the manager")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(f"[name={line}-moment]")).to_have_value("20 min after")
    picture(page, "3-policy-draft")
    page.get_by_role("link", name="Publish").click()
    page.get_by_label("Why").fill("Nobody waits for a rep who does not answer")
    picture(page, "4-policy-publish")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Standard v2 is in force")).to_be_visible()


def plans_an_absence(story: Story, page: Page) -> None:
    page.get_by_role("link", name="Time off of Chloe Tan").click()
    page.get_by_label("First day").fill(str(story.monday))
    page.get_by_label("Last day").fill(str(story.wednesday))
    page.get_by_label("Why").fill("Family")
    page.get_by_role("button", name="Add time off").click()
    expect(page.locator("#toasts")).to_contain_text("Chloe Tan is away")
    picture(page, "5-time-off")
    page.goto("/team/")
    expect(page.get_by_role("row").filter(has_text="Chloe Tan")).to_contain_text("away until")
    picture(page, "6-team")


def asks_the_simulator(story: Story, page: Page) -> User:
    """Who would get such a lead at 16:40 on Monday, and by when they would have to answer."""
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Simulator").click()
    page.get_by_text("Or describe one").click()
    described = page.locator(".more-of")
    described.get_by_label("Country", exact=True).fill("United States")
    described.get_by_label("Tier").select_option("hot")
    described.get_by_label("When").fill(f"{story.monday}T16:40")
    page.get_by_role("button", name="See where it would go").click()
    expect(page.locator(".goes-to")).to_contain_text("Americas")
    expect(page.get_by_role("row").filter(has_text="Chloe Tan")).to_contain_text(re.compile("away", re.IGNORECASE))
    accept = page.locator(".promised").filter(has_text="Accept: due")
    expect(accept.locator("h3")).to_have_text(
        f"Accept: due {story.wednesday:%a} {story.wednesday.day} {story.wednesday:%b} 09:10"
    )
    expect(accept.locator(".sum-lines")).to_contain_text("20 m")
    expect(accept.locator(".sum-lines")).to_contain_text("10 m")
    expect(accept.locator(".ladder")).to_contain_text(re.compile(r"09:30\s+.*next rep"))
    picture(page, "7-simulator")
    return person(page.locator(".goes-to strong").inner_text())


def comes_in(story: Story) -> None:
    """What the client's own site reports, and the clock process's next pass."""
    who = {"userId": "iris"}
    calls: list[dict[str, Any]] = [{"type": "identify", "messageId": "i", "traits": DIRECTOR, **who}]
    calls += [
        {"type": "track", "messageId": f"t{number}", "event": name, **who}
        for number, name in enumerate(ENOUGH_TO_BE_HOT)
    ]
    batch = {"batch": calls, "writeKey": company.write_key()}
    assert requests.post(f"{story.url}/v1/batch", json=batch, timeout=60).status_code == 200
    call_command("runclock", once=True, verbosity=0)


def reads_the_deadline_on_the_board(story: Story, page: Page, rep: User) -> None:
    """The chip, and by the keyboard its sum: the closed day is not counted."""
    page.goto("/board/")
    row = page.locator(".board-row").filter(has_text="Iris Vale")
    expect(row.locator(".timer")).to_have_attribute("data-state", "ontrack")
    expect(row).to_contain_text(rep.full_name)
    expect(row.locator(".due-sum")).to_be_hidden()
    row.locator(".due summary").focus()
    page.keyboard.press("Enter")
    told = row.locator(".due-sum")
    expect(told).to_be_visible()
    expect(told).to_contain_text("30 m of working time")
    expect(told).to_contain_text("Standard v2, counted in Americas, office hours v2")
    expect(told.locator("li")).to_contain_text(["20 m", "outside hours", "Stocktaking", "outside hours", "10 m"])
    picture(page, "8-board-sum")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()


def sees_the_breach(story: Story, page: Page, handoff: Handoff) -> None:
    """Late on the board, and a mail with the sum whose button opens the lead."""
    page.goto("/board/?show=late")
    expect(page.locator(".number-late b")).to_have_text("1")
    expect(page.locator(".board-row .timer")).to_have_attribute("data-state", "late")
    expect(page.locator(".board-row .timer")).to_contain_text("+1 m late")
    picture(page, "9-board-late")
    mails = story.mails_to(person("Maya Lindqvist"), "Late: accept or reject")
    assert len(mails) == 1
    mail = show(page, mails[0])
    expect(mail.locator("h1")).to_have_text("Late: accept or reject")
    expect(mail.locator("body")).to_contain_text("Iris Vale")
    expect(mail.locator("body")).to_contain_text("09:10 (America/New_York)")
    expect(mail.locator("body")).to_contain_text(f"With: {handoff.user}")
    assert "30 m of working time" in mails[0].get_body(("plain",)).get_content()
    picture(mail, "10-mail-breach")
    mail.get_by_role("link", name="Open the lead").click()
    expect(mail.locator("h1")).to_have_text("Iris Vale")
    expect(mail.locator(".promise .timer").first).to_have_attribute("data-state", "late")
    picture(mail, "11-lead-late")


def sees_it_move_on(page: Page, first: Handoff) -> Handoff:
    """The next rep has it: on the board, and in the lead's story with why it is them and why nobody else."""
    second = Handoff.objects.select_related("user").get(episode=first.episode, hop=2)
    assert second.user not in (first.user, person("Chloe Tan"))
    page.goto("/board/")
    expect(page.locator(".board-row")).to_contain_text(f"{second.user.full_name} hop 2")
    page.get_by_role("link", name="Iris Vale", exact=True).click()
    why = page.locator(".why-rep")
    expect(why).to_contain_text(f"Why {second.user.full_name}")
    expect(why).to_contain_text("Chloe Tan (")
    expect(page.locator(".story")).to_contain_text("Accept ran past due")
    picture(page, "12-lead-moved-on")
    return second


def accepts_out_of_the_mail(story: Story, visit: Visit, offered: Handoff) -> None:
    """On a phone, signed in nowhere: the mail's button only asks; the answer is given on the page."""
    (mail,) = story.mails_to(offered.user, "New lead: Iris Vale")
    phone = show(visit(None, "/accounts/login/", viewport=PHONE, has_touch=True, own=True), mail)
    expect(phone.locator("body")).to_contain_text("is offered to you")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    picture(phone, "13-mail-offer")
    phone.get_by_role("link", name="Accept", exact=True).click()
    expect(phone.locator("h1")).to_contain_text("Iris Vale")
    expect(phone.locator("body")).to_contain_text(f"You answer as {offered.user}")
    picture(phone, "14-mail-answer")
    assert Handoff.objects.get(pk=offered.pk).state == State.OFFERED
    phone.get_by_role("button", name="Accept").click()
    expect(phone.locator("h1")).to_contain_text("Accepted")
    picture(phone, "15-mail-accepted")
    assert Handoff.objects.get(pk=offered.pk).state == State.ACCEPTED


def show(page: Page, mail: Any) -> Page:
    """The HTML of a mail, as this person's browser shows it."""
    reader = page.context.new_page()
    reader.set_content(mail.get_body(("html",)).get_content())
    return reader
