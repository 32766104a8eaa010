"""Reading what people and agents write: lines, sentences, words, names, and what kind of sentence each is."""
