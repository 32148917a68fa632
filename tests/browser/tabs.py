"""Tabs of a browser that are handed on from test to test, as good as new.

A new one costs two seconds of work before it shows anything: a process, a cache, every script compiled. What a test
leaves behind is taken away from it instead: its page, cookies, what it stored, its routes, its sizes and lights.
"""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Error, Page, Request

# What can be changed on a page that is open; whatever else was asked for is another kind of tab.
LIGHTS = {"color_scheme": "light", "reduced_motion": "no-preference"}
SPARE = 4
PATIENCE = 10.0  # seconds of the wall, as is what counts as quiet: a part that came asks for its own parts at once
QUIET = 0.08


class Tab:
    """One page in a context of its own, and what it complained of."""

    def __init__(self, browser: Browser, url: str, options: dict[str, Any]) -> None:
        self.complaints: list[str] = []
        self.expected: tuple[int, ...] = ()
        self._under_way: set[Request] = set()
        self._went: list[str] = []
        self.context: BrowserContext = browser.new_context(base_url=url, **options)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("dialog", self._asked)
        self.page.on("request", self._began)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)

    def _said(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and not any(f"status of {code}" in said.text for code in self.expected):
            self.complaints.append(said.text)

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _began(self, request: Request) -> None:
        if request.redirected_from is not None:
            self._under_way.discard(request.redirected_from)
        self._under_way.add(request)
        if request.is_navigation_request():
            self._went.append(f"{request.method} {request.url}")

    def _ended(self, request: Request) -> None:
        self._under_way.discard(request)

    def quiet(self) -> None:
        """Wait until nothing is under way, and what came has found its place. What never ends is not waited for."""
        patience, since = time.monotonic() + PATIENCE, time.monotonic()
        while time.monotonic() < min(since + QUIET, patience):
            self.page.wait_for_timeout(20)
            if self._under_way:
                since = time.monotonic()

    def leave(self) -> None:
        """Let what is under way end before the database is emptied."""
        self.quiet()
        for other in self.context.pages:
            if other != self.page:
                other.wait_for_load_state("networkidle")
                other.close()

    def shown(self) -> str:
        """The way it took, the beginning of what can be read on it, and what is under way: why a test failed."""
        try:
            text = str(
                self.page.evaluate("[innerWidth, innerHeight, document.body?.innerText.slice(0, 2000)].join('\\n')")
            )
        except Error as error:
            text = str(error)
        return "\n".join([*self._went, text, *self.complaints, *(f"under way: {each.url}" for each in self._under_way)])

    def forget(self) -> None:
        """As good as new."""
        self.page.unroute_all()
        if self.page.url.startswith("http"):
            self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        self.page.goto("about:blank")
        self.context.clear_cookies()
        self._under_way.clear()
        self._went.clear()


class Tabs:
    """Those that are free, by what was asked for when they were opened."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.free: list[tuple[dict[str, Any], Tab]] = []

    def take(self, *, own: bool, viewport: dict[str, int], **options: Any) -> Tab:
        """One that is like this; a new one where none is free, or where it shall be one's own."""
        lights = {name: options.pop(name, usual) for name, usual in LIGHTS.items()}
        found = next((each for each in self.free if each[0] == options and not own), None)
        if found is not None:
            self.free.remove(found)
        tab = found[1] if found else Tab(self.browser, self.url, {"viewport": viewport, **options})
        tab.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        if "is_mobile" not in options:
            tab.page.wait_for_function("size => innerWidth === size.width && innerHeight === size.height", arg=viewport)
        tab.page.emulate_media(**lights)
        tab.complaints.clear()
        return tab

    def give_back(self, tab: Tab, *, own: bool, **options: Any) -> None:
        """Kept for the next, unless it was somebody's own or has gone."""
        if own or tab.page.is_closed():
            tab.context.close()
            return
        tab.forget()
        self.free.append(({name: value for name, value in options.items() if name not in (*LIGHTS, "viewport")}, tab))
        if len(self.free) > SPARE:
            self.free.pop(0)[1].context.close()

    def close(self) -> None:
        for _, tab in self.free:
            tab.context.close()
