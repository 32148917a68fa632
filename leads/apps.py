"""Wiring of the ground floor."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = "Leads: facts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from leads.shipped import ship

        post_migrate.connect(ship, sender=self, dispatch_uid="leads.shipped")
