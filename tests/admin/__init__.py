"""The admin of all floors."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.pages")
