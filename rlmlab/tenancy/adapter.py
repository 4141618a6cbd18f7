"""allauth's hooks: nobody signs up by themselves, and what happens to sessions is recorded."""

from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from rlmlab.tenancy.actions import sessions
from rlmlab.tenancy.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Sign-in by email and password; members are added by an owner."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  given by allauth
        """Refuse."""
        return False

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """Record the sign-in."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        sessions.record_sign_in(user=cast("User", user), ip=self.get_client_ip(request))
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record the failure, also one that a lock-out caused."""
        sessions.record_failed_sign_in(email=str(credentials.get("email", "")), ip=self.get_client_ip(request))

    def logout(self, request: HttpRequest) -> None:
        """Record the sign-out."""
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            sessions.record_sign_out(user=user, ip=self.get_client_ip(request))

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Record the change of password that a person made on their own."""
        super().set_password(user, password)
        sessions.record_password_change(user=cast("User", user), ip=self.get_client_ip(context.request))
