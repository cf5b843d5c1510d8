"""IANA's registries of special-purpose addresses, of IPv4 and of IPv6, as of 2025-10-09.

Of each block: whether it is globally reachable. "N/A" in a registry is False here: these blocks lead elsewhere (relays
of 6to4, Teredo). See <https://www.iana.org/assignments/iana-ipv4-special-registry/> and `iana-ipv6-special-registry`.
"""

from collections.abc import Mapping

IS_GLOBALLY_REACHABLE: Mapping[str, bool] = {
    "0.0.0.0/8": False,  # "this network"
    "0.0.0.0/32": False,  # "this host on this network"
    "10.0.0.0/8": False,  # private use
    "100.64.0.0/10": False,  # shared address space
    "127.0.0.0/8": False,  # loopback
    "169.254.0.0/16": False,  # link local
    "172.16.0.0/12": False,  # private use
    "192.0.0.0/24": False,  # IETF protocol assignments
    "192.0.0.0/29": False,  # IPv4 service continuity prefix
    "192.0.0.8/32": False,  # IPv4 dummy address
    "192.0.0.9/32": True,  # port control protocol anycast
    "192.0.0.10/32": True,  # traversal using relays around NAT anycast
    "192.0.0.170/32": False,  # NAT64/DNS64 discovery
    "192.0.0.171/32": False,  # NAT64/DNS64 discovery
    "192.0.2.0/24": False,  # documentation (TEST-NET-1)
    "192.31.196.0/24": True,  # AS112-v4
    "192.52.193.0/24": True,  # AMT
    "192.88.99.0/24": False,  # 6to4 relay anycast, deprecated
    "192.88.99.2/32": False,  # 6a44 relay anycast
    "192.168.0.0/16": False,  # private use
    "192.175.48.0/24": True,  # direct delegation AS112 service
    "198.18.0.0/15": False,  # benchmarking
    "198.51.100.0/24": False,  # documentation (TEST-NET-2)
    "203.0.113.0/24": False,  # documentation (TEST-NET-3)
    "240.0.0.0/4": False,  # reserved
    "255.255.255.255/32": False,  # limited broadcast
    "::1/128": False,  # loopback
    "::/128": False,  # unspecified
    "::ffff:0:0/96": False,  # IPv4-mapped
    "64:ff9b::/96": True,  # IPv4-IPv6 translation
    "64:ff9b:1::/48": False,  # IPv4-IPv6 translation, local
    "100::/64": False,  # discard only
    "100:0:0:1::/64": False,  # dummy prefix
    "2001::/23": False,  # IETF protocol assignments
    "2001::/32": False,  # Teredo
    "2001:1::1/128": True,  # port control protocol anycast
    "2001:1::2/128": True,  # traversal using relays around NAT anycast
    "2001:1::3/128": True,  # DNS-SD service registration protocol anycast
    "2001:2::/48": False,  # benchmarking
    "2001:3::/32": True,  # AMT
    "2001:4:112::/48": True,  # AS112-v6
    "2001:10::/28": False,  # ORCHID, deprecated
    "2001:20::/28": True,  # ORCHIDv2
    "2001:30::/28": True,  # drone remote ID
    "2001:db8::/32": False,  # documentation
    "2002::/16": False,  # 6to4
    "2620:4f:8000::/48": True,  # direct delegation AS112 service
    "3fff::/20": False,  # documentation
    "5f00::/16": False,  # segment routing (SRv6) SIDs
    "fc00::/7": False,  # unique local
    "fe80::/10": False,  # link local unicast
}
