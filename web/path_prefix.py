"""The path below which the site is, where a proxy gives it no host of its own."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def below(prefix: str, application: WSGIApplication) -> WSGIApplication:
    """Let the application, which adds the prefix to all it links to, be asked with it as well as without.

    Some proxies pass addresses on as they are, others cut the prefix off. prefix: such as /classifr, or "".
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if f"{path}/".startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix)
        return application(environ, start_response)

    return answer if prefix else application
