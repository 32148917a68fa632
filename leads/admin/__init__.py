"""The admin of the ground floor. Only what Baton itself registers can be opened there."""

from django.contrib import admin

# Groups are the five roles and given on a user's page; log-in addresses are those of the users.
for _model in [model for model in admin.site._registry if model._meta.app_label in ("auth", "account")]:
    admin.site.unregister(_model)

from leads.admin import journey, lists, outbox, people, sources  # noqa: E402, F401, I001
