"""A program acts as the user whose key it shows: `Authorization: Bearer <key>`."""

from __future__ import annotations

from datetime import timedelta

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leads import clock
from leads.keys import digest
from leads.models import ApiKey, User


class ApiKeyAuthentication(BaseAuthentication):
    """Reads the key, finds its hash, and acts as its user."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = ApiKey.objects.select_related("user").filter(key_hash=digest(key.strip()), revoked_at=None).first()
        if found is None or not found.user.is_active:
            raise AuthenticationFailed("This API key is not known or was revoked. Make a new one in the admin.")
        now = clock.now()
        if found.last_used_at is None or now - found.last_used_at > timedelta(minutes=1):
            ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
