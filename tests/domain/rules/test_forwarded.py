"""Who sent a request: only what trusted hops wrote is believed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.forwarded import Address, address_in, counted_as, is_among, networks_in, sender

TRUSTED = networks_in("10.0.0.0/8, 2001:db8:aaaa::/48")
PROXY, OTHER_PROXY, CLIENT, LIAR = map(ip_address, ("10.0.0.1", "10.0.0.2", "203.0.113.7", "198.51.100.9"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "real_ip", "expected"),
    [
        pytest.param(CLIENT, ["198.51.100.9"], "198.51.100.9", CLIENT, id="a peer that is no proxy says nothing"),
        pytest.param(PROXY, ["203.0.113.7"], None, CLIENT, id="a proxy's word counts"),
        pytest.param(PROXY, ["198.51.100.9, 203.0.113.7"], None, CLIENT, id="what the client wrote is left of it"),
        pytest.param(PROXY, ["198.51.100.9", "203.0.113.7"], None, CLIENT, id="also in a header of its own"),
        pytest.param(PROXY, ["127.0.0.1,203.0.113.7,10.0.0.2"], None, CLIENT, id="trusted hops are skipped"),
        pytest.param(PROXY, ["10.0.0.2"], None, OTHER_PROXY, id="nobody but proxies"),
        pytest.param(PROXY, ["203.0.113.7, nonsense, 10.0.0.2"], None, OTHER_PROXY, id="nonsense ends the walk"),
        pytest.param(PROXY, ["203.0.113.7,"], None, PROXY, id="an empty entry too"),
        pytest.param(PROXY, ["nonsense"], "203.0.113.7", PROXY, id="X-Real-IP does not stand in for nonsense"),
        pytest.param(PROXY, [], "203.0.113.7", CLIENT, id="X-Real-IP alone"),
        pytest.param(PROXY, [], "nonsense", PROXY, id="X-Real-IP that is none"),
        pytest.param(PROXY, [], None, PROXY, id="a silent proxy"),
    ],
)
def test_the_sender_is_the_nearest_that_is_no_proxy_of_ours(
    peer: Address, forwarded_for: list[str], real_ip: str | None, expected: Address
) -> None:
    assert expected == sender(peer, forwarded_for, real_ip, TRUSTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7:4711 ", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
    ],
)
def test_an_address_is_read_as_proxies_write_it(text: str, expected: str) -> None:
    assert ip_address(expected) == address_in(text)


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "203.0.113", "203.0.113.7:x", "[203.0.113.7", "1" * 65])
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_in(text) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    ],
)
def test_ipv6_is_counted_by_its_64(address: str, expected: str) -> None:
    assert expected == counted_as(ip_address(address))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.0.0.0/8, here", "here is neither an address nor a network like 10.0.0.0/8"),
        ("10.0.0.1/8", "10.0.0.1/8 is neither an address nor a network like 10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104 is IPv4 within IPv6: write it as IPv4"),
    ],
)
def test_what_is_no_network_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        networks_in(text)

    assert said == str(refused.value)


addresses = st.one_of(
    st.ip_addresses(),
    st.sampled_from([PROXY, OTHER_PROXY, CLIENT, LIAR, ip_address("2001:db8:aaaa::5")]),
)
hops = st.one_of(addresses.map(str), st.text(max_size=70), st.text("0123456789abcdef.:[]%, ", max_size=50))


@given(addresses, st.lists(st.lists(hops, max_size=4).map(",".join), max_size=4), st.none() | hops)
def test_whatever_the_headers_say_no_address_is_taken_that_an_untrusted_hop_wrote(
    peer: IPv4Address | IPv6Address, forwarded_for: list[str], real_ip: str | None
) -> None:
    found = sender(peer, forwarded_for, real_ip, TRUSTED)
    written = [peer]
    for hop in (
        ([real_ip] if real_ip is not None else []) if not forwarded_for else ",".join(forwarded_for).split(",")[::-1]
    ):
        if not is_among(written[-1], TRUSTED) or (address := address_in(hop)) is None:
            break
        written.append(address)

    assert written[-1] == found
    assert all(is_among(hop, TRUSTED) for hop in written[:-1])


@given(st.text(), st.text(max_size=80))
def test_no_text_makes_it_fail(text: str, other: str) -> None:
    found = sender(PROXY, [text, other], None, TRUSTED)

    assert counted_as(found)
