"""What everybody can read: axe finds nothing and nothing sticks out, in both lights, at a desk and on a phone.

A page is opened once and looked at in several ways: to open it again costs more than to look.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe, AxeResults
from playwright.sync_api import Page, ViewportSize

AXE = Axe()


def axe(page: Page, *, within: str = "html", **options: Any) -> AxeResults:
    """What axe says of a page as it stands. A document is given axe once, however often it is asked."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    told = page.evaluate(
        "([within, options]) => axe.run({include: [within]}, options)",
        [within, {"resultTypes": ["violations"], "preload": False, **options}],
    )
    return AxeResults(told)


def finds_nothing(page: Page, *, within: str = "html", **options: Any) -> None:
    """Axe has looked, at colours too, and found nothing."""
    found = axe(page, within=within, **options)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert "color-contrast" in {rule["id"] for rule in found.response["passes"]}, page.url


def is_clean(page: Page, *sizes: ViewportSize, within: str = "html") -> None:
    """Axe finds nothing in either light, and nothing sticks out, at each of these sizes.

    Every page as it opens, with all its sheets, is looked at by test_every_page; what a test has opened is `within`.
    """
    for size in sizes:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        finds_nothing(page, within=within)
        # What is dark differs by its colours alone.
        page.emulate_media(color_scheme="dark")
        finds_nothing(page, within=within, runOnly=["color-contrast"])
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url
