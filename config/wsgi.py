"""The door for WSGI servers."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Only now are the models known.
from sla.watching.watchman import Watchman  # noqa: E402

Watchman().start()

# What is loaded now stays: the collector need not walk it. What a request makes is mostly free of cycles, so it looks
# seldom: looking took a fifth of a page's time, and most of the slowest ones'.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
