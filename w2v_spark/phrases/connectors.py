"""Words that may stand within a phrase: articles, prepositions and conjunctions of some languages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from w2v_spark.errors import ConfigError, Name

CONNECTORS: Final = {
    "en": "a an the for of with without at from to in on by and or",
    "de": "der die das den dem des ein eine einen einem einer eines von vom zu zum zur mit ohne an am auf aus bei im "
    "in für und oder",
    "fr": "le la les l un une des de du d à au aux en et ou pour par sur avec sans dans",
    "es": "el la los las un una unos unas de del a al en y o para por con sin sobre",
}
"""By language. The English ones are gensim's ``ENGLISH_CONNECTOR_WORDS``; all are lower-cased."""


def read_connectors(given: str) -> tuple[str, ...]:
    """The words that `phrases.connector_words` names: languages, with commas between them, or a file.

    Raises
    ------
    ConfigError
        It is neither.
    """
    if not given.strip():
        return ()
    names = [name.strip() for name in given.split(",")]
    if all(name in CONNECTORS for name in names):
        return tuple(sorted({word for name in names for word in CONNECTORS[name].split()}))
    try:
        words = Path(given).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Name("phrases.connector_words"), f" = '{given}' names neither languages nor a file that can be read "
            f"({error}); expected some of {', '.join(CONNECTORS)} with commas between them, or a file of words",
        ) from error  # fmt: skip
    return tuple(sorted(set(words)))
