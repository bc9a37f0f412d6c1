"""Addresses as the limits count them."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def counted(address: str | None) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address((address or "").split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


@lru_cache(maxsize=4096)
def address_key(address: str | None) -> str:
    """One household, one key: whoever has an IPv6 address has 2^64 of them. Sockets without an address share one."""
    found = counted(address)
    if found is None:
        return "local"
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def subnet_key(address: str | None) -> str:
    """The neighbourhood: what one attacker can rent at once."""
    found = counted(address)
    if found is None:
        return "local"
    return str(ip_network((found, 48 if isinstance(found, IPv6Address) else 24), strict=False))
