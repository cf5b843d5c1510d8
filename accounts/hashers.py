"""Passwords are hashed one by one: a hash is slow on purpose, and strangers may ask for as many as they like."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.exceptions import Busy

RETRY_S = 3


class Gate:
    """Lets one thread through at a time, and a few wait for their turn."""

    def __init__(self, *, waiting: int, wait_s: float) -> None:
        self._places = 1 + waiting
        self._wait_s = wait_s
        self._taken = 0
        self._count = threading.Lock()
        self._turn = threading.Lock()

    @property
    def is_full(self) -> bool:
        return not self.has_room(self._places)

    def has_room(self, places: int) -> bool:
        """Say whether there is one for somebody who may take the first so many places alone."""
        return self._taken < places

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Busy at once where too many wait already, or after the wait."""
        with self._place():
            if not self._turn.acquire(timeout=self._wait_s):
                raise Busy(RETRY_S)
            try:
                yield
            finally:
                self._turn.release()

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._count:
            if self._taken == self._places:
                raise Busy(RETRY_S)
            self._taken += 1
        try:
            yield
        finally:
            with self._count:
                self._taken -= 1


gate = Gate(waiting=2, wait_s=1.0)
"""Of this process. Its threads have pages to answer, too."""


class OneByOnePBKDF2(PBKDF2PasswordHasher):
    """Django's hasher, one hash at a time: of sign-ins, unknown names among them, and of new passwords. Raises Busy."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with gate.turn():
            return super().encode(password, salt, iterations)
