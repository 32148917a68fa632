"""The link of an invitation, made while its letter is written."""

from __future__ import annotations

from django import template

from leads import invitations

register = template.Library()
register.simple_tag(invitations.link, name="invitation_link")
