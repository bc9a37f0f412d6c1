"""Addresses: as they were written, and the key by which they are compared."""

import unicodedata
from dataclasses import dataclass
from typing import Annotated

import idna
from pydantic import AfterValidator, StringConstraints

MOST_CHARACTERS = 254
MOST_LOCAL_BYTES = 64
# Quoted local parts and comments are legal mail and useless to people; what is left cannot break a header.
REFUSED = frozenset('"(),:;<>[\\]@')


@dataclass(frozen=True, slots=True)
class Email:
    written: str
    key: str

    @property
    def domain(self) -> str:
        return self.key.rpartition("@")[2]


def parse_email(text: str) -> Email:
    """Raises ValueError. Two spellings of one mailbox have one key: case, composition and IDN forms do not count."""
    if len(text) > 2 * MOST_CHARACTERS:
        raise ValueError("This is not an e-mail address.")
    written = unicodedata.normalize("NFC", text.strip())
    local, at, domain = written.rpartition("@")
    if not at or not local or not domain or len(written) > MOST_CHARACTERS:
        raise ValueError("This is not an e-mail address.")
    if len(local.encode()) > MOST_LOCAL_BYTES or local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("The part before the @ is not valid.")
    if any(character in REFUSED or not character.isprintable() or character.isspace() for character in local):
        raise ValueError("The part before the @ is not valid.")
    try:
        ascii_domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as reason:
        raise ValueError("The part after the @ is not a domain.") from reason
    if ascii_domain.endswith("."):
        raise ValueError("The part after the @ is not a domain.")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", local).casefold())
    if any(character in REFUSED or character.isspace() for character in folded):
        raise ValueError("The part before the @ is not valid.")
    return Email(written=f"{local}@{domain}", key=f"{folded}@{ascii_domain}")


def is_same_mailbox(one: str, other: str) -> bool:
    """Keys fold more than mail servers do (ſ and s, ß and ss): reason enough to keep two people from having both
    addresses, and no reason to hand the account of the one to the other."""
    return parse_email(one).key == parse_email(other).key and _local(one) == _local(other)


def _local(address: str) -> str:
    return unicodedata.normalize("NFC", address.strip()).rpartition("@")[0].lower()


def _checked(text: str) -> str:
    return parse_email(text).written


EmailText = Annotated[str, StringConstraints(min_length=3, max_length=MOST_CHARACTERS), AfterValidator(_checked)]
