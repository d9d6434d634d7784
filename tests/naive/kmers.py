"""k-mers in plain Python, a list of sentences a document; imports nothing from the package."""

MASK = 2**64 - 1
LETTERS = {
    "protein": "ACDEFGHIKLMNPQRSTVWY",
    "dna": "ACGT",
    "rna": "ACGU",
    "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}
PAIRS = dict(zip("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN", strict=True))


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def content(letters):
    h = 0xCBF29CE484222325
    for letter in letters:
        h = ((h ^ ord(letter)) * 0x100000001B3) & MASK
    return mix(h)


def reverse_complement(kmer, alphabet):
    pairs = PAIRS | ({"A": "U", "U": "A", "T": "T"} if alphabet == "rna" else {})
    return "".join(pairs.get(letter, letter) for letter in reversed(kmer))


def runs(letters, known):
    """(place of the first letter, run)."""
    start = 0
    for end in range(len(letters) + 1):
        if end == len(letters) or letters[end] not in known:
            if end > start:
                yield start, letters[start:end]
            start = end + 1


def kmers(text, k, frames, stride, alphabet, strands, unknown, places):
    """The sentences of one document of ASCII text, empty ones left out."""
    letters = "".join(text.split()).upper()
    k_min, k_max = (k, k) if isinstance(k, int) else k
    known = LETTERS["letters"] if unknown == "keep" else LETTERS[alphabet]
    key = content(letters)
    sentences = []
    for place, run in runs(letters, known):
        whole = []
        for piece in range(0, len(run), places):
            starts = range(piece, min(piece + places, len(run)))
            turns = {"none": [False], "canonical": [False], "both": [False, True]}.get(strands)
            if turns is None:
                turns = [bool(mix(key ^ mix((place + piece + 0xD1B54A32D192ED03) & MASK)) >> 63)]
            for reverse in turns:
                for frame in range(k_min if frames else 1):
                    words = []
                    for start in starts:
                        if (start - frame) % (k_min if frames else stride):
                            continue
                        bits = mix((key + (place + start + 1) * 0x9E3779B97F4A7C15) & MASK)
                        size = k_min + (((bits >> 32) * (k_max - k_min + 1)) >> 32)
                        word = run[start : start + size]
                        if len(word) < size:
                            continue
                        other = reverse_complement(word, alphabet)
                        words.append(other if reverse else min(word, other) if strands == "canonical" else word)
                    words = words[::-1] if reverse else words
                    if (frames and k_min > 1) or strands in ("both", "random"):
                        sentences.append(words)
                    else:
                        whole += words
        sentences.append(whole)
    return [words for words in sentences if words]
