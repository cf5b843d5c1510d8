"""Settings as they stand in the environment: what is nonsense is refused with the name of its variable."""

import base64
import os
import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

_Value = TypeVar("_Value")

YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}
DATABASES = {"postgres", "postgresql", "pgsql"}
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*", re.IGNORECASE)
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
"""Azure: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""


class SettingRefused(ImproperlyConfigured):
    """A variable has a value that means nothing."""


def read_file(path: Path) -> None:
    """Take over what the file says, where the environment itself says nothing; there need not be one."""
    try:
        load_dotenv(path)
    except (OSError, ValueError) as exc:
        raise SettingRefused(f"{path} cannot be read as text in UTF-8: {exc}.") from exc


def read(name: str, default: _Value, parse: Callable[[str], _Value], *, accepted: str) -> _Value:
    """Return what `parse` makes of the variable, or the default where it is empty or not set.

    parse: raises ValueError. accepted: what is, for people. Raises SettingRefused.
    """
    found = os.environ.get(name, "").strip()
    if not found:
        return default
    try:
        return parse(found)
    except ValueError as exc:
        raise SettingRefused(f"{name} is {found!r}: accepted is {accepted}.") from exc


def text(name: str, default: str = "") -> str:
    return read(name, default, str, accepted="any text")


def flag(name: str) -> bool:
    """Read a switch, which is off by default."""
    return read(name, False, _flag, accepted="true or false")  # noqa: FBT003  # the default


def whole(name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    def parse(found: str) -> int:
        number = int(found)
        if not least <= number <= most:
            raise ValueError(number)
        return number

    return read(name, default, parse, accepted=f"a whole number from {least} to {most}")


def positive(name: str, default: float) -> float:
    def parse(found: str) -> float:
        number = float(found)
        if not 0 < number < float("inf"):
            raise ValueError(number)
        return number

    return read(name, default, parse, accepted="a number over 0")


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    def parse(found: str) -> str:
        if found not in among:
            raise ValueError(found)
        return found

    return read(name, default, parse, accepted=", ".join(among[:-1]) + f" or {among[-1]}")


def folder(name: str, default: Path) -> Path:
    """Read the path of a folder, which need not be there yet."""

    def parse(found: str) -> Path:
        path, nearest = _path(found)
        if not nearest.is_dir():
            raise ValueError(path)
        return path

    return read(name, default.resolve(), parse, accepted="the path of a folder, which is there or can be made")


def file(name: str) -> Path | None:
    """Read the path of a file, which need not be there yet; None by default."""

    def parse(found: str) -> Path:
        path, nearest = _path(found)
        if not (nearest.is_file() if nearest == path else nearest.is_dir()):
            raise ValueError(path)
        return path

    return read(name, None, parse, accepted="the path of a file, which is there or can be made")


def _path(found: str) -> tuple[Path, Path]:
    """Return the path and the nearest above it that is there, itself perhaps. Raises ValueError."""
    try:
        path = Path(found).expanduser().resolve()
        return path, next(each for each in (path, *path.parents) if each.exists())
    except (OSError, RuntimeError) as exc:  # too long, not to be looked at; the home of nobody
        raise ValueError(found) from exc


def several(name: str, default: Sequence[str], parse: Callable[[str], str], *, accepted: str) -> list[str]:
    """Read a list with commas; what is around its items is not theirs."""

    def parse_all(found: str) -> list[str]:
        items = [parse(item.strip()) for item in found.split(",") if item.strip()]
        if not items:
            raise ValueError(found)
        return items

    return read(name, list(default), parse_all, accepted=f"a list with commas of {accepted}")


def secret(name: str) -> str:
    """Return the secret of that name, from the file that NAME_FILE names if it is set; "" when there is none."""
    path = os.environ.get(f"{name}_FILE", "").strip()
    try:
        return Path(path).read_text().strip() if path else os.environ.get(name, "")
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise SettingRefused(f"{name}_FILE names {path}, which cannot be read: {reason}.") from exc


def time_zone(name: str, default: str) -> str:
    def parse(found: str) -> str:
        if found not in available_timezones():
            raise ValueError(found)
        return found

    return read(name, default, parse, accepted="a name such as Europe/Paris or UTC")


def host(found: str) -> str:
    """Return a name that a request may be for: `*`, `.example.org`, `example.org`, `127.0.0.1`, `[::1]`."""
    if found == "*" or _HOST.fullmatch(found.removeprefix(".")):
        return found
    if found.startswith("[") and found.endswith("]"):
        return f"[{IPv6Address(found[1:-1])}]"
    raise ValueError(found)


def listening(found: str) -> str:
    """Return a name or an address of this machine's."""
    return found if _HOST.fullmatch(found) else str(ip_address(found))


