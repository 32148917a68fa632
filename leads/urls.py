"""Which address opens which door of the ground floor, for machines and for people."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from leads import joining_door, views
from leads.importing import door as import_door
from leads.tracking import CALLS, tracking
from leads.webform import door as form_door
from leads.webform import tag_door

urlpatterns: list[URLPattern] = [
    re_path(rf"^v1/(?P<call>{'|'.join(sorted(CALLS))})/?$", tracking, name="tracking"),
    path("f/<uuid:public_id>/", form_door.form, name="form"),
    path("f/<uuid:public_id>/opened/", form_door.opened, name="form-opened"),
    path("f/<uuid:public_id>/thanks/", form_door.thanks, name="form-thanks"),
    path("tag/<uuid:public_id>.js", tag_door.tag, name="tag"),
    path("join/<str:token>/", joining_door.join, name="join"),
    path("import/", import_door.imports, name="imports"),
    path("import/<uuid:public_id>/", import_door.mapping, name="import-mapping"),
    path("import/report/<uuid:public_id>/", import_door.report, name="import-report"),
    path("import/report/<uuid:public_id>/refused.csv", import_door.refused, name="import-refused"),
    path("hints/close/", views.close_hint, name="hint-close"),
    path("docs/<slug:name>/", views.doc, name="doc"),
    path("leads/", views.find, name="leads"),
    path("leads/<uuid:public_id>/", views.lead, name="lead"),
    path("preferences/", views.prefer, name="preferences"),
    path("preferences/mail/", views.mail, name="mail-preferences"),
]
