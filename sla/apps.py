"""Wiring of the promises floor."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SlaConfig(AppConfig):
    name = "sla"
    verbose_name = "SLA: promises"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sla import receivers  # noqa: F401  (connects the bells)
        from sla.shipped import ship

        post_migrate.connect(ship, sender=self, dispatch_uid="sla.shipped")
