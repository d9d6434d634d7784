"""The search for nearest rows by cosine: one meaning, three strategies.

Whatever the strategy, a look at all rows gives candidates, among which the nearest certainly are, and the candidates
are scored again in float64, by which they are ranked; equal ones come in rank order. So the answer does not depend on
the strategy.

`full.FullSearch`
    Float32 products with all vectors. Any kind of query, any number at once; needs nothing but numpy.
`reranked.RerankedSearch`
    Scores from a copy at a byte a coordinate, a quarter of the memory to read. One query at a time; compiled.
`tiled.find_neighbours`
    Tiles of products, and a heap for each of many words, among which or among the rows of another table it looks.
    Compiled, with the same bits on every machine: what the table of all nearest neighbours is made with.

`choice.Search` picks between the first two for `KeyedVectors`.
"""
