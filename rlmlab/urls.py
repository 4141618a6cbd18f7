"""All URLs: the REST API, the console, the admin panel, sign-in."""

from django.contrib import admin
from django.urls import include, path

from rlmlab.api.urls import urlpatterns as api_urls

urlpatterns = [
    *api_urls,
    path("admin/", admin.site.urls),
    path("accounts/", include("rlmlab.tenancy.urls")),
    path("", include("rlmlab.console.urls")),
]

handler400 = "rlmlab.console.views.errors.bad_request"
handler403 = "rlmlab.console.views.errors.denied"
handler404 = "rlmlab.console.views.errors.not_found"
handler500 = "rlmlab.console.views.errors.failed"
