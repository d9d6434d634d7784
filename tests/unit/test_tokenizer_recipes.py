"""The recipes of docs/guide/tokenizers.md, as they are printed, where their libraries are installed."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/guide/tokenizers.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def recipe(function):
    """A function of the page."""
    (code,) = [each for each in RECIPES if f"def {function}(" in each]
    names: dict[str, object] = {}
    exec(compile(code, "tokenizers.md", "exec"), names)  # noqa: S102 - our own document
    return names[function]


def test_words():
    assert recipe("words")(["Hi #tag @me, x"]) == [["Hi", "#tag", "@me", "x"]]


def test_jieba():
    pytest.importorskip("jieba")
    assert recipe("jieba_words")(["我喜欢自然语言处理。"]) == [["我", "喜欢", "自然语言", "处理"]]


def test_fugashi():
    pytest.importorskip("fugashi")
    pytest.importorskip("unidic_lite")
    assert recipe("fugashi_words")(["私は日本語を勉強します。"]) == [
        ["私", "は", "日本", "語", "を", "勉強", "し", "ます"]
    ]


def test_spacy():
    pytest.importorskip("spacy")
    assert recipe("spacy_words")(["One two. Three!"]) == [[["one", "two"], ["three"]]]
