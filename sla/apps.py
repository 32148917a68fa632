"""Wiring of the promises floor."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    name = "sla"
    verbose_name = "SLA: promises"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sla import receivers  # noqa: F401  (connects the bells)
