"""Which machines may be asked for a picture: public ones, and those that the operator lists."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from engine.fetching.special_addresses import IS_GLOBALLY_REACHABLE

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""How machines that have only IPv6 see the public part of IPv4."""
_OF_THE_CLOUD = {ip_address("168.63.129.16")}
"""Public to the eye, and yet the host's own: Azure's agent and its name server."""
_SPECIAL = sorted(
    ((ip_network(block), reachable) for block, reachable in IS_GLOBALLY_REACHABLE.items()),
    key=lambda row: row[0].prefixlen,
    reverse=True,
)
"""The smallest blocks first: where one lies within another, it is the exception."""


def is_public(address: Address) -> bool:
    """Say whether the address is a machine's in the public Internet, and none that leads elsewhere."""
    if isinstance(address, IPv4Address):
        return _is_reachable(address) and not address.is_multicast and address not in _OF_THE_CLOUD
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_UNICAST and _is_reachable(address)


def _is_reachable(address: Address) -> bool:
    """Say what IANA says of the smallest special block that the address is in; outside of them all are reachable."""
    return next((reachable for block, reachable in _SPECIAL if address in block), True)


class Allowance:
    """Hosts and networks that may be asked although they are not public, as an operator lists them."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks = []
        for entry in entries:
            try:
                self._networks.append(ip_network(entry))
            except ValueError:
                self._names.add(entry)

    def has_name(self, host: str) -> bool:
        """host: in lower case."""
        return host.rstrip(".") in self._names

    def has_address(self, address: Address) -> bool:
        plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
        return any(plain in network for network in self._networks)
