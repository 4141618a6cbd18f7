"""The admin panel: review of the audit log by the installation's staff. Nothing can be changed there, by nobody.

It stands here and not in `rlmlab.audit`, because it shows organizations by name.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from asgiref.sync import sync_to_async
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action

from rlmlab import scoping
from rlmlab.audit import export
from rlmlab.audit.models import AuditEntry, AuditLink, Part
from rlmlab.audit.queries import EntryView, acted_by, present, presented
from rlmlab.tenancy import admin_filters as filters
from rlmlab.tenancy.chains import PLATFORM_NAME, named_chains, verified
from rlmlab.tenancy.models import Organization

LIST: Final = "admin:audit_auditentry_changelist"
ENTRY: Final = "admin:audit_auditentry_change"
EXPORT_MOST: Final = 100_000
EXPORT_PAGE: Final = 1000
FORMATS: Final[dict[str, tuple[str, str, Callable[[list[EntryView]], str]]]] = {
    "csv": ("text/csv; charset=utf-8", export.csv_head(), export.csv_rows),
    "jsonl": ("application/jsonl", "", export.json_lines),
}


def _to(name: str) -> Callable[..., HttpResponse]:
    return lambda _request, *_args, **_kwargs: redirect(name)


# The panel has no sign-in of its own: sessions and passwords go through the pages that record them.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.logout = _to("account_logout")  # type: ignore[method-assign, assignment]
admin.site.password_change = _to("account_change_password")  # type: ignore[method-assign, assignment]
# What packages register could be edited there without an audit entry.
admin.site.unregister([Group, EmailAddress])


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Entries of all organizations, read-only."""

    list_display = ("when", "organization", "actor", "what", "about", "outcome")
    list_filter = (
        ("at", filters.PeriodFilter),
        ("at", filters.DaysFilter),
        filters.OneActorFilter,
        filters.OneObjectFilter,
        filters.OrganizationFilter,
        filters.ActionFilter,
        filters.ObjectTypeFilter,
        "outcome",
        "actor_kind",
    )
    list_filter_submit = True
    list_before_template = "admin/audit/export.html"
    search_fields = ("actor",)  # get_search_results says what it means
    search_help_text = "Who acted: a part of an address, a name or an API key's label"
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50
    actions = None
    actions_list = ["check_chains"]
    fields = readonly_fields = (
        "when", "organization", "actor", "ip_address", "what", "action", "outcome", "subject", "about", "differences",
        "place",
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

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of this panel's own."""
        own = [
            path("export/<slug:form>", self.admin_site.admin_view(self.export), name="audit_export"),
            path("chains/", self.admin_site.admin_view(self.chains), name="audit_chains"),
        ]
        found: list[URLPattern] = super().get_urls()
        return [*own, *found]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Fetch what a row shows along with it."""
        slug = Organization.objects.filter(pk=OuterRef("organization_id")).values("slug")
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        return entries.annotate(organization_slug=Subquery(slug)).select_related("link").prefetch_related("people")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Keep what somebody did who is called something like this."""
        text = search_term.strip().replace("\x00", "")
        return (queryset.filter(acted_by(text)) if text else queryset), False

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

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Send the entries that the list's filter means as a file, newest first; too many are refused, not cut."""
        if form not in FORMATS:
            raise Http404
        content_type, head, write = FORMATS[form]
        with scoping.system("export the audit log in the admin panel: which entries are meant"):
            entries = self.get_changelist_instance(request).queryset
            meant = entries.order_by()[: EXPORT_MOST + 1].count()
        if meant > EXPORT_MOST:
            messages.error(request, f"More than {EXPORT_MOST:,} entries are meant: narrow the filter, then export.")
            return redirect(f"{reverse(LIST)}?{request.GET.urlencode()}")

        async def parts() -> AsyncIterator[str]:
            yield head
            before: UUID | None = None
            while page := await sync_to_async(_exported)(entries, before):
                before = page[-1].id
                yield write(page)

        response = StreamingHttpResponse(parts(), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
        response["Cache-Control"] = "no-store"
        return response

    @action(description="Verify the chains")  # type: ignore[untyped-decorator]
    def check_chains(self, request: HttpRequest) -> HttpResponse:
        """Go where chains are verified."""
        return redirect("admin:audit_chains")

    def chains(self, request: HttpRequest) -> HttpResponse:
        """List the chains; by POST verify one, or all, and say of each whether it is whole."""
        chosen = request.POST.get("chain", "")
        with scoping.system("verify the audit chains in the admin panel"):
            chains = named_chains()
            lengths = dict(_lengths())
            rows = []
            for name, chain in chains.items():
                report = verified(chain) if request.method == "POST" and chosen in {"", name} else None
                rows.append({"name": name, "entries": lengths.get(chain, 0), "report": report})
        context = self.admin_site.each_context(request) | {"title": "Chains of the audit log", "rows": rows}
        return render(request, "admin/audit/chains.html", context)

    @admin.display(description="when (UTC)", ordering="at")
    def when(self, entry: AuditEntry) -> str:
        """Give the time to the second."""
        return f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="organization")
    def organization(self, entry: AuditEntry) -> str:
        """Name it; a deleted one by its id."""
        if entry.organization_id == scoping.PLATFORM:
            return PLATFORM_NAME
        return getattr(entry, "organization_slug", None) or str(entry.organization_id)

    @admin.display(description="actor")
    def actor(self, entry: AuditEntry) -> str:
        """Name who acted, and lead to all they did."""
        label = present(entry).actor or f"{entry.actor_kind} (erased)"
        return label if entry.actor_id is None else _narrowed(label, "all by this actor", actor_id=entry.actor_id)

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> str:
        """Say what was done."""
        return present(entry).sentence

    @admin.display(description="object")
    def about(self, entry: AuditEntry) -> str:
        """Name the object, and lead to all about it."""
        if entry.object_id is None:
            return entry.object_type
        label = f"{entry.object_type} {str(entry.object_id)[-12:]}"
        narrowing: dict[str, str | UUID] = {"object_type": entry.object_type, "object_id": entry.object_id}
        return _narrowed(label, f"all about {entry.object_type} {entry.object_id}", **narrowing)

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
    def differences(self, entry: AuditEntry) -> SafeString:
        """Compare each field's values before and after, line by line."""
        return render_to_string("admin/audit/changes.html", {"changes": present(entry).changes})

    @admin.display(description="place in the chain")
    def place(self, entry: AuditEntry) -> SafeString:
        """Give position and hash, and lead to the entries before and after."""
        link = entry.link
        near = AuditLink.objects.for_org(entry.organization_id)
        found = near.filter(position__in=[link.position - 1, link.position + 1]).in_bulk(field_name="entry_id")
        beside = {other.position - link.position: other for other in found.values()}
        context = {"link": link, "previous": beside.get(-1), "next": beside.get(1), "page": ENTRY}
        return render_to_string("admin/audit/place.html", context)


def _exported(entries: QuerySet[AuditEntry], before: UUID | None) -> list[EntryView]:
    with scoping.system("export the audit log in the admin panel: a page of it"):
        return presented(entries, before=before, limit=EXPORT_PAGE)


def _lengths() -> list[tuple[UUID, int]]:
    """List how long each chain is, by the position of its last link."""
    return [
        (chain, AuditLink.objects.for_org(chain).order_by("-position").values_list("position", flat=True)[0])
        for chain in AuditLink.objects.values_list("organization_id", flat=True).distinct()
    ]


def _narrowed(label: str, title: str, **parameters: str | UUID) -> SafeString:
    """Link to the list, narrowed."""
    address = f"{reverse(LIST)}?{urlencode({name: str(value) for name, value in parameters.items()})}"
    return format_html('<a class="audit-link" href="{}" title="{}">{}</a>', address, title, label)


def _rendered(response: HttpResponse) -> HttpResponse:
    """Render while the scope is open, since templates run the queries."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
