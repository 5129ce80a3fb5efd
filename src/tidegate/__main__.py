"""The command ``tidegate``, also as ``python -m tidegate``. May decide: nothing but where its log lines go."""

from tidegate.cli import main
from tidegate.logs import configure_logs


def command() -> None:
    """Run the command line: answers go to standard output, log lines, redacted, to standard error."""
    configure_logs("warning")
    main()


if __name__ == "__main__":
    command()
