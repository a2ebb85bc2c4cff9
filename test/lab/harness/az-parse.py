"""Parses command lines as the Azure CLI does, and sends nothing.

Standard input is a JSON list of argument lists, without the leading `az`. The answer is a list with one object for each:
`{"code": 0}` when it parses; else what the CLI ends with (2 is wrong usage) and what it says of it.
"""
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from azure.cli.core import get_default_cli
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS


class Parsed(BaseException):
    """Parsing is over; what would follow is sign-in and requests."""


def abbreviated(cli, args):
    """Flags that are taken for the beginning of another one: the next release may have two that begin so."""
    known = cli.invocation.parser.subparser_map[cli.invocation.commands_loader.command_name]._option_string_actions
    flags = [word.split("=")[0] for word in args if word.startswith("--")]
    return [flag for flag in flags if flag not in known]


def judge(args):
    cli = get_default_cli()

    def stop(_cli, **_):
        raise Parsed()

    cli.register_event(EVENT_INVOKER_POST_PARSE_ARGS, stop)
    said = io.StringIO()
    cli.logging.configure = lambda _args: None  # its handler writes to the stream that was there first
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            code = cli.invoke(args)
        except SystemExit as ended:
            code = ended.code
        except Parsed:
            short = abbreviated(cli, args)
            return {"code": 2, "said": "abbreviated: " + " ".join(short)} if short else {"code": 0}
    return {"code": code, "said": said.getvalue()}


json.dump([judge(args) for args in json.load(sys.stdin)], sys.stdout)
