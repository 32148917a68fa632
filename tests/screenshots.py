"""Pictures of the running demo: `make screenshots` while `make demo` runs.

Those of the README go to docs/img; one of every page each role comes to by links, light, dark and on a phone, with an
index of them, to var/pictures, to be looked at.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
OF_README: Final = ROOT / "docs" / "img"
ALL: Final = ROOT / "var" / "pictures"
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": WIDE, "color_scheme": "light"},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
}
ROLES: Final = ("rep", "manager", "marketing", "revops", "admin")
KEY: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b\d+\b")
# What ends the session, is no page, or is somebody else's.
LEFT_OUT: Final = re.compile(r"/logout|\.csv|\.ics|\.js|/api/|/export|/static/|/i18n/|/jsi18n|/history/|/delete/")
MOST: Final = 120


def signed_in(browser: Browser, demo: dict[str, Any], role: str, look: str = "light", which: int | None = None) -> Page:
    """A page of somebody with this role; of the reps the one who has most to show."""
    people = [each for each in demo["users"] if each["role"] == role]
    who = people[(demo.get("busiest", 0) if role == "rep" else 0) if which is None else which]
    page = browser.new_context(base_url=demo["url"], **LOOKS[look]).new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", who["email"])
    page.fill("input[name=password]", who["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/inbox/**" if role == "rep" else "**/*")
    page.wait_for_load_state("networkidle")
    return page


def busiest(browser: Browser, demo: dict[str, Any]) -> int:
    """Which of the reps has most to decide."""
    loads = []
    for number, _ in enumerate(each for each in demo["users"] if each["role"] == "rep"):
        page = signed_in(browser, demo, "rep", which=number)
        page.goto("/inbox/")
        loads.append(page.locator("a[href^='/leads/']").count())
        page.context.close()
    return loads.index(max(loads))


def picture(page: Page, where: Path, *, full: bool = True) -> None:
    """Write one picture; all of the page, or the top of it."""
    page.wait_for_load_state("networkidle")
    where.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(where), full_page=full)
    sys.stdout.write(f"{where.relative_to(ROOT)}\n")


def for_readme(browser: Browser, demo: dict[str, Any]) -> None:
    """The best of them, as a rep and a manager have them before their eyes."""
    rep = signed_in(browser, demo, "rep")
    rep.goto("/inbox/")
    picture(rep, OF_README / "inbox.png", full=False)
    links = [link.get_attribute("href") or "" for link in rep.locator("a[href^='/leads/']").all()]
    rep.goto(next((link for link in links if KEY.search(link)), "/leads/"))
    picture(rep, OF_README / "lead.png")
    manager = signed_in(browser, demo, "manager")
    manager.goto("/board/")
    if manager.locator(".due summary").count():
        manager.locator(".due summary").first.click()
    picture(manager, OF_README / "board.png", full=False)
    manager.goto("/simulator/?go=yes&lead.country=Germany&episode.tier=hot")
    manager.locator(".more-of summary").click()
    picture(manager, OF_README / "simulator.png", full=False)


def pages_of(page: Page) -> Iterator[tuple[str, str]]:
    """Each kind of page that can be reached by links from where this person begins: its shape, and one address."""
    host = urlsplit(page.url).netloc
    ahead, known = deque([urlsplit(page.url).path]), set[str]()
    while ahead and len(known) < MOST:
        path = ahead.popleft()
        shape = KEY.sub("*", urlsplit(path).path)
        if shape in known:
            continue
        known.add(shape)
        answer = page.goto(path)
        if answer is None or not answer.ok or "text/html" not in answer.headers.get("content-type", ""):
            continue
        yield shape, path
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        for parts in map(urlsplit, links):
            if parts.netloc == host and not LEFT_OUT.search(parts.path):
                ahead.append(parts._replace(scheme="", netloc="", fragment="").geturl())


def every_page(browser: Browser, demo: dict[str, Any]) -> None:
    """One picture of each kind of page, of the first role that comes to it, in every look."""
    taken: dict[str, list[Path]] = {}
    for role in ROLES:
        walker = signed_in(browser, demo, role)
        others = {look: signed_in(browser, demo, role, look) for look in LOOKS if look != "light"}
        for shape, path in pages_of(walker):
            if shape in taken:
                continue
            name = shape.strip("/").replace("/", "-").replace("*", "one") or "home"
            taken[shape] = []
            for look, page in ({"light": walker} | others).items():
                if page is not walker:
                    page.goto(path)
                taken[shape].append(ALL / look / f"{role}-{name}.png")
                picture(page, taken[shape][-1])
        for page in (walker, *others.values()):
            page.context.close()
    rows = [
        f"<h2>{escape(shape)}</h2><p>{''.join(f'<img height=600 src={each.relative_to(ALL)}> ' for each in pictures)}"
        for shape, pictures in sorted(taken.items())
    ]
    (ALL / "index.html").write_text(f"<!doctype html><title>Every page</title>{''.join(rows)}")
    sys.stdout.write(f"{len(taken)} pages: {(ALL / 'index.html').relative_to(ROOT)}\n")


def main() -> None:
    demo = json.loads((ROOT / "var" / "demo.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("BATON_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        demo["busiest"] = busiest(browser, demo)
        for_readme(browser, demo)
        every_page(browser, demo)
        browser.close()


if __name__ == "__main__":
    main()
