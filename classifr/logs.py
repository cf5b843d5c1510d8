"""Where log lines go: one an event, key=value."""

from pathlib import Path
from typing import Any

LINE = "time={asctime} level={levelname} logger={name} request={request_id} user={user_id} {message}"
QUIET_LOGGERS = ("azure", "django", "django_tasks", "django_tasks_db")


def configuration(*, level: str, file: Path | None) -> dict[str, Any]:
    """Return what logging is configured with. With a file, standard error has what needs a look, too."""
    line = {"formatter": "line", "filters": ["refused", "whose"]}
    handlers: dict[str, Any] = {"console": {"class": "logging.StreamHandler", **line}}
    if file:
        handlers["console"]["level"] = "WARNING"
        handlers["file"] = {"class": "web.log_files.SharedFile", "filename": file, **line}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "refused": {"()": "web.request_log.RefusedRequest"},
            "whose": {"()": "web.request_log.WhoseRequest"},
        },
        "formatters": {
            "line": {"()": "web.request_log.LineFormatter", "format": LINE, "style": "{"},
        },
        "handlers": handlers,
        "root": {"handlers": list(handlers), "level": level},
        "loggers": {name: {"level": "WARNING"} for name in QUIET_LOGGERS},
    }
