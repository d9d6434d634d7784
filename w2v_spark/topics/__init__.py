"""Topics of documents: found in a sample, given to all documents, named by their nearest words."""
