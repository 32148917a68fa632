"""The admin looks like the desk."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from config.unfold import UNFOLD


class TestTheAdmin:
    def test_has_the_greys_of_the_desk(self) -> None:
        tokens = (Path(settings.BASE_DIR) / "static/css/base.css").read_text()
        greys = UNFOLD["COLORS"]["base"]
        assert len(greys) == 11
        assert [each for each in greys.values() if each not in tokens] == []
