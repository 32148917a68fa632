"""Mail that goes nowhere: each message becomes one `.eml` file in a folder, whole from the moment it has its name."""

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Writes to `file_path`, else to the folder `EMAIL_FILE_PATH` names; names sort by time of sending."""

    def __init__(self, *args: Any, file_path: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder = Path(file_path or settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message that has somebody to go to; their number."""
        self.folder.mkdir(parents=True, exist_ok=True)
        addressed = [message for message in email_messages if message.recipients()]
        for message in addressed:
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
            unfinished = self.folder / f".{name}.part"
            unfinished.write_bytes(message.message().as_bytes())
            os.replace(unfinished, self.folder / f"{name}.eml")
        return len(addressed)
