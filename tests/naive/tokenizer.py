"""The tokenizer's rules in plain Python, one regular expression a rule; imports nothing from the package."""

import re
import unicodedata

TERMINATORS = "!?‼⁇⁈⁉‽⸮܀܁܂۔؟։।॥၊။።፧፨᙮᠃᠉"
UNSPACED = "。！？｡．"


def is_word(character):
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd"


def split_words(text, keep_apostrophes):
    """(start, end) of each word."""
    spans, start = [], None
    for i, c in enumerate(text):
        joins = keep_apostrophes and c in "'’ʼ＇" and start is not None and i + 1 < len(text) and is_word(text[i + 1])
        if is_word(c) or joins:
            start = i if start is None else start
        elif start is not None:
            spans.append((start, i))
            start = None
    return spans + ([(start, len(text))] if start is not None else [])


def ends_sentence(gap, following, by_line):
    """Whether the text between two words ends a sentence."""
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


def tokenize(data, lowercase=True, keep_apostrophes=False, by_line=False):
    """Sentences of words of one document given as bytes."""
    text = data.decode("utf-8", "replace")
    sentences, last = [], None
    for start, end in split_words(text, keep_apostrophes):
        word = text[start:end].lower() if lowercase else text[start:end]
        if last is None or ends_sentence(text[last:start], text[start], by_line):
            sentences.append([])
        sentences[-1].append(word)
        last = end
    return sentences
