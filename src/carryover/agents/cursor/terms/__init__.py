"""Words and shapes that all stores share: tools, patches, todo lists, questions, paths."""
