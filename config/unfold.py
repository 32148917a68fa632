"""How the admin looks: its name, its colors, and a sidebar made of what the three floors have registered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

FLOORS = (("leads", "Facts"), ("scoring", "Judgements"), ("sla", "Promises"))
RUN_THE_FLOOR = frozenset({"manager", "revops", "admin"})
READ_REJECTIONS = frozenset({"marketing", "revops", "admin"})
# Title, icon and route of a page of the desk, and the roles that may open it; None is everybody.
DESK: tuple[tuple[str, str, str, frozenset[str] | None], ...] = (
    ("Board", "table", "board", RUN_THE_FLOOR),
    ("Find a lead", "person_search", "leads", None),
    ("Rejections", "thumb_down", "rejections", READ_REJECTIONS),
    ("Attainment", "bar_chart", "attainment", None),
    ("Simulator", "science", "simulator", RUN_THE_FLOOR),
    ("Status", "monitor_heart", "status", RUN_THE_FLOOR),
)

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Baton",
    "SITE_HEADER": "Baton",
    "SITE_SUBHEADER": "Admin",
    "SITE_ICON": "config.unfold.mark",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.unfold.mark"}],
    "STYLES": ["config.unfold.sheet"],
    "THEME": "config.unfold.theme",
    "BORDER_RADIUS": "6px",
    "COLORS": {
        # The greys of the desk, as static/css/base.css says them: of a light page down to 300, of a dark one from 700.
        "base": {
            "50": "#f6f6f4",
            "100": "#f1f1ee",
            "200": "#e4e3df",
            "300": "#cfcec8",
            "400": "#a0a4ac",
            "500": "#63635f",
            "600": "#4d5160",
            "700": "#3c4048",
            "800": "#2b2e34",
            "900": "#1a1c20",
            "950": "#131417",
        },
        "primary": {
            "50": "oklch(97.2% .013 275)",
            "100": "oklch(94% .028 275)",
            "200": "oklch(88.5% .058 275)",
            "300": "oklch(81.5% .09 275)",
            "400": "oklch(76% .115 275)",
            "500": "oklch(70% .14 275)",
            "600": "oklch(49.5% .2 272)",
            "700": "oklch(43% .18 272)",
            "800": "oklch(37% .15 272)",
            "900": "oklch(32% .11 273)",
            "950": "oklch(24% .08 274)",
        },
    },
    "SIDEBAR": {"show_search": True, "navigation": "config.unfold.sidebar"},
}


def mark(request: HttpRequest) -> str:
    """Our mark, for the tab of the browser."""
    return static("mark.svg")


def sheet(request: HttpRequest) -> str:
    """What we add to the look."""
    return static("css/admin.css")


def theme(request: HttpRequest) -> str | None:
    """The theme a person chose for all of Baton; None leaves it to the system and the switch."""
    chosen = getattr(request.user, "theme", "")
    return chosen if chosen in ("light", "dark") else None


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """What this person may open, one group a floor, in the order in which each floor registered it."""
    from django.contrib import admin  # settings import this file before there are apps
    from django.urls import reverse

    groups = []
    for label, title in FLOORS:
        items = [
            {
                "title": getattr(model_admin, "called", "") or str(model._meta.verbose_name_plural).capitalize(),
                "icon": getattr(model_admin, "icon", "circle"),
                "link": reverse(f"admin:{label}_{model._meta.model_name}_changelist"),
            }
            for model, model_admin in admin.site._registry.items()
            if model._meta.app_label == label
            and getattr(model_admin, "in_sidebar", True)
            and model_admin.has_view_permission(request)
        ]
        groups.append({"title": title, "collapsible": False, "separator": True, "items": items})
    return [_desk(request), *groups]


def _desk(request: HttpRequest) -> dict[str, Any]:
    """The way back from the admin to those pages of the desk that this person may open; none is where they are."""
    from django.urls import reverse

    roles: frozenset[str] = getattr(request.user, "roles", frozenset())
    items = [
        {"title": title, "icon": icon, "link": reverse(name), "active": False}
        for title, icon, name, readers in DESK
        if readers is None or roles & readers
    ]
    return {"title": "Desk", "collapsible": False, "separator": False, "items": items}
