"""What is this machine itself, in whatever spelling: rights and warnings hang on it, so it is decided here alone."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=1024)
def is_loopback(host: str | None) -> bool:
    """Of a host as it stands in a setting, an address or a Host header. Names are not looked up: a name is what
    whoever owns it says today, and only `localhost` is nobody's."""
    if (host or "").lower() == "localhost":
        return True
    try:
        address = ip_address((host or "").strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
