"""The tokenizer's rules in plain Python, one regular expression a rule; imports nothing from the package."""

import re
import unicodedata

TERMINATORS = "!?‼⁇⁈⁉‽⸮܀܁܂۔؟։।॥၊။።፧፨᙮᠃᠉"
UNSPACED = "。！？｡．"
APOSTROPHES = "'‘’＇"
JOINERS = "\u200c\u200d\u180e"
# Word_Break of UAX 29 where categories do not give it away.
MID_LETTER = ":\xb7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
MID_NUM = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe50\ufe54\uff0c\uff1b"
MID_NUM_LET = ".\u2024\ufe52\uff0e"
CONNECTORS = "_\u203f\u2040\u2054\ufe33\ufe34\ufe4d\ufe4e\ufe4f\uff3f"
LETTER_SYMBOLS = "\xb8˂-˅˒-˗˞-˟˥-˫˭˯-˿՚-՜՞֊׳꜈-꜖꜠꜡꞉꞊꭛"  # of punctuation and symbols, what is a letter
NUMBER_SYMBOLS = "\u066b\u19da"
KATAKANA = (
    "〱-〵゛゜゠-ヺー-ヿㇰ-ㇿ㋐-㋾㌀-㍗ｦ-ﾝ\U0001aff0-\U0001aff3\U0001aff5-\U0001affb\U0001affd-\U0001affe\U0001b000"
    "\U0001b120-\U0001b122\U0001b124-\U0001b128\U0001b155\U0001b164-\U0001b168"
)
IGNORABLE_MARKS = "\u034f\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
FILLERS = "\u115f\u1160\u3164\uffa0"
NO_SPACES = "CJK HIRAGANA HENTAIGANA TANGUT KHITAN NUSHU HANGZHOU IDEOGRAPHIC THAI LAO KHMER MYANMAR TAI NEW AHOM"
CURSIVE = "ARABIC SYRIAC MANDAIC NKO MONGOLIAN PHAGS-PA ADLAM HANIFI MANICHAEAN SOGDIAN CHORASMIAN PSALTER"
WITH_VIRAMA = {
    unicodedata.name(chr(point)).split()[0] for point in range(0x12000) if unicodedata.combining(chr(point)) == 9
}


def script(character):
    return (unicodedata.name(character, "") or " ").split(" ")[0]


def kind(character):
    """``a`` letter, ``h`` Hebrew letter, ``1`` digit, ``k`` Katakana, ``u`` letter without spaces, ``x`` attached."""
    category = unicodedata.category(character)
    is_letter = category[0] == "L" or category == "Nl" or character.islower() or character.isupper()
    letter = "u" if script(character) in ["", *NO_SPACES.split()] else "h" if script(character) == "HEBREW" else "a"
    rules = (
        (character == "\u200b", ""),
        (category == "Nd" or re.match(f"[{NUMBER_SYMBOLS}]", character), "1"),
        (re.match(f"[{KATAKANA}]", character), "k"),
        (re.match(f"[{FILLERS}{JOINERS}\uff9e\uff9f\U0001f3fb-\U0001f3ff]", character) or category[0] == "M", "x"),
        (re.match(f"[{LETTER_SYMBOLS}]", character), "a"),
        (category == "Cf", "x"),
        (is_letter, letter),
    )
    return next((sign for applies, sign in rules if applies), "")


def is_published(character):
    """Whether a mark or an attached character is part of the word that is published, joiners apart."""
    if re.match(f"[{IGNORABLE_MARKS}]", character):
        return False
    return unicodedata.category(character)[0] == "M" or character in "\uff9e\uff9f"


def shaped(character):
    is_letter = kind(character) in ("a", "u") or is_published(character)
    return is_letter and script(character) in {*CURSIVE.split(), *WITH_VIRAMA}


def separator(character, keep_apostrophes):
    if keep_apostrophes and character in APOSTROPHES:
        return "'"
    sets = ((MID_LETTER, ":"), (MID_NUM, ","), (MID_NUM_LET, "."), (CONNECTORS, "_"), ('"', '"'))
    return next((sign for characters, sign in sets if character in characters), " ")


def split_words(text, keep_apostrophes):
    """(start, end) of each word, by the rules of UAX 29 for pairs of characters, those that are attached left out."""
    kinds = [kind(c) or separator(c, keep_apostrophes) for c in text]
    bases = [i for i, k in enumerate(kinds) if k != "x"]
    signs = "".join(kinds[i] for i in bases)
    spans, start = [], None
    for n, sign in enumerate(signs):
        if sign not in "ah1ku":
            continue
        if start is None:
            start = n
        behind = signs[n + 1 :]
        same = "[ah1]" if sign in "ah1" else "[ku]"
        patterns = [same, "'[ah1ku]"]
        patterns += ["_+[ah1k]"] if sign in "ah1k" else []
        patterns += ["[:.][ah]"] if sign in "ah" else []
        patterns += ["[,.]1"] if sign == "1" else []
        patterns += ['"h'] if sign == "h" else []
        if not re.match("|".join(patterns), behind):
            end = bases[n + 1] if n + 1 < len(bases) else len(text)
            spans.append((bases[start], end))
            start = None
    return spans


def published(word):
    """A word without what is invisible, but with the joiners that are spelling."""
    result, waiting = "", ""
    for c in word:
        if c in JOINERS:
            waiting = waiting or (c if result and shaped(result[-1]) else "")
        elif kind(c) != "x" or is_published(c):
            if waiting and (unicodedata.combining(result[-1]) == 9 or shaped(c)):
                result += waiting
            result, waiting = result + c, ""
    return result + (waiting if waiting and unicodedata.combining(result[-1]) == 9 else "")


def ends_sentence(gap, following, by_line):
    """Whether the text between two words ends a sentence."""
    gap = "".join(c for c in gap if kind(c) != "x")
    newline = "[\n\x85\u2028\f\u2029]"
    if by_line:
        return re.search(newline, gap) is not None
    if re.search("[\f\u2029]", gap) or re.search(rf"{newline}\s*?{newline}", gap):
        return True
    if re.search(f"[{UNSPACED}]", gap):
        return True
    closers = "".join(c for c in set(gap) if unicodedata.category(c) in ("Pe", "Pf") or c in "\"'’”»›")
    skip = f"[{re.escape(closers)}]*" if closers else ""
    stops = f"[{re.escape('.…' + TERMINATORS + UNSPACED + closers)}]*"
    if re.search(rf"[{re.escape(TERMINATORS)}]{stops}\s", gap):
        return True
    return re.search(rf"[.…]{skip}(?:[.…]|{skip})*\s", gap) is not None and not following.islower()


def tokenize(data, lowercase=True, keep_apostrophes=False, by_line=False, form=""):
    """Sentences of words of one document given as bytes."""
    text = data.decode("utf-8", "replace")
    if form:
        text = unicodedata.normalize(form, text)
    sentences, last = [], None
    for start, end in split_words(text, keep_apostrophes):
        word = published(text[start:end])
        word = word.lower() if lowercase else word
        if last is None or ends_sentence(text[last:start], text[start], by_line):
            sentences.append([])
        sentences[-1].append(unicodedata.normalize(form, word) if form else word)
        last = end
    return sentences


def split_at_white_space(data, lowercase=False):
    """The same for words between white space, as gensim's LineSentence takes them; U+FFFD separates them too."""
    lines = re.split("[\n\x85\u2028\f\u2029]", data.decode("utf-8", "replace").replace("\ufffd", " "))
    words = [(line.lower() if lowercase else line).split() for line in lines]
    return [line for line in words if line]
