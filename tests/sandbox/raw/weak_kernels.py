"""Guests on kernels that lack a wall; each factory is called in the fresh child, before it goes to jail."""

from raw_language import RawLanguage

from sandbox.guest import jail, syscalls


def without_seccomp() -> RawLanguage:
    """Make the machine one for which no system call list is known."""
    syscalls.ALLOWED.clear()
    return RawLanguage()


def without_namespaces() -> RawLanguage:
    """Make unshare(2) fail with EINVAL."""
    jail._CLONE_NEWUSER = 1
    return RawLanguage()


def without_optional_walls() -> RawLanguage:
    """Ask for Landlock by a number that no kernel has, and for namespaces that none makes."""
    jail._LANDLOCK_CREATE_RULESET = 9999
    return without_namespaces()
