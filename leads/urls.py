"""Which address opens which door of the ground floor, for machines and for people."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from leads import views
from leads.tracking import CALLS, tracking

urlpatterns: list[URLPattern] = [
    re_path(rf"^v1/(?P<call>{'|'.join(sorted(CALLS))})/?$", tracking, name="tracking"),
    path("leads/", views.find, name="leads"),
    path("leads/<uuid:public_id>/", views.lead, name="lead"),
    path("preferences/", views.prefer, name="preferences"),
    path("preferences/mail/", views.mail, name="mail-preferences"),
]
