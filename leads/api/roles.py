"""Doors that only some roles may open: everybody else is told so, in a sentence."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from leads.models import Role, User


class RunsBaton(BasePermission):
    """RevOps and admins: who sets up what Baton tells, and to whom."""

    message = "RevOps and admins may see to what Baton sends. Use a key of one of them."

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, User) and request.user.has_role(Role.REVOPS, Role.ADMIN)
