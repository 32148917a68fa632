"""Moments as whoever looks has chosen to read them: asked each time one is written."""

from django.utils.functional import lazy

from leads import styles

_viewers = lazy(styles.viewers, str)

DATE_FORMAT = _viewers("j M Y")
TIME_FORMAT = _viewers("H:i")
DATETIME_FORMAT = _viewers("j M Y, H:i")
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
MONTH_DAY_FORMAT = _viewers("j M")
YEAR_MONTH_FORMAT = "M Y"
