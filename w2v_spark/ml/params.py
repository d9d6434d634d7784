"""The Params of the estimator and its model."""

from __future__ import annotations

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCol, HasMaxIter, HasOutputCol, HasSeed, HasStepSize

from w2v_spark.ml.param_config import default_values


class Word2VecParams(HasStepSize, HasMaxIter, HasSeed, HasInputCol, HasOutputCol):
    """Params of `Word2Vec` and `Word2VecModel`."""

    vectorSize: Param[int] = Param(
        Params._dummy(), "vectorSize", "the dimension of the vectors (> 0)", typeConverter=TypeConverters.toInt
    )
    numPartitions: Param[int] = Param(
        Params._dummy(),
        "numPartitions",
        "number of partitions that are trained side by side; 0 for automatic",
        typeConverter=TypeConverters.toInt,
    )
    minCount: Param[int] = Param(
        Params._dummy(),
        "minCount",
        "how often a word must occur to get a vector (>= 0)",
        typeConverter=TypeConverters.toInt,
    )
    windowSize: Param[int] = Param(
        Params._dummy(),
        "windowSize",
        "the window size (context words from [-window, window])",
        typeConverter=TypeConverters.toInt,
    )
    maxSentenceLength: Param[int] = Param(
        Params._dummy(),
        "maxSentenceLength",
        "the most words of a sentence; longer ones are cut into pieces (> 0)",
        typeConverter=TypeConverters.toInt,
    )
    architecture: Param[str] = Param(
        Params._dummy(), "architecture", "skipgram or cbow", typeConverter=TypeConverters.toString
    )
    objective: Param[str] = Param(
        Params._dummy(), "objective", "negative_sampling or hierarchical_softmax", typeConverter=TypeConverters.toString
    )
    negative: Param[int] = Param(
        Params._dummy(),
        "negative",
        "noise words a target, for negative sampling (> 0)",
        typeConverter=TypeConverters.toInt,
    )
    noiseExponent: Param[float] = Param(
        Params._dummy(),
        "noiseExponent",
        "exponent of the counts in the distribution of noise words",
        typeConverter=TypeConverters.toFloat,
    )
    cbowMean: Param[bool] = Param(
        Params._dummy(),
        "cbowMean",
        "whether CBOW takes the mean of the context rather than the sum",
        typeConverter=TypeConverters.toBoolean,
    )
    shrinkWindow: Param[bool] = Param(
        Params._dummy(),
        "shrinkWindow",
        "whether the window is drawn anew for each word, up to windowSize",
        typeConverter=TypeConverters.toBoolean,
    )
    vectors: Param[str] = Param(
        Params._dummy(),
        "vectors",
        "which vectors are published: input, output or sum",
        typeConverter=TypeConverters.toString,
    )
    sample: Param[float] = Param(
        Params._dummy(),
        "sample",
        "threshold of subsampling of frequent words, 0 for none",
        typeConverter=TypeConverters.toFloat,
    )
    minStepSize: Param[float] = Param(
        Params._dummy(),
        "minStepSize",
        "the step size at the end, at most stepSize",
        typeConverter=TypeConverters.toFloat,
    )
    rounds: Param[int] = Param(
        Params._dummy(),
        "rounds",
        "rounds of training, after each of which partitions are merged; 0 for automatic",
        typeConverter=TypeConverters.toInt,
    )
    threads: Param[int] = Param(
        Params._dummy(),
        "threads",
        "threads a partition; above 1 the vectors differ a little from run to run",
        typeConverter=TypeConverters.toInt,
    )
    merge: Param[str] = Param(
        Params._dummy(),
        "merge",
        "how partitions become one model: curvature or mean",
        typeConverter=TypeConverters.toString,
    )
    maxVocabularySize: Param[int] = Param(
        Params._dummy(),
        "maxVocabularySize",
        "the most words that get a vector, 0 for no limit",
        typeConverter=TypeConverters.toInt,
    )
    tokenizer: Param[str] = Param(
        Params._dummy(),
        "tokenizer",
        "unicode or whitespace: what a word of a text is",
        typeConverter=TypeConverters.toString,
    )
    normalize: Param[str] = Param(
        Params._dummy(),
        "normalize",
        "nfc, nfkc or none: the normal form of Unicode that text is brought into; lists of words are not",
        typeConverter=TypeConverters.toString,
    )
    lowercase: Param[bool | None] = Param(
        Params._dummy(),
        "lowercase",
        "whether text is lower-cased, None for yes but with the tokenizer whitespace; lists of words are not",
        typeConverter=TypeConverters.toBoolean,
    )
    apostrophes: Param[str] = Param(
        Params._dummy(),
        "apostrophes",
        "split or keep: whether an apostrophe in a word of a text splits it",
        typeConverter=TypeConverters.toString,
    )
    sentences: Param[str] = Param(
        Params._dummy(),
        "sentences",
        "punctuation or line: where a sentence of a text ends",
        typeConverter=TypeConverters.toString,
    )
    unknownWords: Param[str] = Param(
        Params._dummy(),
        "unknownWords",
        "what a word without a vector is to transform: skip leaves it out, zero counts it as a vector of zeros",
        typeConverter=TypeConverters.toString,
    )
    runDirectory: Param[str] = Param(
        Params._dummy(),
        "runDirectory",
        "where fit keeps its files while it runs and a model its vectors; by default spark.w2v.directory",
        typeConverter=TypeConverters.toString,
    )
    verbose: Param[bool] = Param(
        Params._dummy(), "verbose", "whether fit shows its progress", typeConverter=TypeConverters.toBoolean
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(**default_values(), unknownWords="skip", verbose=True)
        self._setDefault(maxIter=1)  # what pyspark.ml.feature.Word2Vec has

    def getVectorSize(self) -> int:
        """The value of `vectorSize`, or its default."""
        return self.getOrDefault(self.vectorSize)

    def getNumPartitions(self) -> int:
        """The value of `numPartitions`, or its default."""
        return self.getOrDefault(self.numPartitions)

    def getMinCount(self) -> int:
        """The value of `minCount`, or its default."""
        return self.getOrDefault(self.minCount)

    def getWindowSize(self) -> int:
        """The value of `windowSize`, or its default."""
        return self.getOrDefault(self.windowSize)

    def getMaxSentenceLength(self) -> int:
        """The value of `maxSentenceLength`, or its default."""
        return self.getOrDefault(self.maxSentenceLength)

    def getArchitecture(self) -> str:
        """The value of `architecture`, or its default."""
        return self.getOrDefault(self.architecture)

    def getObjective(self) -> str:
        """The value of `objective`, or its default."""
        return self.getOrDefault(self.objective)

    def getNegative(self) -> int:
        """The value of `negative`, or its default."""
        return self.getOrDefault(self.negative)

    def getNoiseExponent(self) -> float:
        """The value of `noiseExponent`, or its default."""
        return self.getOrDefault(self.noiseExponent)

    def getCbowMean(self) -> bool:
        """The value of `cbowMean`, or its default."""
        return self.getOrDefault(self.cbowMean)

    def getShrinkWindow(self) -> bool:
        """The value of `shrinkWindow`, or its default."""
        return self.getOrDefault(self.shrinkWindow)

    def getSample(self) -> float:
        """The value of `sample`, or its default."""
        return self.getOrDefault(self.sample)

    def getMinStepSize(self) -> float:
        """The value of `minStepSize`, or its default."""
        return self.getOrDefault(self.minStepSize)

    def getRounds(self) -> int:
        """The value of `rounds`, or its default."""
        return self.getOrDefault(self.rounds)

    def getThreads(self) -> int:
        """The value of `threads`, or its default."""
        return self.getOrDefault(self.threads)

    def getMerge(self) -> str:
        """The value of `merge`, or its default."""
        return self.getOrDefault(self.merge)

    def getMaxVocabularySize(self) -> int:
        """The value of `maxVocabularySize`, or its default."""
        return self.getOrDefault(self.maxVocabularySize)

    def getTokenizer(self) -> str:
        """The value of `tokenizer`, or its default."""
        return self.getOrDefault(self.tokenizer)

    def getNormalize(self) -> str:
        """The value of `normalize`, or its default."""
        return self.getOrDefault(self.normalize)

    def getLowercase(self) -> bool | None:
        """The value of `lowercase`, or its default."""
        return self.getOrDefault(self.lowercase)

    def getApostrophes(self) -> str:
        """The value of `apostrophes`, or its default."""
        return self.getOrDefault(self.apostrophes)

    def getSentences(self) -> str:
        """The value of `sentences`, or its default."""
        return self.getOrDefault(self.sentences)

    def getUnknownWords(self) -> str:
        """The value of `unknownWords`, or its default."""
        return self.getOrDefault(self.unknownWords)

    def getRunDirectory(self) -> str | None:
        """The value of `runDirectory`, or None."""
        return self.getOrDefault(self.runDirectory) if self.isDefined("runDirectory") else None

    def getVerbose(self) -> bool:
        """The value of `verbose`, or its default."""
        return self.getOrDefault(self.verbose)
