"""The console's pages. An organization's stand under its slug; a run's own page is found by membership."""

from django.urls import path

from rlmlab.console.views import home, launch, pages, projects, run, runs, settings

ORGANIZATION = "o/<slug:organization>"
PROJECT = f"{ORGANIZATION}/p/<slug:project>"

urlpatterns = [
    path("", home.home, name="home"),
    path("organizations", home.organizations, name="organizations"),
    path(ORGANIZATION, home.organization, name="organization"),
    path(f"{ORGANIZATION}/projects", projects.projects, name="projects"),
    path(f"{PROJECT}/runs", runs.runs, name="runs"),
    path(f"{PROJECT}/runs/new", launch.launch, name="launch"),
    path("runs/<uuid:run_id>", run.run, name="run"),
    path(f"{ORGANIZATION}/settings/members", settings.members, name="members"),
    path(f"{ORGANIZATION}/settings/keys", settings.keys, name="keys"),
    path(f"{ORGANIZATION}/settings/keys/<uuid:key_id>/revoke", settings.revoke_key, name="revoke_key"),
    path(f"{ORGANIZATION}/settings/members/<uuid:membership_id>", settings.change_member, name="change_member"),
    path(f"{ORGANIZATION}/settings/audit", settings.audit, name="audit"),
    path("components", pages.components, name="components"),
]
