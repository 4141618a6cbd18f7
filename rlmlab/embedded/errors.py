"""What can go wrong while the installation starts; each message is one line that says what to do."""


class StartError(Exception):
    """The installation cannot start; the message says why and what to do."""
