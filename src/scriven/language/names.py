"""Names of languages, to suggest the code where a name is given."""

NAMES = {
    "ar": "arabic", "bg": "bulgarian", "bn": "bengali", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "es": "spanish", "fa": "persian", "fi": "finnish", "fil": "filipino",
    "fr": "french", "he": "hebrew", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "is": "icelandic",
    "it": "italian", "ja": "japanese", "ko": "korean", "la": "latin", "lt": "lithuanian", "lv": "latvian",
    "mk": "macedonian", "ms": "malay", "nb": "norwegian", "nl": "dutch", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sh": "serbo-croatian", "sk": "slovak", "sl": "slovenian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "uk": "ukrainian", "ur": "urdu", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
OTHER_NAMES = {
    "cz": "cs", "deutsch": "de", "espanol": "es", "español": "es", "francais": "fr", "français": "fr", "ger": "de",
    "eng": "en", "fra": "fr", "fre": "fr", "deu": "de", "spa": "es", "ita": "it", "italiano": "it", "por": "pt",
    "português": "pt", "portugues": "pt", "nld": "nl", "nederlands": "nl", "latine": "la", "lat": "la", "no": "nb",
    "croatian": "sh", "serbian": "sh", "čeština": "cs", "ces": "cs", "polski": "pl", "gr": "el", "русский": "ru",
}  # fmt: skip


def code_of(name: str) -> str | None:
    """The code of a language by its English name or another common spelling, in any case; None if it is unknown."""
    known = {english: code for code, english in NAMES.items()} | OTHER_NAMES
    return known.get(name.strip().casefold())
