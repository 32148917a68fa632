"""Wiring: settings, URLs, Celery and the servers at home. No word of the domain."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
