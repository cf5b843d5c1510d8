"""Why nobody is signed in just now, and why users are left as they are."""


class SignInRefused(Exception):
    """No password was looked at; the same attempt may be made again after so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Refused for {seconds} s.")
        self.seconds = seconds


class Busy(SignInRefused):
    """Others have their passwords hashed."""


class TooManyFailures(SignInRefused):
    """From this network, or all over the site."""


class NameLocked(SignInRefused):
    """For this name."""


class LinkIsDead(Exception):
    """The link sets no password: used, replaced, too old, or never made. Its owner can ask for another."""


class LastAdministrator(Exception):
    """Nobody would be left who may give anybody a role."""
