"""An analyzer that asks a function of the user's for the words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import Normalize, Sentences, TextConfig
from w2v_spark.errors import InputError
from w2v_spark.text.ready_words import ready_words
from w2v_spark.text.user_tokenizer import load_tokenizer
from w2v_spark.text.words import NEW_DOCUMENT, NEW_SENTENCE, SAME, Seen, Words

_BATCH_CHARACTERS: Final = 1 << 20
_BATCH_TEXTS: Final = 1000
_ASKED_TWICE: Final = 8  # texts of each array
_BUFFER_WORDS: Final = 1 << 19
_SHOWN: Final = 60  # characters of a document in an error


class UserAnalyzer:
    """Turns documents into `Words` as `w2v_spark.text.analyzer.Analyzer` does, by a tokenizer that users bring.

    The tokenizer takes a list of texts and gives the words of each: a list of strings, which is one sentence, or a list
    of such lists. It has to give the same words for a text every time, since counting, encoding and applying ask anew.

    Attributes
    ----------
    seen : Seen

    Notes
    -----
    Text comes in the normal form of the configuration; words are lower-cased afterwards where that is asked for. With
    ``text.sentences = "line"`` each line is handed on as a text of its own. A document is in memory as a whole.
    """

    def __init__(self, config: TextConfig) -> None:
        self._config, self.seen = config, Seen()
        self._tokenizer = load_tokenizer(config.tokenizer)
        self._document = -1  # of the last word

    def __reduce__(self) -> tuple[type[UserAnalyzer], tuple[Any, ...]]:
        return UserAnalyzer, (self._config,)

    def words(self, column: pa.Array, keep_unusable: bool = False) -> Iterator[Words]:
        """See `w2v_spark.text.analyzer.Analyzer.words`.

        Raises
        ------
        InputError
            The tokenizer raises, returns something else than words, or other words for the same text. The message has
            the beginning of the document.
        """
        self.seen.documents += len(column) - column.null_count
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            yield from ready_words(column, self.seen, keep_unusable, _BUFFER_WORDS)
            return
        first, self._document = True, -1
        for texts, owners in self._batches(column):
            found = self._ask(texts)
            if first:
                self._check_repeated(texts[:_ASKED_TWICE], found)
            first = False
            yield from self._flat(texts, owners, found)

    def _batches(self, column: pa.Array) -> Iterator[tuple[list[str], list[int]]]:
        """Some texts at a time, and the documents that they are of."""
        texts, owners, characters = list[str](), list[int](), 0
        for number, text in self._texts(column):
            texts.append(text)
            owners.append(number)
            characters += len(text)
            if characters >= _BATCH_CHARACTERS or len(texts) >= _BATCH_TEXTS:
                yield texts, owners
                texts, owners, characters = [], [], 0
        if texts:
            yield texts, owners

    def _texts(self, column: pa.Array) -> Iterator[tuple[int, str]]:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        by_line = self._config.sentences is Sentences.LINE
        for number, raw in enumerate(column.cast(pa.large_binary())):
            data: bytes | None = raw.as_py()
            if not data:
                continue
            text = data.decode(errors="replace")
            self.seen.bytes += len(data)
            if "\ufffd" in text:
                self.seen.invalid_utf8 += text.count("\ufffd") - data.count("\ufffd".encode())
                self.seen.invalid_bytes += len(data) - len(data.decode(errors="ignore").encode())
            if self._config.normalize is not Normalize.NONE:
                text = unicodedata.normalize("NFC" if self._config.normalize is Normalize.NFC else "NFKC", text)
            for part in text.splitlines() if by_line else (text,):
                yield number, part

    def _ask(self, texts: list[str]) -> Sequence[Any]:
        try:
            found = self._tokenizer.tokenize(list(texts))
        except Exception:
            for text in texts:  # one by one, to name the document
                try:
                    self._tokenizer.tokenize([text])
                except Exception as error:
                    raise self._fault(f"raises {type(error).__name__}: {error}", text) from error
            raise
        count = len(found) if hasattr(found, "__len__") and not isinstance(found, str | bytes) else None
        if count != len(texts):
            gives = f"a {type(found).__name__}" if count is None else f"{count:,} results"
            raise self._fault(f"gives {gives} for {len(texts):,} texts, instead of a list of words for each", texts[0])
        return [self._sentences(text, each) for text, each in zip(texts, found, strict=True)]

    def _sentences(self, text: str, found: Any) -> list[list[str]]:
        if found is None or isinstance(found, str | bytes) or not hasattr(found, "__iter__"):
            raise self._fault(f"gives {found!r:.60} instead of a list of words", text)
        items = list(found)
        nested = bool(items) and all(isinstance(item, list | tuple) for item in items)
        sentences = [list(item) for item in items] if nested else [items]
        for word in (word for sentence in sentences for word in sentence):
            if not isinstance(word, str):
                raise self._fault(f"gives {word!r:.60}, a {type(word).__name__}, among the words", text)
        return sentences

    def _check_repeated(self, texts: list[str], found: Sequence[Any]) -> None:
        """Ask again, one by one: what is counted has to be what is encoded."""
        for text, before in zip(texts, found, strict=False):
            if self._ask([text])[0] != before:
                raise self._fault("gives other words for the same text when it is asked again", text)

    def _flat(self, texts: list[str], owners: list[int], found: Sequence[list[list[str]]]) -> Iterator[Words]:
        """The words of some texts as `Words`, each document with the row that it has in the column."""
        sentences, rows = list[list[str]](), list[int]()
        for owner, each in zip(owners, found, strict=True):
            for words in each:
                sentences.append([word.lower() for word in words] if self._config.lowers else words)
                rows.append(owner)
        try:
            column = pa.array(sentences, pa.large_list(pa.large_string()))
        except UnicodeEncodeError:
            bad = next(t for t, each in zip(texts, found, strict=True) if any(map(_has_surrogate, each)))
            raise self._fault("gives a word with half a surrogate pair, which no UTF-8 has", bad) from None
        seen, owner_of = Seen(), np.array(rows, np.int32)
        row = -1
        for some in ready_words(column, seen, False, _BUFFER_WORDS):
            documents: npt.NDArray[np.int32] = owner_of[some.documents]
            starts_document = np.diff(documents, prepend=self._document) != 0
            starts_sentence = np.diff(some.documents, prepend=row) != 0
            breaks = np.where(starts_document, NEW_DOCUMENT, np.where(starts_sentence, NEW_SENTENCE, SAME))
            self._document, row = int(documents[-1]), int(some.documents[-1])
            yield Words(some.text, some.offsets, breaks.astype(np.uint8), documents)
        self.seen.overlong_words += seen.overlong_words

    def _fault(self, what: str, text: str) -> InputError:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        return InputError(f"the tokenizer {self._tokenizer.name!r} {what}, for the document that begins {shown!r}")


def _has_surrogate(sentence: list[str]) -> bool:
    return any("\ud800" <= character <= "\udfff" for word in sentence for character in word)
