"""The admin of the promises floor."""

from sla.admin import people, promises, relay  # noqa: F401
