"""The life of an episode: one case for each cell of the table that is the contract."""

import pytest

PARTS = ("matter", "evidence", "ends", "answers", "passing", "beside")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in PARTS))
