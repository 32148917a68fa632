"""Ways to reach someone: e-mail addresses, domains, web addresses and phone numbers, by syntax alone."""

import re
from typing import Final

MAX_EMAIL_LENGTH: Final = 254
MAX_PHONE_LENGTH: Final = 40
MAX_URL_LENGTH: Final = 2_048
_MAX_HOST_LENGTH: Final = 253
_LOCAL_PART: Final = re.compile(r"(?!\.)(?!.*\.\.)[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(?<!\.)")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LAST_LABEL: Final = r"(?=[0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+{_LAST_LABEL}")
_WEB: Final = re.compile(r"(?:(https?:)?//)?([^\s/?#:]+)(:[0-9]{1,5})?([/?#]\S*)?", re.IGNORECASE)
_PHONE: Final = re.compile(r"\+?[0-9\s()./x#ext-]+", re.IGNORECASE)
_FEWEST_PHONE_DIGITS: Final = 5


def as_email(text: str) -> str | None:
    """The address trimmed and in lower case, its domain in ASCII (IDNA); `None` if it cannot be one.

    Local parts beyond ASCII are refused: lower-casing them is ambiguous, and an address is an identity.
    """
    local, at, domain = text.strip().rpartition("@")
    # Checked before it is lowered: some letters beyond ASCII have their lower case within it.
    if not at or not local.isascii() or not _LOCAL_PART.fullmatch(local.lower()):
        return None
    host = _host(domain)
    found = f"{local.lower()}@{host}"
    return found if host and len(found) <= MAX_EMAIL_LENGTH else None


def as_domain(text: str) -> str | None:
    """The bare domain in a domain or web address, in lower-case ASCII, without `www.`; `None` if there is none."""
    found = _WEB.fullmatch(text.strip())
    return _host(found[2].lower().removeprefix("www.")) if found else None


def as_website(text: str) -> str | None:
    """A web address with its scheme; `None` for other schemes and for what names no host."""
    text = text.strip()
    found = _WEB.fullmatch(text)
    if found is None or _host(found[2]) is None:
        return None
    return text if found[1] else f"https://{text.removeprefix('//')}"


def as_phone(text: str) -> str | None:
    """A phone number as it was written; `None` for what has too few digits or other words in it."""
    text = text.strip()
    enough = sum(map(str.isdigit, text)) >= _FEWEST_PHONE_DIGITS
    return text if enough and len(text) <= MAX_PHONE_LENGTH and _PHONE.fullmatch(text) else None


def _host(domain: str) -> str | None:
    if len(domain) > _MAX_HOST_LENGTH:
        return None
    try:
        host = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return host if len(host) <= _MAX_HOST_LENGTH and _HOST.fullmatch(host) else None
