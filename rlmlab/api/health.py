"""Whether this process lives, and whether the installation can work."""

from django.http import HttpRequest, JsonResponse

from trajectories.readiness import checks


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer: this process lives."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, migrations, broker and a worker are there, else 503 and what is missing."""
    found = checks()
    ready = all(result == "ok" for result in found.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": found}, status=200 if ready else 503)
