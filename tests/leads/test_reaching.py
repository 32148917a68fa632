"""Where an endpoint may lead, and where never."""

from __future__ import annotations

import ipaddress

import pytest

from leads.delivering import reaching
from leads.delivering.reaching import judge
from leads.errors import Invalid

PUBLIC = "93.184.215.14"


def at(*addresses: str) -> reaching.Resolve:
    return lambda host, port: list(addresses)


class TestPublicAddresses:
    @pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
    def test_are_called(self, address: str) -> None:
        target = judge("https://hooks.example/in?a=1", resolve=at(address))
        assert target == ("https", "hooks.example", 443, "/in?a=1", (ipaddress.ip_address(address),))


class TestPrivateAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
            *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1"),
            *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
            *("168.63.129.16", "192.88.99.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
            *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::"),
            *("2002:0a00:1::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
            *("2001::1", "2001:db8::1", "100::1", "5f00::1", "3fff::1"),
        ],
    )
    def test_are_refused_by_a_sentence_that_names_the_field_and_the_way_out(self, address: str) -> None:
        with pytest.raises(Invalid, match="leads into a private network .*; give a public https address") as refused:
            judge("https://hooks.example/in", resolve=at(address))
        assert refused.value.state == {"field": "url"}

    def test_are_refused_where_one_of_several_is_private(self) -> None:
        with pytest.raises(Invalid, match="private network"):
            judge("https://hooks.example/in", resolve=at(PUBLIC, "10.0.0.1"))

    def test_are_called_where_an_operator_allows_their_network_over_http_too(self) -> None:
        inside = [ipaddress.ip_network("10.1.0.0/16")]
        assert judge("http://hooks.inside:8080/in", may_reach=inside, resolve=at("10.1.2.3")).port == 8080
        with pytest.raises(Invalid, match="private network"):
            judge("http://hooks.inside/in", may_reach=inside, resolve=at("10.2.2.3"))

    @pytest.mark.parametrize(
        "host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
    )
    def test_are_recognized_however_they_are_spelled(self, host: str) -> None:
        with pytest.raises(Invalid, match="private network"):
            judge(f"https://{host}/in")


class TestAddressesAsTyped:
    @pytest.mark.parametrize(
        "url",
        [
            *("", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "https://", "https:///in"),
            *("https://user:secret@hooks.example/", "https://hooks.example@10.0.0.1/", "https://hooks.example:0/"),
            *("https://hooks.example:99999/", "https://hooks.example/in\nHost: x", "https://hooks .example/"),
            *("https://hooks.example\\@10.0.0.1/", "https://hööks.example/", "https://[::1/", "gopher://x/"),
            "https://hooks.example/" + "a" * 2000,
        ],
    )
    def test_are_refused_where_they_can_be_read_in_two_ways(self, url: str) -> None:
        with pytest.raises(Invalid):
            judge(url, resolve=at(PUBLIC))

    def test_must_be_https_in_public(self) -> None:
        with pytest.raises(Invalid, match="must start with https"):
            judge("http://hooks.example/in", resolve=at(PUBLIC))

    def test_must_resolve(self) -> None:
        with pytest.raises(reaching.Unreachable, match="has no address"):
            judge("https://hooks.example/", resolve=at())
