"""XML from strangers, in archives and alone."""

from lxml import etree

from kontor.documents.parsing.archive import Archive, damaged
from kontor.documents.parsing.limits import Reason, Unreadable


def xml(data: bytes) -> etree._Element:
    """No entity is replaced and nothing fetched; who declares any is refused."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as reason:
        raise of_syntax(reason) from reason
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(Reason.UNSAFE_XML, "The file declares entities of its own, as files that attack readers do.")
    return root


def optional(archive: Archive, name: str) -> etree._Element | None:
    """A part that a file can be read without, and is when the part is missing or broken."""
    if name not in archive:
        return None
    try:
        return xml(archive.read(name))
    except Unreadable as reason:
        if reason.code is Reason.DAMAGED:
            return None
        raise


def of_syntax(reason: Exception) -> Unreadable:
    said = str(reason)
    if "depth" in said.lower():
        return Unreadable(Reason.TOO_DEEP, "The file is nested deeper than anything that people write.")
    if "entit" in said.lower():
        return Unreadable(Reason.UNSAFE_XML, "The file declares entities of its own, as files that attack readers do.")
    return damaged


def local(element: etree._Element) -> str:
    """The name without its namespace: strict and transitional files differ in nothing else."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element | None, name: str, default: str = "") -> str:
    """By its local name, whichever namespace it is in."""
    if element is None:
        return default
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return default


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The first child of this name, and in it the first of the next."""
    for name in names:
        if element is None:
            return None
        element = next((entry for entry in element if local(entry) == name), None)
    return element


def all_text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(str(piece) for piece in element.itertext())
