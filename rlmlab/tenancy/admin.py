"""The admin panel: review of the audit log by the installation's staff. Nothing can be changed there, by nobody.

It stands here and not in `rlmlab.audit`, because it shows organizations by name.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.decorators import action

from rlmlab import scoping
from rlmlab.audit import presenters
from rlmlab.audit.chain import chain_ids, verify_chain
from rlmlab.audit.models import AuditEntry, Part
from rlmlab.audit.queries import present
from rlmlab.tenancy.models import Organization


def _to(name: str) -> Callable[..., HttpResponse]:
    return lambda _request, *_args, **_kwargs: redirect(name)


# The panel has no sign-in of its own: sessions and passwords go through the pages that record them.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.logout = _to("account_logout")  # type: ignore[method-assign, assignment]
admin.site.password_change = _to("account_change_password")  # type: ignore[method-assign, assignment]
# What packages register could be edited there without an audit entry.
admin.site.unregister([Group, EmailAddress])


class OrganizationFilter(admin.SimpleListFilter):
    """Entries of one organization, or of the installation itself."""

    title = "organization"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the organizations."""
        named = [(str(item.pk), item.slug) for item in Organization.objects.order_by("slug")]
        return [*named, (str(scoping.PLATFORM), "(platform)")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Keep the chosen one's entries."""
        value = self.value()
        known = {str(choice) for choice, _ in self.lookup_choices}
        return queryset if value is None or value not in known else queryset.filter(organization_id=value)


class ActionFilter(admin.SimpleListFilter):
    """Entries of one kind of action."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the kinds that apps registered."""
        return [(name, name) for name in sorted(presenters.registered_actions())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Keep the chosen kind."""
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Entries of all organizations, read-only."""

    list_display = ("at", "organization", "actor", "what", "outcome")
    list_filter = (OrganizationFilter, ActionFilter, "outcome", "actor_kind", "at")
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50
    actions = None
    actions_list = ["check_chains"]
    fields = readonly_fields = (
        "at", "organization", "actor", "ip_address", "what", "action", "outcome", "subject", "object_type", "object_id",
        "differences", "place",
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        """Admit the installation's staff."""
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Admit the installation's staff."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        """Refuse everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        """Refuse everybody."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Fetch what a row shows along with it."""
        slug = Organization.objects.filter(pk=OuterRef("organization_id")).values("slug")
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        return entries.annotate(organization_slug=Subquery(slug)).select_related("link").prefetch_related("people")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the entries of all organizations."""
        with scoping.system("review the audit log in the admin panel: the list"):
            return _rendered(super().changelist_view(request, extra_context))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one entry."""
        with scoping.system("review the audit log in the admin panel: one entry"):
            return _rendered(super().changeform_view(request, object_id, form_url, extra_context))

    @action(description="Check the chains")  # type: ignore[untyped-decorator]
    def check_chains(self, request: HttpRequest) -> HttpResponse:
        """Recompute every hash and say which chains are whole."""
        with scoping.system("check the audit chains in the admin panel"):
            reports = [verify_chain(chain) for chain in chain_ids()]
        broken = [report for report in reports if report.broken_at is not None]
        for report in broken:
            text = f"Chain {report.organization_id} is broken at position {report.broken_at}: {report.reason}."
            messages.error(request, text)
        if not broken:
            entries = sum(report.head.position for report in reports)
            messages.success(request, f"All {len(reports)} chains are whole: {entries} entries.")
        return redirect("admin:audit_auditentry_changelist")

    @admin.display(description="organization")
    def organization(self, entry: AuditEntry) -> str:
        """Name it; a deleted one by its id."""
        if entry.organization_id == scoping.PLATFORM:
            return "(platform)"
        return getattr(entry, "organization_slug", None) or str(entry.organization_id)

    @admin.display(description="actor")
    def actor(self, entry: AuditEntry) -> str:
        """Name who acted."""
        return present(entry).actor or f"{entry.actor_kind} (erased)"

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> str:
        """Say what was done."""
        return present(entry).sentence

    @admin.display(description="IP address")
    def ip_address(self, entry: AuditEntry) -> str:
        """Say where from."""
        return present(entry).ip or "-"

    @admin.display(description="person concerned")
    def subject(self, entry: AuditEntry) -> str:
        """Name the person the entry is about."""
        erased = any(person.part == Part.SUBJECT and person.erased_at for person in entry.people.all())
        return "(erased)" if erased else present(entry).subject or "-"

    @admin.display(description="changes")
    def differences(self, entry: AuditEntry) -> str:
        """List each field's values before and after."""
        rows = format_html_join(
            "", "<tr><th scope='row'>{}</th><td><del>{}</del></td><td><ins>{}</ins></td></tr>",
            presenters.differences(entry.changes),
        )  # fmt: skip
        return format_html("<table><thead><tr><th>field</th><th>before</th><th>after</th></tr></thead>{}</table>", rows)

    @admin.display(description="place in the chain")
    def place(self, entry: AuditEntry) -> str:
        """Give position and hash."""
        return f"{entry.link.position}: {entry.link.hash}"


def _rendered(response: HttpResponse) -> HttpResponse:
    """Render while the scope is open, since templates run the queries."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
