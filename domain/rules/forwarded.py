"""Who sent a request, when proxies stand in between: each hop writes down whom it heard, at the right end of the list.

So the list is read from the right, and only as far as those who wrote it are trusted. What stands left of an address
that is not trusted was written by that client itself, and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_ADDRESS = 64
MAPPED = IPv6Network("::ffff:0:0/96")
SUBNET_V6 = 64
"""Bits. A single customer has at least so much to choose addresses from."""
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}", re.ASCII)


def address_in(text: str) -> Address | None:
    """An address as peers and proxies write it, perhaps with a port or a zone; an IPv4 address within IPv6 is IPv4."""
    stripped = text.strip()
    if len(stripped) > MAX_ADDRESS:
        return None
    if found := _WITH_PORT.fullmatch(stripped):
        stripped = found["v6"] or found["v4"] or ""
    try:
        address = ip_address(stripped.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def networks_in(text: str) -> tuple[Network, ...]:
    """Of `10.0.0.0/8, 2001:db8::1`: networks, and single addresses. ValueError names what is wrong."""
    return tuple(_network(part) for part in map(str.strip, text.split(",")) if part)


def is_among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def sender(peer: Address, forwarded_for: Sequence[str], real_ip: str | None, trusted: Sequence[Network]) -> Address:
    """The nearest address that is not a trusted proxy's; where the headers end or make no sense, the last that is.

    `forwarded_for` are the values of all headers X-Forwarded-For, in their order.
    """
    if not is_among(peer, trusted):
        return peer
    if not forwarded_for:
        return (address_in(real_ip) if real_ip is not None else None) or peer
    nearest = peer
    for hop in reversed(",".join(forwarded_for).split(",")):
        address = address_in(hop)
        if address is None:
            break
        nearest = address
        if not is_among(address, trusted):
            break
    return nearest


def counted_as(address: Address) -> str:
    """What its requests are counted under: IPv6 by its /64."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address) >> SUBNET_V6 << SUBNET_V6, SUBNET_V6)))


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(f"{text} is neither an address nor a network like 10.0.0.0/8") from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        raise ValueError(f"{text} is IPv4 within IPv6: write it as IPv4")
    return network
