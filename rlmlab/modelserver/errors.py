"""Failures of the embedded model server."""


class ModelServerError(Exception):
    """It could not be started; the message says why."""
