"""The page that shows the API, with its scripts served from here."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


class LocalSwagger(DocsBase):
    """Swagger UI from our own static files, without inline script."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Render the page."""
        return render(request, "api/docs.html", {"title": api.title, "openapi_url": self.get_openapi_url(api, kwargs)})
