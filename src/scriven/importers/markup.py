"""XML of data sets: parsed without entities and network, in the encoding that it has, whatever it declares."""

import re
from pathlib import Path

from lxml import etree

from scriven.base import LinesError

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""encoding=["']([\w-]+)""")


def read_xml(file: Path) -> etree._Element:
    """The root of an XML file. Raises LinesError for a file that is missing or damaged."""
    try:
        data = file.read_bytes()
        text = _DECLARATION.sub("", _text(data))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        return etree.fromstring(text.encode(), parser)
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise LinesError(f"{file} is not a complete XML file ({error}); get it again") from error


def _text(data: bytes) -> str:
    """The content of a file in UTF-16 (with a mark), UTF-8, or else in the encoding that it declares, or ISO 8859-15.

    A text in ISO 8859 is hardly ever valid UTF-8, but files in UTF-8 declare ISO 8859-1 (CVL).
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _ENCODING.search(data[:200])
        name = declared[1].decode() if declared else "utf-8"
        return data.decode("iso-8859-15" if name.lower().replace("-", "") == "utf8" else name)
