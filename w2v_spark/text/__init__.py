"""From text to sentences of word ids."""
