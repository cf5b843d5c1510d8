"""Ends with 0 when the web process of this container answers; Docker calls it."""

import http.client
import os
import sys


def main() -> int:
    # The site answers to its own names alone, and behind a TLS proxy to what came by HTTPS.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("CLASSIFR_PORT", "8000")), timeout=8)
    connection.request("GET", "/healthz", headers={"Host": name, "X-Forwarded-Proto": "https"})
    return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
