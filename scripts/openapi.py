"""Print the API's contract for docs/openapi.json:

.venv/bin/python scripts/openapi.py > docs/openapi.json
"""

import json
import os

import django


def document() -> str:
    """Return the document that /api/openapi.json serves, laid out for reading and for differences."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")
    django.setup()
    from rlmlab.api.urls import api  # noqa: PLC0415 - needs Django set up

    return json.dumps(api.get_openapi_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(document(), end="")
