"""Why an act is not taken back. Each says so in a sentence for its reader."""


class NotUndone(Exception):
    """The act stands, and nothing has changed."""


class Changed(NotUndone):
    """Something is not as the act left it."""
