"""Wiring: settings, URLs, Celery and the servers at home. No word of the domain."""
