"""The command line. May decide: nothing but how an answer is shown and which exit status an error has."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from tidegate.kernel.errors import Kind, TidegateError

#: kind of error -> exit status
EXITS: dict[Kind, int] = {
    Kind.MALFORMED: 2,
    Kind.CONFIGURATION: 78,
    Kind.UNAVAILABLE: 75,
    Kind.INTEGRITY: 65,
    Kind.CONFLICT: 73,
    Kind.NOT_FOUND: 66,
    Kind.FORBIDDEN: 77,
    Kind.UNAUTHENTICATED: 77,
    Kind.RULE: 77,
    Kind.STATE: 1,
    Kind.TOO_LARGE: 1,
    Kind.RATE_LIMITED: 75,
    Kind.REST: 75,
}


#: By Ctrl-C.
_STOPPED = 130


class _Commands(click.Group):
    """Shows our errors as one line and gives them their exit status."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - what click gives
        try:
            return super().invoke(ctx)
        except TidegateError as error:
            click.echo(f"tidegate: {error.message}", err=True)
            ctx.exit(EXITS[error.kind])


def say(line: str) -> None:
    """Show progress to whoever waits."""
    click.echo(line, err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tidegate")
def main() -> None:
    """Keep known terrorist content from coming back, with due process anyone can check."""


@main.command()
@click.option("--no-worker", is_flag=True, help="Leave jobs and the passing of time to `tidegate work` elsewhere.")
def serve(*, no_worker: bool) -> None:
    """Run a node: database (if none is named), web process and worker."""
    from tidegate.run import serve as serve_node
    from tidegate.settings import read_settings

    sys.exit(serve_node(read_settings(), say, with_worker=not no_worker))


@main.command(hidden=True)
def web() -> None:
    """Run one web process (what `serve` starts)."""
    from tidegate import run
    from tidegate.settings import read_settings

    run.run_async(run.web(read_settings()))


@main.command()
def work() -> None:
    """Run one worker: jobs, and what the passing of time brings."""
    from tidegate import run
    from tidegate.settings import read_settings

    run.run_async(run.worker(read_settings()))


@main.group()
def config() -> None:
    """Settings."""


@config.command("check")
@click.option("--json", "as_json", is_flag=True, help="Show the settings as JSON.")
def config_check(*, as_json: bool) -> None:
    """Read the settings and explain each mistake."""
    from tidegate.settings import Settings, read_settings

    settings = read_settings()
    if as_json:
        click.echo(settings.model_dump_json(indent=2))
        return
    for name, field in Settings.model_fields.items():
        click.echo(f"{name} = {getattr(settings, name)}\n    {field.description}")
    click.echo("No mistakes.")


@main.group()
def db() -> None:
    """The database."""


@db.command("migrate")
def db_migrate() -> None:
    """Bring the database to this release."""
    from tidegate.run import migrate_database

    settings = _with_database()
    applied = migrate_database(settings, say)
    click.echo(f"{len(applied)} migrations applied." if applied else "Nothing to apply.")


@db.command("rebuild")
@click.option("--json", "as_json", is_flag=True)
def db_rebuild(*, as_json: bool) -> None:
    """Fold all events again and prove that every view is equal."""
    from tidegate.commands.records import rebuild_views

    differing = asyncio.run(rebuild_views(_with_database()))
    wrong = {view: count for view, count in differing.items() if count}
    if as_json:
        click.echo(json.dumps({"views": len(differing), "differing": wrong}))
    else:
        click.echo(f"{len(differing)} views rebuilt; " + (f"rows that differ: {wrong}" if wrong else "all equal."))
    sys.exit(1 if wrong else 0)


@main.group()
def people() -> None:
    """Staff, at the machine itself."""


@people.command("link")
@click.argument("names_or_ids", nargs=-1, required=True)
def people_link(names_or_ids: tuple[str, ...]) -> None:
    """Make a one-time sign-in link for each of these people on the staff, a line each."""
    from tidegate.commands.records import links_for

    click.echo("\n".join(asyncio.run(links_for(_with_database(), names_or_ids))))


@main.command()
@click.argument("source")
@click.option("--receipt", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A receipt to check too.")
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An older checkpoint the log must extend.",
)
@click.option("--key", help="The log's verifier key, got elsewhere than from the log itself.")
@click.option("--json", "as_json", is_flag=True)
def verify(source: str, *, receipt: Path | None, since: Path | None, key: str | None, as_json: bool) -> None:
    """Check a published ledger (a folder or a URL) and recount it, from public files alone."""
    from tidegate.ledger.command import verify_command

    sys.exit(verify_command(source, key=key, receipt=receipt, since=since, as_json=as_json))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (the only form there is).")
@click.option("--vpdq", is_flag=True, help="The files are videos: write every frame as the vpdq tools do.")
def fingerprint(
    files: tuple[Path, ...],
    *,
    as_json: bool,  # noqa: ARG001 - the form the issue of the output names
    vpdq: bool,
) -> None:
    """Fingerprint pictures, or videos with --vpdq, in the jail."""
    from tidegate.fingerprint.command import compiled_by_a_node, fingerprint_files, write_vpdq
    from tidegate.settings import read_settings

    cache = compiled_by_a_node(read_settings().data_directory)

    if vpdq:
        sys.exit(write_vpdq(files, sys.stdout.write, sys.stderr.write, cache=cache))
    sys.exit(fingerprint_files(files, sys.stdout.write, cache=cache))


@main.group()
def platform() -> None:
    """Platforms."""


@platform.command("check")
@click.argument("url")
@click.option("--json", "as_json", is_flag=True)
def platform_check(url: str, *, as_json: bool) -> None:
    """Check that a platform's receiver keeps the contract."""
    from tidegate.enforcement.platform_check import check_platform
    from tidegate.kernel.keys import Keyring
    from tidegate.settings import read_settings

    checks = check_platform(url, Keyring.open(read_settings().keys_directory).webhook)
    for check in checks:
        line = {"name": check.name, "passed": check.passed, "explanation": check.explanation}
        click.echo(
            json.dumps(line) if as_json else f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.explanation}"
        )
    sys.exit(0 if all(check.passed for check in checks) else 1)


