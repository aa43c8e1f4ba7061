"""Where we may call when a tenant names the address: the public internet, unless the operator allows more.

A name may lead anywhere, and elsewhere the next time: so what counts is the address of each connection
(`is_public`), and a URL is looked at only to say early what would never work.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

MAX_URL = 2048
NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        # here, private, shared by carriers, loopback, link-local
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        # for protocols, documentation, 6to4 relays and benchmarks
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        # multicast, reserved, broadcast
        "224.0.0.0/4", "240.0.0.0/4",
        # for protocols (Teredo too), documentation, 6to4: some of them carry an IPv4 address inside
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""All that is public in IPv6 is in here: no loopback, no link-local, no mapped IPv4, no NAT64."""
NAMES_OF_HERE = (".localhost", ".local", ".internal", ".home.arpa")
NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""What resolvers take for a part of an IPv4 address: 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1."""


def is_public(address: str) -> bool:
    """Of an IP address. What is none is not public either."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A zone names an interface of this machine.
    if found.version == UNICAST_V6.version and (found not in UNICAST_V6 or "%" in address):
        return False
    return not any(found.version == network.version and found in network for network in NOT_PUBLIC)


def fault_of(url: str, *, allow_private: bool) -> str | None:
    """What is wrong with a tenant's URL, for its eyes; None: it can be tried."""
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\"<>^`{|}'):
        return f"It must be a URL of at most {MAX_URL} plain characters."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "It is no URL."
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        return "It must begin with https://."
    if not host or port == 0:
        return "It must name a host."
    if "@" in parts.netloc:
        return "It must not hold a user or a password: the signature proves who posts."
    if parts.fragment:
        return "It must not have a fragment."
    is_address = _is_address(host)
    if "%" in host or (not is_address and (NAME.fullmatch(host) is None or _ends_in_a_number(host))):
        return "Its host must be a name, or an IP address as it is usually written."
    if not allow_private and not (is_public(host) if is_address else _may_be_public(host)):
        return "It must be an address of the public internet."
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ends_in_a_number(host: str) -> bool:
    return NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _may_be_public(host: str) -> bool:
    """A name of one part is looked up in a domain of our own."""
    bare = host.rstrip(".")
    return "." in bare and not bare.endswith(NAMES_OF_HERE)
