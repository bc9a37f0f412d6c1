"""The command line. Each command's code is loaded when it is called, so that `kontor --help` answers at once."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kontor.cli.words import FAILED, MISCONFIGURED, OK, complain, explain_settings
from kontor.core import memory
from kontor.core.version import __version__

Add = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], int]


@dataclass(frozen=True)
class Command:
    name: str
    help: str
    run: Run
    add: Add = lambda parser: None


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(dispatch(list(sys.argv[1:] if arguments is None else arguments)))


def dispatch(arguments: list[str]) -> int:
    options = make_parser().parse_args(arguments)
    # What the command line says goes into the environment, so that it holds for child processes too.
    for name in ("data", "host", "port"):
        value = getattr(options, name, None)
        if value is not None:
            os.environ[f"KONTOR_{name.upper()}"] = str(value)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return report(error)
    return status


def report(error: Exception) -> int:
    """What went wrong by name; anything that we do not know keeps its traceback."""
    from kontor.core.errors import Kind, KontorError

    if isinstance(error, KontorError):
        advice = "; `kontor doctor` looks for causes" if error.kind in {Kind.UNAVAILABLE, Kind.OUT_OF_SPACE} else ""
        complain(f"{error.message}\n({error.code}{advice})")
        return MISCONFIGURED if error.code in STAYING else FAILED
    if type(error).__module__.startswith("pydantic") and hasattr(error, "errors"):
        complain(explain_settings(error))  # type: ignore[arg-type]  # its type would have to be imported to be named
        return MISCONFIGURED
    raise error


# Trouble that another try cannot mend: the supervisor does not start such a child again.
STAYING = frozenset(
    {
        "database.schema_newer",
        "database.schema_half_migrated",
        "database.role_too_strong",
        "database.dump_failed",
        "postgres.other_major_version",
        "secrets.master_key_unusable",
    }
)


def common() -> argparse.ArgumentParser:
    """What every command takes, before its name or after it."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="folder of the data")
    return parser


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kontor",
        description="Without a command: start Kontor (database, web, worker) and print a link that signs you in.",
        epilog="`kontor COMMAND --help` tells more about one. Settings are environment variables: see the README.",
        parents=[common()],
    )
    parser.add_argument("--version", action="version", version=f"kontor {__version__}")
    add_up(parser)
    parser.set_defaults(run=up)
    shown = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        made = shown.add_parser(command.name, help=command.help, description=command.help, parents=[common()])
        command.add(made)
        made.set_defaults(run=command.run)
    return parser


def add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=argparse.SUPPRESS, help="address to serve on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=argparse.SUPPRESS, help="port to serve on (8000)")


def add_up(parser: argparse.ArgumentParser) -> None:
    add_address(parser)
    parser.add_argument("--no-browser", action="store_true", help="do not open the link in a browser")
    parser.add_argument("--show-log", action="store_true", help="write the log here instead of into the data folder")


Deeds: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # the only name that argparse has for it


def add_deeds(parser: argparse.ArgumentParser) -> Deeds:
    return parser.add_subparsers(title="deeds", metavar="DEED", required=True, dest="deed")