_FOLDER = click.Path(file_okay=False, path_type=Path)


@main.command()
@click.option("--once", is_flag=True, help="Play it on a database of its own and leave; 0 only if every step happened.")
@click.option("--json", "as_json", is_flag=True, help="Show the result as one JSON object.")
@click.option("--pictures", type=_FOLDER, help="A folder of your own pictures, as the unrelated uploads.")
@click.option("--keep", type=_FOLDER, help="Leave the ledger's files, a receipt and the platform's own list here.")
@click.option("--data", type=_FOLDER, help="Where the demonstration lives.")
@click.option("--forget", is_flag=True, help="Remove the demonstration in --data and leave.")
def demo(
    *, once: bool, as_json: bool, pictures: Path | None, keep: Path | None, data: Path | None, forget: bool
) -> None:
    """Play one picture's whole life, with harmless pictures, and keep serving until Ctrl-C."""
    from tidegate.demonstration.command import demonstrate, forget_demonstration

    if forget:
        forget_demonstration(data or Path(".tidegate-demo"))
        return
    place = data if data is not None or once else Path(".tidegate-demo")
    sys.exit(
        demonstrate(
            data=place, once=once, as_json=as_json, pictures=pictures, keep=keep, write=sys.stdout.write, say=say
        )
    )


@main.group()
def jail() -> None:
    """The jail untrusted bytes are decoded in."""


@jail.command("check")
def jail_check() -> None:
    """Say which locks this kernel gives, and try to get out of the jail."""
    from tidegate.jail.command import check_jail
    from tidegate.settings import read_settings

    settings = read_settings()
    files, accepted = settings.jail_files_per_child, settings.jail_accept_missing
    sys.exit(check_jail(sys.stdout.write, files=files, accept_missing=accepted))


@main.group()
def signal() -> None:
    """Lists of signals, at the machine itself."""


@signal.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "list_format", type=click.Choice(["csv", "local", "te"]), help="How it is written.")
@click.option("--label", "labels", multiple=True, help="What every line is of, from our closed list.")
@click.option("--tag", "tags", multiple=True, help="TAG=LABEL: what a tag of the list stands for.")
@click.option("--labels-in-tags", is_flag=True, help="The tags are labels of our list, as `signal export` writes them.")
@click.option(
    "--type", "signal_type", help="What every line is, where the lines do not say it: pdq, sha256, vpdq, raw_text, url."
)
@click.option("--source", default="", help="Who made the list; sealed with the record of it.")
@click.option("--json", "as_json", is_flag=True)
def signal_import(
    *,
    file: Any,  # noqa: ANN401 - an open file
    list_format: str | None,
    labels: tuple[str, ...],
    tags: tuple[str, ...],
    labels_in_tags: bool,
    signal_type: str | None,
    source: str,
    as_json: bool,
) -> None:
    """Read a list of signals, unconfirmed; what is known stays as it is. 1 if a line was wrong."""
    from tidegate.commands.lists import import_file
    from tidegate.signal.formats import reading_of

    how = reading_of(
        file.name, list_format, labels=labels, tags=tags, labels_in_tags=labels_in_tags, signal_type=signal_type
    )
    became = asyncio.run(import_file(_with_database(), file, how, source or file.name, say))
    if as_json:
        click.echo(json.dumps(became.counts))
    else:
        click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in became.counts.items()))
    sys.exit(1 if became.wrong else 0)


