"""`python -m replyscope` is the same program as `replyscope`."""

from replyscope.cli.main import run

if __name__ == "__main__":
    run()
