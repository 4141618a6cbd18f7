"""Write the API's document where it is committed."""

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from rlmlab.api.urls import api


class Command(BaseCommand):
    """A test compares the file with what is served."""

    help = "Write docs/openapi.json."
    requires_system_checks = []

    def handle(self, **_options: object) -> None:
        """Write it."""
        path = Path(settings.BASE_DIR) / "docs" / "openapi.json"
        path.write_text(json.dumps(api.get_openapi_schema(), indent=1, ensure_ascii=False) + "\n")
        self.stdout.write(str(path))
