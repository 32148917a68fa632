"""How long the long tests last: minutes at most, and as long as it takes where BATON_THOROUGH=1 asks for it."""

import os

THOROUGH = os.environ.get("BATON_THOROUGH") == "1"
