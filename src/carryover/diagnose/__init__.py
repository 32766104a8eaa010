"""What is on this machine, as one typed report that `status` prints and `doctor` judges, and what `--fix` repairs."""
