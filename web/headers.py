"""Headers of every answer that Django has no setting for."""

from django.http import HttpRequest, HttpResponseBase

from web.typing import Handler

NOT_NEEDED = (
    "accelerometer",
    "camera",  # photos come through the file field, which asks nobody
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
PERMISSIONS = ", ".join([*(f"{name}=()" for name in NOT_NEEDED), "clipboard-read=(self)"])


def keep_to_ourselves(get_response: Handler) -> Handler:
    """Let no page use what it does not need of the device, and no other site embed what is answered.

    A view that sets Cross-Origin-Resource-Policy itself knows why.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware
