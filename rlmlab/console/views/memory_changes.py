"""What people do to a memory, each by a button: pin it, forget it, bring it back, erase it."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from memory import actions
from memory.models import Memory
from rlmlab.console.access import member_page
from rlmlab.console.forms.memory import TextForm
from rlmlab.console.views.memory import memory_of, memory_page, memory_project
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.principals import Principal


@require_POST
@member_page
def pin_memory(request: HttpRequest, principal: Principal, project: str, memory_id: UUID) -> HttpResponse:
    """Pin it; with an empty `pinned`, take the pin away."""
    found = _found(request, principal, project, memory_id)
    pinned = bool(request.POST.get("pinned"))
    return _back(request, principal, found, lambda: actions.pin_memory(by=principal, memory_id=found.id, pinned=pinned))


@require_POST
@member_page
def forget_memory(request: HttpRequest, principal: Principal, project: str, memory_id: UUID) -> HttpResponse:
    """Forget it; the list, to which this leads, offers to bring it back."""
    found = _found(request, principal, project, memory_id)
    actions.forget_memory(by=principal, memory_id=found.id)
    return redirect(f"{reverse('memories', args=[principal.organization.slug, project])}?forgotten={found.id}")


@require_POST
@member_page
def restore_memory(request: HttpRequest, principal: Principal, project: str, memory_id: UUID) -> HttpResponse:
    """Bring it back."""
    found = _found(request, principal, project, memory_id)
    return _back(request, principal, found, lambda: actions.restore_memory(by=principal, memory_id=found.id))


@require_POST
@member_page
def erase_memory(request: HttpRequest, principal: Principal, project: str, memory_id: UUID) -> HttpResponse:
    """Delete its text for good."""
    found = _found(request, principal, project, memory_id)
    return _back(request, principal, found, lambda: actions.erase_memory(by=principal, memory_id=found.id))


def _found(request: HttpRequest, principal: Principal, slug: str, memory_id: UUID) -> Memory:
    return memory_of(principal, memory_project(request, principal, slug), memory_id)


def _back(request: HttpRequest, principal: Principal, found: Memory, act: Callable[[], Memory]) -> HttpResponse:
    """Do it and lead back to where the button was; what is refused is said on the memory's own page."""
    try:
        act()
    except (Conflict, Invalid) as error:
        message = error.errors[0].message if error.errors else error.detail
        return memory_page(request, principal, found, TextForm(initial={"text": found.text}), problem=message)
    own = [principal.organization.slug, found.project.slug]
    if request.POST.get("to") == "list":
        return redirect("memories", *own)
    return redirect("memory", *own, found.id)
