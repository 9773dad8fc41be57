"""The command line."""


def main() -> None:
    """Run `intarsia`."""
    raise SystemExit("not yet")
