"""How one person wants their desk: light or dark, single keys or none."""

from __future__ import annotations

from leads.errors import Invalid
from leads.models import User
from leads.transactions import business


@business
def choose(user: User, *, theme: str | None = None, single_keys: bool | None = None) -> None:
    """Keep a preference; what is None stays. Raises Invalid for a theme there is not."""
    if theme is not None:
        if theme not in User.Theme.values:
            raise Invalid("A theme is light, dark, or as the system.", field="theme")
        user.theme = theme
    if single_keys is not None:
        user.single_keys = single_keys
    user.save(update_fields=["theme", "single_keys"])
