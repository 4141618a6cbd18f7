from rlmlab.tenancy.models.invitations import Invitation
from rlmlab.tenancy.models.keys import ApiKey
from rlmlab.tenancy.models.organizations import BudgetCaps, Membership, Organization, Role
from rlmlab.tenancy.models.projects import EnvironmentName, Project
from rlmlab.tenancy.models.providers import ModelPrice, ProviderKey
from rlmlab.tenancy.models.users import User

__all__ = [
    "ApiKey",
    "BudgetCaps",
    "EnvironmentName",
    "Invitation",
    "Membership",
    "ModelPrice",
    "Organization",
    "Project",
    "ProviderKey",
    "Role",
    "User",
]
