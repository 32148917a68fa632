"""Which networks an operator lets webhooks reach; what can't be read fails at start."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import ImproperlyConfigured


def networks(given: list[str]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of these CIDRs."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in given if each.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"WEBHOOKS_MAY_REACH lists networks such as 10.20.0.0/16: {error}.") from error
