"""Split interactions into a training and a test set.

random: each interaction by chance; last-n: the newest of each user; temporal: all from a moment
on; user: all interactions of some users. The order of rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timezone

from cli.console import Parser, TerminalProgress, make_parser, run
from cli.options import (
    InputArgs,
    add_fields,
    add_input_options,
    add_lineage_option,
    build_config,
    flag,
    add_interactions_option,
)
from mlcore.errors import ConfigError
from mlcore.split.config import STRATEGIES, SplitConfig, Strategy, check_taken
from mlcore.times import TimeRule

_OF_SOME = {
    "test_fraction": "for random, user and temporal without cutoff",
    "n": "for last-n",
    "seed": "for random and user",
}


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    train_out: str
    test_out: str
    lineage: str | None
    strategy: Strategy
    cutoff: str | None
    given: Sequence[str] = ()

    def config(self) -> SplitConfig:
        """Return how to split."""
        from mlcore.files.tables import BadValue
        from mlcore.files.values import parse_timestamp

        zone, unit = self.input_options().time_rule()
        try:
            cutoff = None
            if self.cutoff is not None:
                cutoff = parse_timestamp(self.cutoff, TimeRule(zone or timezone.utc, unit))
        except BadValue as fault:
            raise ConfigError(f"cutoff: {fault}", fault.hint) from None
        check_taken(self.strategy, self.given)
        return build_config(SplitConfig, self, cutoff=cutoff)


def build_parser() -> Parser:
    """Return the parser."""
    parser = make_parser(
        "split",
        __doc__,
        "--interactions clean.csv --strategy last-n --n 1 "
        "--train-out train-part.csv --test-out test-part.csv",
    )
    add_interactions_option(parser)
    parser.add_argument("--train-out", required=True, metavar="FILE", help="the training set")
    parser.add_argument("--test-out", required=True, metavar="FILE", help="the test set")
    how = parser.add_argument_group("how to split")
    how.add_argument("--strategy", choices=STRATEGIES, required=True)
    add_fields(how, SplitConfig, **_OF_SOME)
    text = "write all rows of an interaction, for similarities that use their order"
    add_fields(how, SplitConfig, keep_events=text)
    how.add_argument(
        "--cutoff",
        metavar="TIME",
        help="for temporal: test from here on; a date or time, of UTC or --timezone, or seconds",
    )
    add_lineage_option(parser)
    add_input_options(parser)
    return parser


def _split(args: Args, progress: TerminalProgress) -> str:
    from mlcore.split import split_from_path

    return split_from_path(
        args.interactions,
        args.train_out,
        args.test_out,
        args.config(),
        input_options=args.input_options(),
        lineage_path=args.lineage,
        progress=progress,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = build_parser()
    args = parser.parse_args(argv, Args())
    args.given = [name for name in (*_OF_SOME, "cutoff") if parser.was_given(flag(name))]
    return run(lambda progress: _split(args, progress), args, args.train_out, args.test_out)


if __name__ == "__main__":
    raise SystemExit(main())
