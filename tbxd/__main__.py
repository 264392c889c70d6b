"""``python -m tbxd`` is the command ``tbxd``."""

from tbxd.cli import main

if __name__ == "__main__":
    main()
