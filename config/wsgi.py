"""The door for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Only now are the models known.
from sla.watching.watchman import Watchman  # noqa: E402

Watchman().start()
