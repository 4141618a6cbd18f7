"""What the audit log says about this app's actions."""

from typing import Final

from rlmlab.audit import presenters

SENTENCES: Final = {
    "access.deny": "was refused the permission {permission}",
    "api_key.create": "made the API key {prefix} “{label}” as {role}",
    "api_key.revoke": "revoked the API key {prefix} “{label}”",
    "invitation.accept": "accepted an invitation and joined as {role}",
    "invitation.create": "invited a person as {role}",
    "invitation.revoke": "took back an invitation as {role}",
    "member.add": "added a member as {role}",
    "member.change_role": "changed a member's role to {role}",
    "member.remove": "removed a member",
    "organization.create": "created the organization {slug}",
    "organization.set_caps": "changed the caps on budgets",
    "price.remove": "took back the price of {model}",
    "price.set": "set the price of {model}",
    "project.configure": "changed the settings of the project {slug}",
    "project.create": "created the project {slug}",
    "provider.remove_key": "removed the access to {provider}",
    "provider.rotate_keys": "re-encrypted {rotated} provider keys",
    "provider.set_key": "set the access to {provider}",
    "session.sign_in": "signed in",
    "session.sign_in_fail": "failed to sign in",
    "session.sign_out": "signed out",
    "user.change_password": "changed the password",
    "user.create": "created a person's account",
    "user.rename": "changed their own name",
    "user.set_password": "set a person's password",
}


def register_all() -> None:
    """Make the audit log know them."""
    for action, sentence in SENTENCES.items():
        presenters.register(action, sentence)
