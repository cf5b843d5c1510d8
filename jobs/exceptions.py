"""What ends a job before its end."""


class JobError(Exception):
    """The root of this room's errors."""


class JobFailed(JobError):
    """The work cannot be done, for the reason that its sentence gives to the person who asked for it."""


class JobStopped(JobError):
    """Raised inside the work by `Progress.check`: it was cancelled, taken over, or the worker is going down."""
