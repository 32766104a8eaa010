"""Makes one typed report on this machine, which `status` prints and `doctor` judges, and repairs what `--fix` may."""
