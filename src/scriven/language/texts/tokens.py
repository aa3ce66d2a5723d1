"""Tokenisation into words, numbers and punctuation, and joining with the spacing of English or French."""

import re
from collections.abc import Iterable, Sequence

_SHORT = (
    "M MM Mr Mrs Ms Dr Prof Rev St Capt Col Gen Hon Esq Co Jr No no Nr nr vol p pp fol art cf etc Hr Fr Frl Bd "
    "S Sr Sra Srta D Da Sig Dott Avv fr c Vve Mgr Jan Feb Mar Apr Aug Sept Oct Nov Dec janv févr avr juil ca geb "
    "č str ул г гг т р руб коп"
).split()
_TOKEN = re.compile(
    r"(?:\b(?:" + "|".join(_SHORT) + r")\.)"  # abbreviations with their full stop
    r"|(?:[^\W\d_]\.)+"  # initials: J. B. U.S.
    r"|\d+(?:[.,:/\-]\d+)*[^\W\d_]*"  # 12 3,50 12/3/1914 1er
    r"|[^\W\d_]+(?:['’\-.]?[\w]+)*(?:['’](?=\w))?"  # words, with apostrophes and hyphens inside
    r"|\.\.\.|\S"
)
_ELIDED = re.compile(
    r"^(?:[ldjnscmtLDJNSCMT]|[Qq]u|[Jj]usqu|[Ll]orsqu|[Pp]uisqu|[Qq]uoiqu|[Dd]ell|[Aa]ll|[Nn]ell|[Ss]ull|[Dd]all|[Uu]n)['’]"
)
INVISIBLE = re.compile("[\u00ad\u200b\ufeff]")  # soft hyphens, zero-width spaces, byte order marks
CLOSING = frozenset(",.…)]}%’”°") | {"...", "»"}
OPENING = frozenset("([{¿¡„‚“")
FRENCH = frozenset(":;!?»")


def tokenise(text: str) -> list[str]:
    """The tokens of a line; an elided article (`l'`) is a token that ends with its apostrophe."""
    tokens = []
    for token in _TOKEN.findall(INVISIBLE.sub("", text)):
        while (elided := _ELIDED.match(token)) and elided.end() < len(token):
            tokens.append(elided.group())
            token = token[elided.end() :]
        tokens.append(token)
    return tokens


def join(tokens: Iterable[str], french: bool) -> str:
    """Join tokens to a line. In French there is a space before : ; ! ? and inside « »."""
    text: list[str] = []
    glue, quoted = True, False  # glue: no space before the next token
    for token in tokens:
        if token == '"':
            before, after, quoted = quoted, not quoted, not quoted
        elif token == "«":
            before, after = False, not french
        elif token in FRENCH:
            before, after = not french, False
        else:
            before, after = token in CLOSING, token in OPENING or (token[-1] in "'’" and len(token) > 1)
        if text and not glue and not before:
            text.append(" ")
        text.append(token)
        glue = after
    return "".join(text)


def is_mark(token: str) -> bool:
    """Whether a token has neither letters nor digits."""
    return not any(c.isalnum() for c in token)


def spaced_as_french(texts: Sequence[str]) -> bool:
    """Whether most ; : ! ? in texts have a space before them."""
    spaced = sum(len(re.findall(r"\w [;:!?]", text)) for text in texts)
    tight = sum(len(re.findall(r"[^\W\d_][;:!?](?= |$)", text)) for text in texts)
    return spaced > tight
