"""Hands, eyes and ears: targets large enough, focus in the order of the page and seen, news said, motion left out."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from scoring.models import Tier
from tests.browser.conftest import PHONE, WIDE, Visit
from tests.browser.test_inbox import poll
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# What can be pressed and is seen; a link within a sentence may be as high as its line (WCAG 2.5.8).
TARGETS = """least => {
    const inline = element => element.localName === 'a' && getComputedStyle(element).display === 'inline';
    // What is pressed is the label of a box, and the whole row of a link that spreads over it.
    const box = element => (element.matches('input') ? element.closest('label') ?? element
        : element.matches('.row-link') ? element.closest('.row') : element).getBoundingClientRect();
    const seen = each => each.checkVisibility({visibilityProperty: true}) && !each.closest('.said, .skip');
    return [...document.querySelectorAll(least.of)].filter(each => seen(each) && !inline(each))
        .map(each => [box(each), each])
        .filter(([{width, height}]) => width > 1 && (height < least.size - .5 || width < least.size - .5))
        .map(([{width, height}, each]) => `${Math.round(width)}x${Math.round(height)} ${each.outerHTML.slice(0, 140)}`);
}"""
ALL = "a[href], button, summary, select, textarea, input:not([type=hidden])"
MAIN = ".button, .log-chip, .tabs a, .top nav a, .menu summary, .pill, .row-accept button, .toast-undo"
# Of what stands beside each other in one parent, the later one is neither above nor further left in the same line.
OUT_OF_ORDER = """() => {
    const found = [];
    const last = new Map();
    const takes = 'a[href], button, summary, select, textarea, input:not([type=hidden])';
    for (const each of document.querySelectorAll(takes)) {
        if (!each.checkVisibility({visibilityProperty: true})) continue;
        if (each.closest('.said, .skip, dialog, .toasts')) continue;
        if (each.tabIndex > 0) found.push(`tabindex: ${each.outerHTML.slice(0, 100)}`);
        const here = each.getBoundingClientRect();
        const before = last.get(each.parentElement);
        if (before && (here.bottom <= before.top || (here.right <= before.left && here.top < before.bottom)))
            found.push(each.outerHTML.slice(0, 140));
        last.set(each.parentElement, here);
    }
    return found;
}"""
# Something of it is seen: neither under the head of the page nor under a bar at its foot, nor outside of the screen.
HIDDEN_BEHIND = """() => {
    const at = document.activeElement;
    const place = at.matches('input') ? at.closest('label') ?? at : at;
    const {left, top, width, height} = place.getBoundingClientRect();
    const parts = [.1, .3, .5, .7, .9];
    const seen = parts.some(x => parts.some(y => {
        const found = document.elementFromPoint(left + width * x, top + height * y);
        return found && (place.contains(found) || found.contains(place) && found.localName === 'a');
    }));
    const over = document.elementFromPoint(left + width / 2, top + height / 2);
    return seen ? '' : `${at.outerHTML.slice(0, 110)} behind ${over?.outerHTML.slice(0, 60) ?? 'nothing'}`;
}"""
RING = """() => {
    const at = document.activeElement.closest('.row') ?? document.activeElement;
    const own = getComputedStyle(document.activeElement);
    const style = own.outlineStyle === 'none' ? getComputedStyle(at) : own;
    return {style: style.outlineStyle, width: parseFloat(style.outlineWidth), color: style.outlineColor};
}"""
MOVING = """() => [...document.querySelectorAll('*')].filter(each => {
    const style = getComputedStyle(each);
    const animated = style.animationName === 'none' ? [] : style.animationDuration.split(',');
    return [...style.transitionDuration.split(','), ...animated].some(each => parseFloat(each) > .01);
}).map(each => each.outerHTML.slice(0, 120))"""


def pages(firm: Company, now: datetime) -> list[tuple[str, str]]:
    """Who looks at what: an inbox of several, a lead that was accepted, a board."""
    for each in (Tier.HOT, Tier.WARM, Tier.COOL):
        firm.offered(now=now, tier=each)
    lead = firm.accepted(now=now).episode.lead
    return [("rep", "/inbox/"), ("rep", f"/leads/{lead.public_id}/"), ("manager", "/board/")]


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-settling, .htmx-swapping')")


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.closest('dialog')?.id || document.activeElement.id")
    return found


class TestHands:
    def test_meet_targets_large_enough(self, firm: Company, visit: Visit, now: datetime) -> None:
        wrong = []
        for who, path in pages(firm, now):
            user = firm.manager if who == "manager" else firm.ben.user
            page = visit(user, path)
            settled(page)
            page.evaluate("document.querySelectorAll('.answer, .menu').forEach(each => each.open = true)")
            wrong += [f"{path} wide: {each}" for each in page.evaluate(TARGETS, {"of": ALL, "size": 24})]
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            wrong += [f"{path} narrow: {each}" for each in page.evaluate(TARGETS, {"of": ALL, "size": 24})]
            phone = visit(user, path, viewport=PHONE, has_touch=True, is_mobile=True)
            settled(phone)
            wrong += [f"{path} on a phone: {each}" for each in phone.evaluate(TARGETS, {"of": MAIN, "size": 44})]
        assert not wrong, "\n".join(wrong)


class TestFocus:
    def test_goes_as_the_page_reads(self, firm: Company, visit: Visit, now: datetime) -> None:
        wrong = []
        for who, path in pages(firm, now):
            page = visit(firm.manager if who == "manager" else firm.ben.user, path)
            settled(page)
            page.evaluate("document.querySelectorAll('.menu').forEach(each => each.open = true)")
            for each in ("accept", "touch", "reject", "convert"):
                page.evaluate(
                    "of => document.querySelector(`details[data-answer=${of}]`)?.setAttribute('open', '')", each
                )
                wrong += [f"{path}: {each}" for each in page.evaluate(OUT_OF_ORDER)]
        assert not wrong, "\n".join(dict.fromkeys(wrong))

    def test_stays_in_a_sheet_and_comes_back_from_it(self, firm: Company, visit: Visit, now: datetime) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        settled(page)
        page.locator("#search").focus()
        page.keyboard.press("Escape")
        page.locator("#rows .row-link").focus()
        before = page.evaluate("document.activeElement.outerHTML")
        for key, sheet in (("?", "keys"), ("Control+k", "palette")):
            page.keyboard.press(key)
            expect(page.locator(f"#{sheet}")).to_be_visible()
            for _ in range(6):
                page.keyboard.press("Tab")
                # A dialog lets focus go to the browser itself, and never to the page behind it.
                assert focused(page) in (sheet, ""), focused(page)
            page.keyboard.press("Escape")
            expect(page.locator(f"#{sheet}")).to_be_hidden()
            assert page.evaluate("document.activeElement.outerHTML") == before

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_is_seen(self, firm: Company, visit: Visit, now: datetime, scheme: str) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/", color_scheme=scheme)
        settled(page)
        grounds = page.evaluate(
            "['body', '.list', '.top'].map(each => getComputedStyle(document.querySelector(each)).backgroundColor)"
        )
        for _ in range(25):
            page.keyboard.press("Tab")
            ring = page.evaluate(RING)
            place = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
            assert ring["style"] not in ("none", "hidden"), place
            assert ring["width"] >= 2, place
            assert ring["color"] not in grounds, place

    @pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
    def test_is_never_hidden_behind_a_bar(
        self, firm: Company, visit: Visit, now: datetime, viewport: dict[str, int]
    ) -> None:
        wrong = []
        for who, path in pages(firm, now):
            page = visit(firm.manager if who == "manager" else firm.ben.user, path, viewport=viewport)
            settled(page)
            for way in ("Tab", "Shift+Tab"):
                for _ in range(45):
                    page.keyboard.press(way)
                    if page.evaluate("document.activeElement === document.body"):
                        break
                    wrong.append(f"{path} by {way}: {page.evaluate(HIDDEN_BEHIND)}")
        wrong = [each for each in dict.fromkeys(wrong) if not each.endswith(": ")]
        assert not wrong, "\n".join(wrong)


class TestEars:
    def test_hear_of_new_leads_once_and_of_what_was_undone(self, firm: Company, visit: Visit, now: datetime) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        settled(page)
        news, toasts = page.locator("#news"), page.locator("#toasts")
        expect(news).to_have_attribute("role", "status")
        expect(toasts).to_have_attribute("aria-live", "polite")
        page.evaluate(
            "window.said = 0; new MutationObserver(() => window.said++)"
            ".observe(document.querySelector('#news'), {childList: true, characterData: true, subtree: true})"
        )
        firm.offered(now=now)
        for _ in range(2):
            poll(page)
            settled(page)
            expect(news).to_have_text("1 new lead in your inbox")
        assert page.evaluate("window.said") == 1
        page.keyboard.press(".")
        expect(page.locator("#rows .row")).to_have_count(2)
        page.keyboard.press("a")
        expect(toasts).to_contain_text("Accepted: ")
        page.keyboard.press("z")
        expect(toasts).to_contain_text("Undone: ")


class TestMotion:
    def test_is_left_out_for_who_asks_for_none(self, firm: Company, visit: Visit, now: datetime) -> None:
        for who, path in pages(firm, now):
            page = visit(firm.manager if who == "manager" else firm.ben.user, path, reduced_motion="reduce")
            settled(page)
            if who == "rep" and path == "/inbox/":
                page.keyboard.press("a")
                expect(page.locator("#toasts .toast")).to_be_visible()
            assert page.evaluate(MOVING) == [], path
