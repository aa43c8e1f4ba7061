"""A tenant's address leads to the public internet, or nowhere."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.rules.addresses import fault_of, is_public

PUBLIC = ("1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1")
NOT_PUBLIC = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "2606:4700::1%eth0", "2001:4860::8888%1", "::ffff:0:7f00:1", "2002:7f00:1::", "2001:0:1:2::3", "100::1",
    "3fff::1", "5f00::1",
    "", "localhost", "127.1", "2130706433", "0x7f000001", "1.1.1.1 ", "1.1.1.1:80", "[::1]",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_may_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
@example(ipaddress.ip_address("::ffff:10.0.0.1"))
def test_nothing_that_python_knows_to_be_special_is_public(address: ipaddress.IPv4Address) -> None:
    special = (
        address.is_private, address.is_loopback, address.is_link_local, address.is_multicast, address.is_reserved,
        address.is_unspecified, not address.is_global,
    )  # fmt: skip

    assert not (any(special) and is_public(str(address)))


@given(st.ip_addresses(v=4))
def test_an_address_is_not_public_for_being_wrapped_into_another(inner: ipaddress.IPv4Address) -> None:
    number = int(inner)
    wrapped = (
        0xFFFF << 32 | number,
        number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
        0x20010000 << 96 | (number ^ 0xFFFFFFFF),
    )

    assert [False] * len(wrapped) == [is_public(str(ipaddress.IPv6Address(one))) for one in wrapped]


@given(st.text(max_size=60))
@example("1.1.1.1")
def test_what_is_neither_an_address_nor_a_host_is_refused_however_strange(text: str) -> None:
    assert not is_public(text) or ipaddress.ip_address(text)
    assert fault_of(text, allow_private=False) or text.lower().startswith("https://")
    assert fault_of(f"https://{text}", allow_private=False) or "." in text


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example/updates",
        "https://acme.example",
        "https://acme.example:8443/a?b=c%20d",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]:443/",
        "HTTPS://ACME.example/",
        "https://acme.example./",
        "https://1e100.net/",
        "https://xn--bcher-kva.example/",
        "https://my_hooks.7acme.example:444/",
    ],
)
def test_a_good_url_has_no_fault(url: str) -> None:
    assert fault_of(url, allow_private=False) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://acme.example/", "https://"),
        ("ftp://acme.example/", "https://"),
        ("acme.example", "https://"),
        ("", "https://"),
        ("https://", "host"),
        ("https:///path", "host"),
        ("https://acme.example:0/", "host"),
        ("https://acme.example:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://user:pass@acme.example/", "password"),
        ("https://acme.example@127.0.0.1/", "password"),
        ("https://@acme.example/", "password"),
        ("https://acme.example/#part", "fragment"),
        ("https://acme.example\\@127.0.0.1/", "plain characters"),
        ("https://acme.example/ \r\nHost: x", "plain characters"),
        ("https://bücher.example/", "plain characters"),
        ("https://acme.example/" + "a" * 2048, "plain characters"),
        ("https://127.0.0.1/", "public internet"),
        ("https://[::1]/", "public internet"),
        ("https://[::ffff:127.0.0.1]/", "public internet"),
        ("https://10.1.2.3:8080/", "public internet"),
        ("https://169.254.169.254/latest/meta-data", "public internet"),
        ("https://localhost/", "public internet"),
        ("https://LOCALHOST./", "public internet"),
        ("https://me.localhost/", "public internet"),
        ("https://metadata.google.internal/", "public internet"),
        ("https://router.home.arpa/", "public internet"),
        ("https://intranet/", "public internet"),
        ("https://[::ffff:7f00:1]/", "public internet"),
        ("https://[::127.0.0.1]/", "public internet"),
        ("https://[64:ff9b::127.0.0.1]/", "public internet"),
        ("https://[2002:7f00:1::]/", "public internet"),
        ("https://[2606:4700::1%25eth0]/", "usually written"),
        ("https://2130706433/", "usually written"),
        ("https://017700000001/", "usually written"),
        ("https://0x7f000001/", "usually written"),
        ("https://0x/", "usually written"),
        ("https://0177.0.0.1/", "usually written"),
        ("https://0x7f.1/", "usually written"),
        ("https://127.1/", "usually written"),
        ("https://0/", "usually written"),
        ("https://127.0.0.1./", "usually written"),
        ("https://1.1.1.1./", "usually written"),
        ("https://999.1.1.1/", "usually written"),
        ("https://acme.example.7/", "usually written"),
        ("https://%31%32%37.0.0.1/", "usually written"),
        ("https://localhost%00.example/", "usually written"),
        ("https://user%40acme.example/", "usually written"),
        ("https://acme..example/", "usually written"),
        ("https://acme.example;x/", "usually written"),
        ("https://*/", "usually written"),
        ("https://acme.example:80:443/", "no URL"),
        ("https://acme.example:+443/", "no URL"),
    ],
)
def test_a_bad_url_is_refused_in_a_sentence(url: str, fault: str) -> None:
    assert fault in (fault_of(url, allow_private=False) or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "https://[::1]/", "http://localhost/x", "http://10.0.0.1/"])
def test_an_operator_may_allow_what_is_private(url: str) -> None:
    assert fault_of(url, allow_private=True) is None


@pytest.mark.parametrize("url", ["http://127.1/", "http://0x7f000001/", "http://[fe80::1%25eth0]/", "http://a@here/"])
def test_what_is_oddly_written_is_refused_also_where_private_addresses_are_allowed(url: str) -> None:
    assert fault_of(url, allow_private=True) is not None


@given(st.ip_addresses(v=4), st.lists(st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]), min_size=1, max_size=4))
def test_no_odd_spelling_of_an_ipv4_address_gets_through(address: ipaddress.IPv4Address, spelling: list[str]) -> None:
    """As inet_aton reads them: the last part holds what is left."""
    left, parts = int(address), []
    for number, form in enumerate(spelling, 1):
        bits = 0 if number == len(spelling) else 32 - 8 * number
        parts.append(form.format(left >> bits))
        left &= (1 << bits) - 1
    host = ".".join(parts)

    assert (host == str(address) and is_public(host)) == (fault_of(f"https://{host}/", allow_private=False) is None)
