"""One's own account."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from rlmlab.console.access import user_of
from rlmlab.console.forms.people import NameForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.users import rename_user


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is and where one belongs, which the navigation knows; change one's name."""
    user = user_of(request)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_user(by=user, name=form.cleaned_data["name"])
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Your name is saved.")
            return redirect("account")
    return render(request, "console/account.html", {"form": form}, status=422 if form.errors else 200)