@signal.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "list_format", type=click.Choice(["csv", "local"]), default="csv", show_default=True)
@click.option("--purpose", required=True, help="What it is for; sealed with the record of it.")
@click.option("--unconfirmed", is_flag=True, help="Those too that nobody has confirmed, or that are disputed.")
def signal_export(*, file: Path, list_format: str, purpose: str, unconfirmed: bool) -> None:
    """Write what is known to a new file that its owner alone can read. It goes on the record."""
    from tidegate.commands.lists import export_list
    from tidegate.commands.records import at_the_machine
    from tidegate.signal.model import ListFormat

    written = asyncio.run(
        at_the_machine(
            _with_database(),
            lambda database: export_list(database, file, ListFormat(list_format), purpose, unconfirmed=unconfirmed),
        )
    )
    click.echo(
        f"{written} signals written. This file is as sensitive as what it describes: delete it when it has served."
    )


@main.command()
@click.argument("source")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the answers here.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A state file: a scan that was stopped goes on where it was. Needs --output.",
)
@click.option("--children", type=click.IntRange(1, 64), help="Locked children that decode at the same time.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def scan(source: str, *, output: Path | None, resume: Path | None, children: int | None, quiet: bool) -> None:
    """Match a folder, a CSV file (columns path, pdq or sha256) or lines (-) against what this node knows.

    One line of JSON for each that matches or cannot be checked. Exit status 0: nothing matched; 1: something did; 3:
    nothing did, but not all could be checked; 130: stopped by Ctrl-C. Links in a folder are not followed. Nothing is
    recorded but how many were asked about, which is public.
    """
    try:
        from tidegate.commands.scan import scan as scan_all
        from tidegate.commands.scan_source import lines_from, source_of

        settings = _with_database()
        settings = settings.model_copy(
            update={"jail_children": children or max(settings.jail_children, os.cpu_count() or 1)}
        )
        asked, tell = source_of(source, lines_from(0)), (lambda _: None) if quiet else say
        sys.exit(scan_all(settings, asked, output=output, state_file=resume, say=tell))
    except KeyboardInterrupt:
        # However early: 1 would say that something matched.
        sys.exit(_STOPPED)


@main.group()
def index() -> None:
    """The index of known signals on disk."""


@index.command("status")
@click.option("--verify", is_flag=True, help="Read every file through, not only open and test it.")
@click.option("--json", "as_json", is_flag=True, help="Show it as one JSON object.")
def index_status(*, verify: bool, as_json: bool) -> None:
    """Say what is in it, how far it was built and whether it is sound; exit status 1 if it is not."""
    from tidegate.commands.records import at_the_machine
    from tidegate.match.command import as_text, sound, status

    settings = _with_database()
    path = settings.index_directory
    told = asyncio.run(at_the_machine(settings, lambda database: status(database, path, verify=verify)))
    click.echo(json.dumps(told) if as_json else as_text(told))
    sys.exit(0 if sound(told) else 1)


@index.command("build")
def index_build() -> None:
    """Build now what the worker would build later, and build anew what is damaged."""
    from tidegate.commands.records import at_the_machine
    from tidegate.match.command import build

    settings = _with_database()
    path = settings.index_directory
    click.echo(asyncio.run(at_the_machine(settings, lambda database: build(database, path))))


def _with_database() -> Any:  # noqa: ANN401 - Settings, imported late
    """Give the settings with a database named: the one given, else the embedded one if it is running."""
    from tidegate.db.embedded import attach
    from tidegate.run import database_environment
    from tidegate.settings import read_settings

    settings = read_settings()
    if settings.database_url is None:
        os.environ.update(database_environment(attach(settings.data_directory)))
        settings = read_settings()
    return settings
