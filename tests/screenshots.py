"""Pictures of the running demo: `make screenshots` while `make demo` runs. Writes docs/img/*.png."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}


def signed_in(
    browser: Browser, demo: dict[str, Any], role: str, *, dark: bool = False, phone: bool = False, user: int = 0
) -> Page:
    """A page of somebody with this role."""
    who = [each for each in demo["users"] if each["role"] == role][user]
    context = browser.new_context(
        viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", base_url=demo["url"]
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", who["email"])
    page.fill("input[name=password]", who["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    return page


def picture(page: Page, name: str, *, full: bool = False) -> None:
    """Write one picture; the top of the page, or all of it."""
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(ROOT / "docs" / "img" / f"{name}.png"), full_page=full)
    sys.stdout.write(f"docs/img/{name}.png\n")


def main() -> None:
    demo = json.loads((ROOT / "var" / "demo.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("BATON_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        rep = signed_in(browser, demo, "rep", user=2)
        rep.goto("/inbox/")
        picture(rep, "inbox")
        links = [link.get_attribute("href") or "" for link in rep.locator("a[href^='/leads/']").all()]
        lead = next((link for link in links if link.count("-") == 4), "/inbox/")
        rep.goto(lead)
        picture(rep, "lead", full=True)
        dark = signed_in(browser, demo, "rep", dark=True, user=2)
        dark.goto("/inbox/")
        picture(dark, "inbox-dark")
        dark.goto(lead)
        picture(dark, "lead-dark", full=True)
        phone = signed_in(browser, demo, "rep", phone=True, user=2)
        phone.goto("/inbox/")
        picture(phone, "inbox-phone")
        phone.goto(lead)
        picture(phone, "lead-phone", full=True)
        manager = signed_in(browser, demo, "manager")
        manager.goto("/board/")
        if manager.locator(".due summary").count():
            manager.locator(".due summary").first.click()
        picture(manager, "board")
        manager.goto("/simulator/?go=yes&lead.country=Germany&episode.tier=hot")
        manager.locator(".more-of summary").click()
        picture(manager, "simulator")
        admin = signed_in(browser, demo, "admin")
        for name, path in (
            ("admin-version", "/admin/scoring/definitionversion/"),
            ("admin-calendar", "/admin/sla/calendar/"),
            ("admin-policy", "/admin/sla/policyversion/"),
            ("admin-rules", "/admin/sla/routingrule/"),
        ):
            admin.goto(path)
            first = admin.locator("#result_list tbody tr th a, #result_list tbody tr td a").first
            if first.count():
                first.click()
            picture(admin, name, full=True)
        browser.close()


if __name__ == "__main__":
    main()
