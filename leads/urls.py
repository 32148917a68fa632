"""Addresses of the ground floor's doors for machines."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from leads.tracking import CALLS, tracking

urlpatterns: list[URLPattern] = [
    re_path(rf"^v1/(?P<call>{'|'.join(sorted(CALLS))})/?$", tracking, name="tracking"),
]
