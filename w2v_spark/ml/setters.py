"""The setters of the estimator's Params, and all Params as keywords."""

from __future__ import annotations

from typing import Self, TypedDict

from w2v_spark.ml.params import Word2VecParams


class Keywords(TypedDict, total=False):
    """What `Word2Vec` and its ``setParams`` take."""

    vectorSize: int
    numPartitions: int
    minCount: int
    windowSize: int
    maxSentenceLength: int
    stepSize: float
    maxIter: int
    seed: int | None
    inputCol: str | None
    outputCol: str | None
    architecture: str
    objective: str
    negative: int
    noiseExponent: float
    cbowMean: bool
    shrinkWindow: bool
    vectors: str
    sample: float
    minStepSize: float
    rounds: int
    threads: int
    merge: str
    maxVocabularySize: int
    tokenizer: str
    normalize: str
    lowercase: bool | None
    apostrophes: str
    sentences: str
    unknownWords: str
    runDirectory: str | None
    verbose: bool


class Word2VecSetters(Word2VecParams):
    """A setter for each Param; each returns the object itself."""

    def setVectorSize(self, value: int) -> Self:
        """Set `vectorSize`."""
        return self._set(vectorSize=value)

    def setNumPartitions(self, value: int) -> Self:
        """Set `numPartitions`."""
        return self._set(numPartitions=value)

    def setMinCount(self, value: int) -> Self:
        """Set `minCount`."""
        return self._set(minCount=value)

    def setWindowSize(self, value: int) -> Self:
        """Set `windowSize`."""
        return self._set(windowSize=value)

    def setMaxSentenceLength(self, value: int) -> Self:
        """Set `maxSentenceLength`."""
        return self._set(maxSentenceLength=value)

    def setStepSize(self, value: float) -> Self:
        """Set `stepSize`."""
        return self._set(stepSize=value)

    def setMaxIter(self, value: int) -> Self:
        """Set `maxIter`."""
        return self._set(maxIter=value)

    def setSeed(self, value: int) -> Self:
        """Set `seed`."""
        return self._set(seed=value)

    def setInputCol(self, value: str) -> Self:
        """Set `inputCol`."""
        return self._set(inputCol=value)

    def setOutputCol(self, value: str) -> Self:
        """Set `outputCol`."""
        return self._set(outputCol=value)

    def setArchitecture(self, value: str) -> Self:
        """Set `architecture`."""
        return self._set(architecture=value)

    def setObjective(self, value: str) -> Self:
        """Set `objective`."""
        return self._set(objective=value)

    def setNegative(self, value: int) -> Self:
        """Set `negative`."""
        return self._set(negative=value)

    def setNoiseExponent(self, value: float) -> Self:
        """Set `noiseExponent`."""
        return self._set(noiseExponent=value)

    def setCbowMean(self, value: bool) -> Self:
        """Set `cbowMean`."""
        return self._set(cbowMean=value)

    def setShrinkWindow(self, value: bool) -> Self:
        """Set `shrinkWindow`."""
        return self._set(shrinkWindow=value)

    def setVectors(self, value: str) -> Self:
        """Set `vectors`."""
        return self._set(vectors=value)

    def getVectors(self) -> str:
        """The value of `vectors`, or its default; here, since the model's method of that name is MLlib's."""
        return self.getOrDefault(self.vectors)

    def setSample(self, value: float) -> Self:
        """Set `sample`."""
        return self._set(sample=value)

    def setMinStepSize(self, value: float) -> Self:
        """Set `minStepSize`."""
        return self._set(minStepSize=value)

    def setRounds(self, value: int) -> Self:
        """Set `rounds`."""
        return self._set(rounds=value)

    def setThreads(self, value: int) -> Self:
        """Set `threads`."""
        return self._set(threads=value)

    def setMerge(self, value: str) -> Self:
        """Set `merge`."""
        return self._set(merge=value)

    def setMaxVocabularySize(self, value: int) -> Self:
        """Set `maxVocabularySize`."""
        return self._set(maxVocabularySize=value)

    def setTokenizer(self, value: str) -> Self:
        """Set `tokenizer`."""
        return self._set(tokenizer=value)

    def setNormalize(self, value: str) -> Self:
        """Set `normalize`."""
        return self._set(normalize=value)

    def setLowercase(self, value: bool | None) -> Self:
        """Set `lowercase`."""
        return self._set(lowercase=value)

    def setApostrophes(self, value: str) -> Self:
        """Set `apostrophes`."""
        return self._set(apostrophes=value)

    def setSentences(self, value: str) -> Self:
        """Set `sentences`."""
        return self._set(sentences=value)

    def setUnknownWords(self, value: str) -> Self:
        """Set `unknownWords`."""
        return self._set(unknownWords=value)

    def setRunDirectory(self, value: str) -> Self:
        """Set `runDirectory`."""
        return self._set(runDirectory=value)

    def setVerbose(self, value: bool) -> Self:
        """Set `verbose`."""
        return self._set(verbose=value)
