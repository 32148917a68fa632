"""Moments as whoever looks has chosen to read them: asked each time one is written."""

from leads import styles


class Chosen(str):
    """A pattern that is written as it is chosen; for programs, which read it as text, it is the house's."""

    __slots__ = ()

    def __str__(self) -> str:
        return styles.viewers(self[:])


DATE_FORMAT = Chosen("j M Y")
TIME_FORMAT = Chosen("H:i")
DATETIME_FORMAT = Chosen("j M Y, H:i")
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
MONTH_DAY_FORMAT = Chosen("j M")
YEAR_MONTH_FORMAT = "M Y"
