"""Split interactions into training and test.

random: each interaction by chance; last-n: the newest of each user; temporal: all from a moment
on; user: all interactions of some users. Row order changes nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import InputArgs, TerminalProgress, add_input_options, make_parser, run
from mlcore.errors import ConfigError
from mlcore.split.config import STRATEGIES, SplitConfig, Strategy


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    strategy: Strategy
    train_out: str
    test_out: str
    test_fraction: float
    n: int
    cutoff: str | None
    seed: int

    def config(self) -> SplitConfig:
        """Return how to split."""
        from mlcore.files.tables import BadValue
        from mlcore.files.values import parse_timestamp

        try:
            cutoff = None if self.cutoff is None else parse_timestamp(self.cutoff)
        except BadValue as fault:
            raise ConfigError(f"cutoff: {fault}", fault.hint) from None
        return SplitConfig(self.strategy, self.test_fraction, self.n, cutoff, self.seed)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    defaults = SplitConfig()
    parser = make_parser(
        "split",
        __doc__,
        "--interactions clean.csv --strategy last-n --n 1 "
        "--train-out train-part.csv --test-out test-part.csv",
    )
    parser.add_argument(
        "--interactions",
        required=True,
        metavar="FILE",
        help=".csv or .jsonl, perhaps .gz; .parquet; -",
    )
    parser.add_argument("--train-out", required=True, metavar="FILE", help="the training")
    parser.add_argument("--test-out", required=True, metavar="FILE", help="the test")
    how = parser.add_argument_group("how")
    how.add_argument("--strategy", choices=STRATEGIES, required=True)
    how.add_argument(
        "--test-fraction",
        type=float,
        default=defaults.test_fraction,
        metavar="X",
        help=f"for random, user and temporal without cutoff (default: {defaults.test_fraction})",
    )
    how.add_argument(
        "--n", type=int, default=defaults.n, help=f"for last-n (default: {defaults.n})"
    )
    how.add_argument(
        "--cutoff", metavar="TIME", help="for temporal: test from here on; seconds or RFC 3339"
    )
    how.add_argument(
        "--seed",
        type=int,
        default=defaults.seed,
        help=f"for random and user (default: {defaults.seed})",
    )
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
        progress=progress,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _split(args, progress), args, args.train_out, args.test_out)


if __name__ == "__main__":
    raise SystemExit(main())
