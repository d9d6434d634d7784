"""Linear classifiers of documents: on their vectors, and on their words, which is what vectors have to beat."""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.labelled import Tokens

SMOOTHING: Final = 1.0  # added to the count of every n-gram; this and the next two as in Wang & Manning 2012
INTERPOLATION: Final = 0.25  # the share of the weights that are learnt; the rest is their mean magnitude
COST: Final = 1.0
LONGEST: Final = 3  # words of an n-gram

Flags = npt.NDArray[np.bool_]


def linear_error(vectors: npt.NDArray[np.floating[Any]], labels: npt.NDArray[Any], train: Flags) -> float:
    """Errors of logistic regression on the documents that it was not trained on, in percent.

    Each column is brought to mean 0 and deviation 1 over the documents to train on, so that the length of the vectors,
    which differs between programs, does not set the strength of the regularisation (C = 1, scikit-learn's default).

    Parameters
    ----------
    vectors : (documents, D) float
    labels : (documents,)
    train : (documents,) bool
        Which documents to train on.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    model.fit(vectors[train], labels[train])
    return 100 * float(np.mean(model.predict(vectors[~train]) != labels[~train]))


def nbsvm_error(tokens: Tokens, labels: npt.NDArray[Any], train: Flags) -> float:
    """Errors of NB-SVM with n-grams of up to three words, in percent; two labels.

    Whether a document has an n-gram, times the logarithm of the ratio of its shares in the two classes; then a linear
    classifier without an intercept, whose weights are interpolated with their mean magnitude. Wang & Manning 2012,
    sections 2.1 to 2.3, with logistic regression as in Mesnil et al. 2015, which converges sooner.
    """
    from scipy.sparse import csr_array, diags_array
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counter = CountVectorizer(analyzer=ngrams, binary=True, dtype=np.float64)
    documents = list(tokens)
    known = csr_array(counter.fit_transform(itertools.compress(documents, train)))
    positive = labels[train] == max(labels)
    one, other = (SMOOTHING + known[flags].sum(axis=0) for flags in (positive, ~positive))
    ratios = diags_array(np.log(one / one.sum()) - np.log(other / other.sum()))
    model = LogisticRegression(C=COST, solver="liblinear", fit_intercept=False).fit(known @ ratios, positive)
    weights = INTERPOLATION * model.coef_[0] + (1 - INTERPOLATION) * np.abs(model.coef_[0]).mean()
    unknown = csr_array(counter.transform(itertools.compress(documents, ~train)))
    predicted = unknown @ (ratios @ weights) > 0
    return 100 * float(np.mean(predicted != (labels[~train] == max(labels))))


def ngrams(words: list[str]) -> list[str]:
    """All runs of one to three words."""
    return [" ".join(words[i : i + n]) for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1)]
