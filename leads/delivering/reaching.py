"""Where an endpoint may lead: every address its name resolves to is judged, at saving and again at each sending.

Whoever may add an endpoint must not be able to make Baton call the machines around it. A name is resolved once per
sending, each address of it is judged, and the connection goes to the judged address and to no other.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from leads.errors import Invalid

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Iterable[str]]

LONGEST: Final = 2000

# What `is_global` lets through and still is nobody's public server: shared address space of carriers, networks of
# tests and protocols, site-local IPv6, and addresses under which a cloud answers its own machines.
INWARD: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
        *("168.63.129.16/32", "169.254.0.0/16", "fec0::/10", "fc00::/7", "fe80::/10", "2001::/23", "100::/64"),
        *("64:ff9b:1::/48", "3fff::/20", "5f00::/16"),
    )
)
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
IPV4_COMPATIBLE: Final = ipaddress.ip_network("::/96")


class Target(NamedTuple):
    """Where one sending goes: what the address says, and the judged addresses to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[IPAddress, ...]


class Unreachable(OSError):
    """The name did not resolve; it may later."""


def addresses_of(host: str, port: int) -> list[str]:
    """Every address of a name, as the system resolves it. Raises Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host} can't be resolved.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def judge(url: str, *, may_reach: Iterable[Network] = (), resolve: Resolve | None = None) -> Target:
    """Where this address leads. Raises Invalid naming the field and the way out where Baton must not go there, and
    Unreachable where the name does not resolve.

    `may_reach` are networks an operator has allowed besides the public ones; within them plain http is enough.
    """
    allowed = tuple(may_reach)
    scheme, host, port, path = _parts(url)
    addresses = tuple(_address(each) for each in (resolve or addresses_of)(host, port))
    if not addresses:
        raise Unreachable(f"The name {host} has no address.")
    for address in addresses:
        if not _is_in(address, allowed) and not is_public(address):
            raise Invalid(
                f"The webhook's address {host} leads into a private network ({address}); give a public https address, "
                "or have an operator allow this network in WEBHOOKS_MAY_REACH.",
                field="url",
            )
    if scheme != "https" and not all(_is_in(address, allowed) for address in addresses):
        raise Invalid("The webhook's address must start with https://, so that nobody reads along.", field="url")
    return Target(scheme, host, port, path, addresses)


def is_public(address: IPAddress) -> bool:
    """Whether an address is a public server's, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _within(address)
        if inner is not None:
            return is_public(inner)
        if address in IPV4_COMPATIBLE:
            return False
    if any(address.version == network.version and address in network for network in INWARD):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_unspecified
    )


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address an IPv6 one carries: mapped, 6to4, Teredo, or translated."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _parts(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address as it was typed. Raises Invalid."""
    if len(url) > LONGEST or not url.isascii() or any(char.isspace() or not char.isprintable() for char in url):
        raise Invalid(f"The webhook's address is one line of plain letters, at most {LONGEST:,}.", field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("The webhook's address can't be read; give it as https://host/path.", field="url") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or "\\" in url:
        raise Invalid("Give the webhook's address as https://host/path.", field="url")
    if parts.username is not None or parts.password is not None:
        raise Invalid("The webhook's address must not carry a user name or password.", field="url")
    if port == 0:
        raise Invalid("The webhook's address has no port 0.", field="url")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def _address(text: str) -> IPAddress:
    return ipaddress.ip_address(text.partition("%")[0])


def _is_in(address: IPAddress, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
