"""The interface that an agent's folder is written against: the record it exports, and the types that cross that
border."""
