"""Who uses the embedded server: the kernel knows, and forgets a process however it ends."""

import fcntl
import os
from pathlib import Path


def take(path: Path, operation: int) -> int | None:
    """Lock that file, which is made if it is missing, and return its descriptor; None where somebody is in the way.

    operation: `fcntl.LOCK_SH` or `fcntl.LOCK_EX`. The lock goes when the descriptor and its copies in forks are closed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
