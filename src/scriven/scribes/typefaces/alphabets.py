"""The letters of some written languages in both cases: the main letters of CLDR and those of older spellings."""

from scriven.text import normalise


def _both(lower: str, more: str = "") -> str:
    upper = "".join(c.upper() for c in lower if len(c.upper()) == 1)
    return normalise(lower + upper + more)


_LATIN = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"

ALPHABETS = {
    "ca": _both(_LATIN + "àçéèíïóòúü", "·"),
    "cs": _both(_LATIN + "áčďéěíňóřšťúůýž"),
    "da": _both(_LATIN + "æøå"),
    "de": _both(_LATIN + "äöüß"),
    "el": _both("αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύϋΰφχψωώ"),
    "en": _both(_LATIN, "£&"),
    "es": _both(_LATIN + "áéíñóúü", "¿¡"),
    "et": _both(_LATIN + "äõöüšž"),
    "fi": _both(_LATIN + "äöå"),
    "fr": _both(_LATIN + "àâæçéèêëîïôœùûüÿ", "«»"),
    "hr": _both(_LATIN + "čćđšž"),
    "hu": _both(_LATIN + "áéíóöőúüű"),
    "is": _both(_LATIN + "áðéíóúýþæö"),
    "it": _both(_LATIN + "àéèìíîóòùú"),
    "la": _both(_LATIN + "āēīōūæœ", "ſ"),
    "lt": _both(_LATIN + "ąčęėįšųūž"),
    "lv": _both(_LATIN + "āčēģīķļņšūž"),
    "nl": _both(_LATIN + "áéëèíïóöúü"),
    "no": _both(_LATIN + "æøåéòôà"),
    "pl": _both(_LATIN + "ąćęłńóśźż"),
    "pt": _both(_LATIN + "áàâãçéêíóôõúü"),
    "ro": _both(_LATIN + "ăâîșț"),
    "ru": _both(_RUSSIAN),
    "ru-1917": _both(_RUSSIAN + "ѣіѳѵ"),
    "sk": _both(_LATIN + "áäčďéíĺľňóôŕšťúýž"),
    "sl": _both(_LATIN + "čšž"),
    "sv": _both(_LATIN + "åäöé"),
    "tr": _both(_LATIN + "çğıöşü", "İ"),
    "uk": _both("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "’"),
    "vi": _both(_LATIN + "ăâđêôơưáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"),
}