def origin(found: str) -> str:
    """Return an origin as browsers name it, without a slash behind it; its host may begin with `*.`."""
    parts = _parts_of_address(found)
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError(found)
    return f"{parts.scheme}://{parts.netloc}".lower()


def cors_origins(found: str) -> list[str]:
    """Return origins, each in whole, or `*` alone."""
    origins = [item.strip() for item in found.split(",") if item.strip()]
    if origins == ["*"]:
        return origins
    if not origins or "*" in found:
        raise ValueError(found)
    return [origin(item) for item in origins]


def endpoint(found: str) -> str:
    """Return the address of a service."""
    parts = _parts_of_address(found)
    if parts.query or parts.fragment:
        raise ValueError(found)
    return found


def host_or_network(found: str) -> str:
    """Return the name of a host, or the network of an address, as it is compared with."""
    try:
        return str(ip_network(found, strict=False))
    except ValueError:
        name = found.lower().rstrip(".")
        if re.fullmatch(r"([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*", name):
            return name
        raise


def container(found: str) -> str:
    """Return a name that Azure accepts for a container."""
    if not _CONTAINER.fullmatch(found):
        raise ValueError(found)
    return found


def path_prefix(found: str) -> str:
    """Return the path below which the site is; in one form alone, because the proxy's file takes it as it stands."""
    if not re.fullmatch(r"(/[A-Za-z0-9_.~-]+)+", found) or {".", ".."} & set(found.split("/")):
        raise ValueError(found)
    return found


def check_database_url(url: str) -> None:
    """Raise SettingRefused, without the password, for what would lead nowhere, or elsewhere than it looks."""
    wanted = "postgres://user:password@host:5432/name is wanted"
    encoded = "in it #, ?, /, @, : and % of a user or a password are written %23, %3F, %2F, %40, %3A and %25"
    try:
        parts = urlsplit(url)
        leads_somewhere = (parts.port or parts.hostname or "host=" in parts.query) and len(parts.path) > 1
    except ValueError:
        raise SettingRefused(f"DATABASE_URL cannot be read: {wanted}, and {encoded}.") from None
    if parts.scheme not in DATABASES:
        raise SettingRefused(f"DATABASE_URL is of {parts.scheme or 'no kind'!r}, and only PostgreSQL works: {wanted}.")
    if parts.fragment or "@" in parts.path + parts.query or not leads_somewhere:
        raise SettingRefused(f"DATABASE_URL names no host and database: {wanted}, and {encoded}.")
    try:
        parse_dsn(urlunsplit(parts._replace(scheme="postgres")))
    except ProgrammingError:  # whose words may hold the password
        options = "?sslmode=require and other options of PostgreSQL's own may follow"
        raise SettingRefused(f"DATABASE_URL cannot be read: {wanted}, {options}, and {encoded}.") from None


def blob_origin(connection_string: str) -> str:
    """Return scheme and host of the storage account, such as https://name.blob.core.windows.net.

    Raises SettingRefused, without the key, for what no storage account can be reached with.
    """
    parts = dict(part.split("=", 1) for part in connection_string.split(";") if "=" in part)
    name = "CLASSIFR_AZURE_CONNECTION_STRING"
    account, endpoint = parts.get("AccountName"), parts.get("BlobEndpoint")
    if not (account or endpoint):
        raise SettingRefused(f"{name} is none: it names no AccountName and no BlobEndpoint.")
    if not (parts.get("AccountKey") or parts.get("SharedAccessSignature")):
        raise SettingRefused(f"{name} opens nothing: it has no AccountKey and no SharedAccessSignature.")
    protocol, suffix = parts.get("DefaultEndpointsProtocol", "https"), parts.get("EndpointSuffix", "core.windows.net")
    try:
        base64.b64decode(parts.get("AccountKey", ""), validate=True)
        address = _parts_of_address(endpoint or f"{protocol}://{account}.blob.{suffix}")
    except ValueError:
        wanted = "AccountKey is in base64, the others make an address such as https://name.blob.core.windows.net"
        raise SettingRefused(f"{name} cannot be read: {wanted}.") from None
    return f"{address.scheme}://{address.netloc}"


def _flag(found: str) -> bool:
    if found.lower() not in YES | NO:
        raise ValueError(found)
    return found.lower() in YES


def _parts_of_address(found: str) -> SplitResult:
    """Split an address of the web. Raises ValueError for what is none."""
    parts = urlsplit(found)
    name = (parts.hostname or "").removeprefix("*.")
    if parts.scheme not in ("http", "https") or parts.port == 0 or re.search(r"\s", found):
        raise ValueError(found)
    if ":" in name:
        IPv6Address(name)
    elif not _HOST.fullmatch(name):
        raise ValueError(found)
    return parts