def add_deed(deeds: Deeds, name: str, does: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = deeds.add_parser(name, help=does, description=does, parents=[common()])
    return made


def add_user(parser: argparse.ArgumentParser) -> None:
    deeds = add_deeds(parser)
    create = add_deed(deeds, "create", "Make an account and print a link that sets its password.")
    create.add_argument("email")
    create.add_argument("--name", help="how the person is called (default: the part before the @)")
    create.add_argument("--language", choices=["de", "en"], default="en")
    create.add_argument("--admin", action="store_true", help="the same as --role admin")
    create.add_argument("--role", choices=["user", "manager", "admin"], default="user")
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add_deed(deeds, "list", "Show every account with its role and state.")
    for name, does in (
        ("reset-link", "Print a link that sets a new password, once."),
        ("suspend", "Keep the person out, at once and until restored; nothing is deleted."),
        ("restore", "Let a suspended person in again."),
    ):
        add_deed(deeds, name, does).add_argument("email")
    role = add_deed(deeds, "set-role", "Change what the person may do.")
    role.add_argument("email")
    role.add_argument("role", choices=["user", "manager", "admin"])


def add_vault(parser: argparse.ArgumentParser) -> None:
    add_deed(add_deeds(parser), "rotate", "Make a new master key and wrap every stored secret with it.")


def add_vectors(parser: argparse.ArgumentParser) -> None:
    deeds = add_deeds(parser)
    move = add_deed(deeds, "move", "Carry all vectors to another store, while Kontor runs on with the one it has.")
    move.add_argument("to", metavar="ADDRESS", help="of a Qdrant, such as http://host:6333, or `postgresql`")
    move.add_argument("--key-stdin", action="store_true", help="read that Qdrant's key from standard input")
    add_deed(deeds, "forget", "Remove from PostgreSQL the vectors that Qdrant keeps now; VECTOR_URL names it.")


def add_doctor(parser: argparse.ArgumentParser) -> None:
    add_address(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--language", choices=["de", "en"], help="default: by LANG")


def add_openapi(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")


def add_checks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="STEPS", help="names of steps, separated by commas")


def add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--first-port", type=int, default=8100, metavar="PORT", help="of four; 0 takes any that are free (8100)"
    )


def up(options: argparse.Namespace) -> int:
    from kontor.cli import up as supervisor

    return supervisor.run(open_browser=not options.no_browser, show_log=options.show_log)


def web(_: argparse.Namespace) -> int:
    memory.give_back()
    # For coloured traces in the log and in templates, of which we have neither.
    memory.leave_out("rich", "pygments")
    from kontor.cli import serve

    return serve.web()


def worker(_: argparse.Namespace) -> int:
    memory.give_back()
    from kontor.cli import serve

    return serve.worker()


def migrate(_: argparse.Namespace) -> int:
    from kontor.cli import manage

    return manage.migrate()


def user(options: argparse.Namespace) -> int:
    from kontor.cli import manage

    return manage.user(options)


def login_link(_: argparse.Namespace) -> int:
    from kontor.cli import manage

    return manage.login_link()


def vault(_: argparse.Namespace) -> int:
    from kontor.cli import manage

    return manage.rotate_vault()


def vectors(options: argparse.Namespace) -> int:
    from kontor.cli import vectors

    return vectors.run(options)


def doctor(options: argparse.Namespace) -> int:
    from kontor.cli import diagnose

    return diagnose.run(as_json=options.json, language=options.language)


def openapi(options: argparse.Namespace) -> int:
    from kontor.cli import manage

    return manage.openapi(options.output)


def demo_provider(options: argparse.Namespace) -> int:
    from kontor.cli import demo

    return demo.run(options.first_port)


def test(options: argparse.Namespace) -> int:
    from kontor.cli import verify

    return verify.test(options.only)


def check(options: argparse.Namespace) -> int:
    from kontor.cli import verify

    return verify.check(options.only)


def version(_: argparse.Namespace) -> int:
    from kontor.cli.words import say

    say(__version__)
    return OK


COMMANDS = (
    Command("up", "Start everything: database, web, worker. The same as no command.", up, add_up),
    Command(
        "web", "Serve the web app and the interface only; needs DATABASE_URL or a running Kontor.", web, add_address
    ),
    Command("worker", "Run background jobs only; start as many as you like, on any machine.", worker),
    Command("migrate", "Bring the database's schema to this version, after a dump of it.", migrate),
    Command("user", "Make, list, suspend and restore accounts, change roles, print reset links.", user, add_user),
    Command("login-link", "Print a new link that signs the owner in, once.", login_link),
    Command("vault", "Look after the key that encrypts stored secrets.", vault, add_vault),
    Command("vectors", "Move the vectors that search uses from one store to another.", vectors, add_vectors),
    Command("doctor", "Say in plain words what is wrong and how to mend it.", doctor, add_doctor),
    Command("openapi", "Write the interface's description (OpenAPI).", openapi, add_openapi),
    Command(
        "demo-provider", "Start practice providers of models, to try everything without a key.", demo_provider, add_demo
    ),
    Command("test", "Set up what the tests need and run all of them.", test, add_checks),
    Command("check", "Run everything that CI runs, and count.", check, add_checks),
    Command("version", "Print the version.", version),
)

if __name__ == "__main__":
    main()
