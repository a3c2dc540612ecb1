"""What the commands refuse and why, as data: tests run each entry, docs/troubleshooting.md shows it.

``python -m tests.cli.troubleshooting --write`` writes the page.
"""

from __future__ import annotations

import bz2
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PAGE", "SECTIONS", "Entry", "render"]

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"
MOST_LINES = 4  # of a file that the page shows


@dataclass(frozen=True)
class Entry:
    """One thing that happens, run in the folder of good files of tests/cli/conftest.py.

    Attributes:
        title: of its part of the page; no full stop.
        run: a command line without ``mlcore``, or, with ``is_python``, code.
        says: all that it prints on stderr, then on stdout, without the last line break; of code the
            last line of the traceback, then the hint.
        cause: one or two sentences.
        cure: likewise.
        cured_by: a command line or code that works, or nothing if the cure is to change a file.
        first: a command of the shell to run before.
        files: to write first, by name.
        status: the exit code.
        in_go: whether the reader in Go takes the command, and says the same.
    """

    title: str
    run: str
    says: str
    cause: str
    cure: str
    cured_by: str = ""
    first: str = field(default="", kw_only=True)
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    status: int = 1
    is_python: bool = False
    in_go: bool = False


REFERENCES = [
    Entry(
        "A column that you name is not there",
        "train --interactions ratings.csv --weight-column ratng --out-dir new",
        "error: ratings.csv:1: ratng: expected a column of this name, got 'user_id', 'item_id', 'rating'",
        "Only a column called by its default name (`weight`, `timestamp`) may be absent; one that you name is wanted.",
        "Name one of the columns there are.",
        "train --interactions ratings.csv --weight-column rating --out-dir new",
        {"ratings.csv": "user_id,item_id,rating\nann,tea,5\nbob,tea,1\n"},
    ),
    Entry(
        "A key that you name is in no line",
        "train --interactions ratings.jsonl --weight-column ratng --out-dir new",
        "error: ratings.jsonl: ratng: expected a key of this name, got 'user_id', 'item_id', 'rating'",
        "Only a key called by its default name may be absent. A weight may be missing in single lines, where it is 1, but not in all.",
        "Name one of the keys there are.",
        "train --interactions ratings.jsonl --weight-column rating --out-dir new",
        {
            "ratings.jsonl": '{"user_id": "ann", "item_id": "tea", "rating": 5}\n'
            '{"user_id": "bob", "item_id": "tea", "rating": 1}\n'
        },
    ),
    Entry(
        "No item to include is an item of the model",
        "predict --model-dir model --all-users --include-items offers.csv --out new.jsonl",
        "error: offers.csv: item_id: expected items of the model, got none of them\n"
        "hint: is 'Tea' meant to be 'tea'? upper and lower case differ",
        "Ids are compared byte by byte: `0007` is not `7`, `Tea` is not `tea`, and é as one character is not é as two. "
        "Spreadsheets and number columns lose leading zeros or add `.0`.",
        "Write the ids as the training had them. The hint has the first that is known in another spelling, "
        "or else shows an id of each side.",
        files={"offers.csv": "item_id\nTea\nMilk\n"},
        in_go=True,
    ),
    Entry(
        "No item to exclude is an item of the model",
        "predict --model-dir model --all-users --exclude-items banned.csv --out new.jsonl",
        "note: banned.csv: item_id: expected items of the model, got none of them; "
        "is 'sugar ' meant to be 'sugar'? spaces around them differ\n"
        "4 lists, 4 shorter than 10, 1 of 1 excluded items unknown",
        "Ids are compared byte by byte. A list of items to exclude may rightly have none that the model knows, so this is a note.",
        "Write the ids as the training had them.",
        files={"banned.csv": "item_id\nsugar \n"},
        status=0,
        in_go=True,
    ),
    Entry(
        "Some items to include or exclude are not in the model",
        "predict --model-dir model --all-users --include-items offers.csv --top-n 1 --out new.jsonl",
        "4 lists, 3 shorter than 1, 1 of 2 included items unknown",
        "Unknown ids are passed over and counted.",
        "Nothing, if the items are newer than the training.",
        files={"offers.csv": "item_id\ntea\ncoffee\n"},
        status=0,
        in_go=True,
    ),
    Entry(
        "Candidates are given for none of the users",
        "predict --model-dir model --all-users --include-pairs candidates.csv --out new.jsonl",
        "error: candidates.csv: user_id: expected users of the model, got none of them\n"
        "hint: is 'Ann' meant to be 'ann'? upper and lower case differ",
        "Users without a row in the table get empty lists, so here all would be empty.",
        "Write the ids as the training had them. A user who is not asked for is passed over and counted.",
        files={"candidates.csv": "user_id,item_id\nAnn,tea\n"},
        in_go=True,
    ),
    Entry(
        "A table for all users has a column of users",
        "predict --model-dir model --all-users --exclude-items returned.csv --out new.jsonl",
        "note: returned.csv: user_id: passed over, as these items are excluded for all users; "
        "--exclude-pairs takes items of each user\n"
        "4 lists, 4 shorter than 10",
        "`--include-items` and `--exclude-items` hold for every list, whoever is named beside the items.",
        "Give the table as `--exclude-pairs`, or nothing, if it is meant for all.",
        files={"returned.csv": "user_id,item_id\nann,jam\n"},
        status=0,
        in_go=True,
    ),
    Entry(
        "No item of the histories is an item of the model",
        "predict --model-dir model --histories sessions.jsonl --out new.jsonl",
        "note: sessions.jsonl: item_id: expected items of the model, got none of them; "
        "is 'tea.0' meant to be 'tea'? one has decimals\n"
        "2 lists, 2 shorter than 10, 3 unknown items passed over",
        "Unknown items of histories are passed over and counted. Here nothing is left, so the lists are empty.",
        "Write the ids as the training had them.",
        files={
            "sessions.jsonl": '{"user_id": "s1", "history": [{"item_id": "coffee"}]}\n'
            '{"user_id": "s2", "history": [{"item_id": "tea.0"}, {"item_id": "cocoa"}]}\n'
        },
        status=0,
        in_go=True,
    ),
    Entry(
        "A list is shown with ids in place of titles",
        "show --predictions predictions.jsonl --items items.csv --user eve",
        "note: items.csv: item_id: expected items of the list, got none of them; "
        "is ' tea' meant to be 'tea'? spaces around them differ\n"
        "eve may like:\n  1. tea (1.0000)",
        "An item without a title is shown by its id; here no item of the list has one.",
        "Write the ids as the training had them.",
        files={"items.csv": "item_id,title\n tea,Green tea\n"},
        status=0,
    ),
    Entry(
        "A user has no list to show",
        "show --predictions predictions.jsonl --items items.csv --user ANN",
        "error: predictions.jsonl: user_id: expected a list of the user, got none for 'ANN'\n"
        "hint: is 'ANN' meant to be 'ann'? upper and lower case differ",
        "The file has no list of this user.",
        "Name a user of the file, or make lists for this one.",
        "show --predictions predictions.jsonl --items items.csv --user ann",
        {"items.csv": "item_id,title\ntea,Green tea\njam,Plum jam\n"},
    ),
    Entry(
        "An item that you type is not in the model",
        "similar --model-dir model --item sguar",
        "error: item: expected an item of the model, got 'sguar'\n"
        "hint: is 'sguar' meant to be 'sugar'? two letters are swapped",
        "Ids are compared byte by byte. The hint has a known id in another spelling or one slip away; "
        "without one it shows how ids of the model look.",
        "Type the id as the training had it.",
        "similar --model-dir model --item sugar",
        in_go=True,
    ),
    Entry(
        "A user is not in the model",
        "predict --model-dir model --users users.csv --out new.jsonl",
        "error: users.csv:3: user_id: expected a user of the model, got 'zoe'\n"
        "hint: --unknown-user skip leaves such users out, fill gives them popular items",
        "The user is not in the training, so there is no history to go by.",
        "Leave such users out, or give them popular items; both are counted.",
        "predict --model-dir model --users users.csv --unknown-user skip --out new.jsonl",
        {"users.csv": "user_id\nann\nzoe\n"},
        in_go=True,
    ),
    Entry(
        "No user is in the model",
        "predict --model-dir model --users users.csv --unknown-user skip --out new.jsonl",
        "error: users.csv: user_id: expected users of the model, got none of them\n"
        "hint: is 'Ann' meant to be 'ann'? upper and lower case differ",
        "With `--unknown-user skip` nothing would be left; most likely the ids are spelled in another way.",
        "Write the ids as the training had them. For new users `--unknown-user fill` gives popular items.",
        files={"users.csv": "user_id\nAnn\nEve\n"},
        in_go=True,
    ),
    Entry(
        "Lists and ground truth share no user",
        "evaluate --predictions predictions.jsonl --ground-truth other.csv --cutoffs 2 --out new.json",
        "error: predictions.jsonl: user_id: expected users of the ground truth, got none of them\n"
        "hint: is 'ann' meant to be 'ANN'? upper and lower case differ",
        "The two files are of different data, or spell ids in different ways. Every metric would be 0.",
        "Evaluate against the held-out part of the data that the model was trained on.",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 2 --out new.json",
        {"other.csv": "user_id,item_id\nANN,jam\nEVE,tea\n"},
    ),
    Entry(
        "Lists and ground truth share no item",
        "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth other.csv --cutoffs 2",
        "error: predictions.jsonl: item_id: expected items of the ground truth, got none of them\n"
        "hint: the first is 'sugar', the first of the ground truth 'i17'",
        "The two files are of different data, or spell ids in different ways. Every metric would be 0. "
        "`evaluate --model-dir` accepts lists without a hit if the model has items of the ground truth.",
        "Evaluate against the held-out part of the data that the model was trained on.",
        "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv --cutoffs 2",
        {"other.csv": "user_id,item_id\nann,i17\neve,i4\n"},
    ),
    Entry(
        "A user of the lists is not in the ground truth",
        "evaluate --predictions predictions.jsonl --ground-truth other.csv --cutoffs 2 --out new.json",
        "error: predictions.jsonl:1: user_id: expected a user of the ground truth, got 'ann'\n"
        "hint: --extra-users ignore passes them over; cli.predict --users takes the ground truth",
        "Lists were made for more users than have held-out items; often two files do not belong together.",
        "Make lists for the users of the ground truth, or pass the others over; they are counted.",
        "evaluate --predictions predictions.jsonl --ground-truth other.csv --cutoffs 2 --extra-users ignore "
        "--out new.json",
        {"other.csv": "user_id,item_id\neve,tea\n"},
    ),
    Entry(
        "A cutoff is above the longest list",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 10 --out new.json",
        "note: predictions.jsonl: no list has more than 2 items: metrics at 10 are those of shorter lists; "
        "cli.predict --top-n makes longer ones, if the catalogue has more\n"
        "2 users: recall@10 1.0000, ndcg@10 0.8155",
        "The lists were made with a smaller `--top-n`, or the catalogue has no more items that a user may get.",
        "Make longer lists, or choose cutoffs up to their length.",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 2 --out new.json",
        status=0,
    ),
    Entry(
        "Every list is empty",
        "evaluate --predictions empty.jsonl --ground-truth truth.csv --cutoffs 10 --out new.json",
        "note: empty.jsonl: every list is empty and counts 0\n"
        "2 users, 1 without a list: recall@10 0.0000, ndcg@10 0.0000",
        "The model stores no pair, as when each user of the training has one item, or the filters leave none.",
        "Train on more data, or complete the lists with `predict --fill popularity`.",
        files={"empty.jsonl": '{"user_id": "ann", "items": []}\n'},
        status=0,
    ),
    Entry(
        "The catalogue spells the items in another way",
        "train --interactions interactions.csv --items items.csv --out-dir new",
        "error: items.csv: item_id: expected items of the interactions, got none of them\n"
        "hint: is 'TEA' meant to be 'tea'? upper and lower case differ",
        "`--items` adds the items that nobody took; these would all be such.",
        "Write the ids as in the interactions. Items of the interactions that the catalogue lacks are added, with a note.",
        files={"items.csv": "item_id\nTEA\nCOFFEE\n"},
    ),
    Entry(
        "Interactions as JSON Lines are no histories",
        "predict --model-dir model --histories clean.jsonl --out new.jsonl",
        "error: clean.jsonl:1: history: expected an array, got no such key\n"
        "hint: these are interactions, a line for each, and not a line for each user; as a table in .csv --histories takes "
        "them: cli.preprocess --out NEW.csv writes one",
        "A line of `--histories` has all that a user took; a line of interactions, one item. Only the latter may also be a "
        "table of CSV or Parquet.",
        "Write the interactions as CSV.",
        files={"clean.jsonl": '{"user_id": "ann", "item_id": "tea"}\n'},
        in_go=True,
    ),
]

TABLES = [
    Entry(
        "The name of a file does not show its format",
        "train --interactions events.txt --out-dir new",
        "error: events.txt: expected a name that ends in .csv or .jsonl (or either and .gz), got another\n"
        "hint: --format csv or --format jsonl says what it is",
        "The format is taken from the name, never guessed from the content.",
        "Rename the file or name the format.",
        "train --interactions events.txt --format csv --out-dir new",
        {"events.txt": "user_id,item_id\nann,tea\nbob,tea\n"},
    ),
    Entry(
        "Fields are separated by something other than commas",
        "preprocess --interactions events.csv --out clean.csv",
        "note: events.csv:1: took semicolons to separate the fields; --delimiter names another\n"
        "kept 1 of 1 rows: 1 users, 1 items",
        "The first line is not one of commas. Tabs, semicolons, pipes and `::` are tried in its place; a line "
        "`sep=;` before it, as Excel writes one, decides.",
        "Nothing, if the note is right; else name the delimiter.",
        "preprocess --interactions events.csv --delimiter ; --out clean.csv --progress",
        {"events.csv": "user_id;item_id\nann;tea\n"},
        status=0,
    ),
    Entry(
        "Decimal commas",
        "preprocess --interactions events.csv --delimiter ; --out clean.csv",
        "error: events.csv:2: weight: expected a finite number above 0, got '1,5'\n"
        "hint: write decimal points, not commas; where commas are nothing else: sed 's/,/./g' FILE > NEW",
        "Spreadsheets of some countries write 1,5 for 1.5. It is not read, since 1,500 may be 1.5 or 1500.",
        "Write points: export in another locale, or replace the commas of a file that has them nowhere else.",
        "preprocess --interactions points.csv --delimiter ; --out clean.csv",
        {"events.csv": "user_id;item_id;weight\nann;tea;1,5\n"},
        first="sed 's/,/./g' events.csv > points.csv",
    ),
    Entry(
        "Weights that are missing, 0 or less",
        "preprocess --interactions events.csv --out clean.csv",
        "error: events.csv:2: weight: expected a finite number above 0, got '0'\n"
        "hint: leave rows without one out: awk -F, 'NR == 1 || $3 + 0 > 0' FILE > NEW, if it is the third field; "
        "WHERE weight > 0 in SQL; jq -c 'select(.weight > 0)' for JSON Lines",
        "A weight says how much an interaction counts for the item. 0, a dislike below 0, or an empty field counts "
        "for nothing.",
        "Leave such rows out, or write what they count.",
        "preprocess --interactions rated.csv --out clean.csv",
        {"events.csv": "user_id,item_id,weight\nann,tea,0\nann,jam,2\nbob,tea,\n"},
        first="awk -F, 'NR == 1 || $3 + 0 > 0' events.csv > rated.csv",
    ),
    Entry(
        "Quotes that mean nothing",
        "preprocess --interactions events.tsv --out clean.csv",
        "error: events.tsv:2: expected balanced quotes, got one that is never closed\n"
        "hint: if quotes mean nothing in this file: tr -d '\"' < FILE > NEW",
        "A field that begins with a quote goes on to the next one, over delimiters and lines, as CSV has it.",
        "Take the quotes out, if the file is one of those whose quotes are part of the texts.",
        "preprocess --interactions bare.tsv --out clean.csv",
        {"events.tsv": 'user_id\titem_id\ttitle\nann\ttea\t"Green\n'},
        first="tr -d '\"' < events.tsv > bare.tsv",
    ),
    Entry(
        "Ids that are numbers in JSON",
        "preprocess --interactions events.jsonl --out clean.csv",
        "error: events.jsonl:1: user_id: expected a string, got 7\n"
        """hint: ids are strings: sed -E 's/"(user_id|item_id)": *([0-9]+)/"\\1": "\\2"/g' FILE > NEW puts them in """
        "quotes",
        "Ids are strings, so that 007 and 7 stay two users, and 7 and 7.0 become none.",
        "Put them in quotes.",
        "preprocess --interactions quoted.jsonl --out clean.csv",
        {"events.jsonl": '{"user_id": 7, "item_id": 12}\n'},
        first="""sed -E 's/"(user_id|item_id)": *([0-9]+)/"\\1": "\\2"/g' events.jsonl > quoted.jsonl""",
    ),
    Entry(
        "One array in place of JSON Lines",
        "preprocess --interactions events.jsonl --out clean.csv",
        "error: events.jsonl:1: expected a JSON object, "
        "got invalid JSON (expecting value at character 2)\n"
        "hint: a line holds one object: jq -c '.[]' FILE > NEW makes lines of an array",
        "JSON Lines hold an object a line, so that no file need be in memory as a whole.",
        "Make lines of it, by `jq`, or in pandas by `to_json(..., orient='records', lines=True)`.",
        files={"events.jsonl": '[\n{"user_id": "ann", "item_id": "tea"}\n]\n'},
    ),
    Entry(
        "A file without a header line",
        "preprocess --interactions ratings.csv --out clean.csv",
        "error: ratings.csv:1: user_id: expected a column of this name, got '196', '242', '3', '881250949'\n"
        "hint: if this line is data: --no-header --columns user_id,item_id,weight,timestamp says what its fields are",
        "The first line is taken for the names of the columns, and is data.",
        "Say what the fields are, in their order; an empty name passes over a field.",
        "preprocess --interactions ratings.csv --no-header --columns user_id,item_id,weight,timestamp "
        "--out clean.csv",
        {"ratings.csv": "196,242,3,881250949\n186,302,3,891717742\n"},
    ),
    Entry(
        "The columns of a file have other names",
        "preprocess --interactions ratings.csv --out clean.csv",
        "error: ratings.csv:1: user_id: expected a column of this name, got 'userId', 'movieId', 'rating'\n"
        "hint: --user-column names another, such as 'userId'",
        "The default names are `user_id`, `item_id`, `weight` and `timestamp`.",
        "Name the columns; the names hold for every table of the command.",
        "preprocess --interactions ratings.csv --user-column userId --item-column movieId --weight-column rating "
        "--out clean.csv",
        {"ratings.csv": "userId,movieId,rating\n1,31,2.5\n"},
    ),
    Entry(
        "Two files without header lines have other fields",
        "train --interactions ratings.csv --items movies.csv --no-header --columns user_id,item_id "
        "--out-dir new",
        "error: movies.csv:1: expected 2 fields as in the header, got 3\n"
        "hint: --columns holds for every table of the command; if they differ, give each a header line: "
        "sed '1i user_id,item_id' FILE > NEW",
        "The options of tables hold for every table of a command.",
        "Give each file its header line, and leave the options out.",
        "train --interactions rated.csv --items titles.csv --out-dir new",
        {"ratings.csv": "ann,tea\nbob,tea\n", "movies.csv": "tea,Tea,x\n"},
        first="sed '1i user_id,item_id' ratings.csv > rated.csv; "
        "sed '1i item_id,title,kind' movies.csv > titles.csv",
    ),
    Entry(
        "A file is packed by something other than gzip",
        "preprocess --interactions events.csv.bz2 --out clean.csv",
        "error: events.csv.bz2: expected a name that ends in .csv or .jsonl (or either and .gz), got another\n"
        "hint: bunzip2 -c FILE > NEW unpacks it",
        "Files are plain or packed by gzip. zip, bzip2, xz, zstd and Parquet are known by their first bytes, too.",
        "Unpack it.",
        "preprocess --interactions events.csv --out clean.csv",
        {"events.csv.bz2": bz2.compress(b"user_id,item_id\nann,tea\n")},
        first="bunzip2 -c events.csv.bz2 > events.csv",
    ),
    Entry(
        "A file is not in UTF-8",
        "preprocess --interactions events.csv --out clean.csv",
        "error: events.csv:2: expected UTF-8, got the byte 0xe9\n"
        "hint: --encoding names another, such as latin-1 or utf-16",
        "Old exports are in latin-1 or cp1252, Excel's \u201cUnicode text\u201d in utf-16.",
        "Name the encoding, by any name that Python knows.",
        "preprocess --interactions events.csv --encoding latin-1 --out clean.csv",
        {"events.csv": "user_id,item_id\nann,caf\u00e9\n".encode("latin-1")},
    ),
    Entry(
        "Times without a zone",
        "preprocess --interactions events.csv --out clean.csv",
        "error: events.csv:2: timestamp: expected integer seconds or an RFC 3339 time, got '2026-03-01 09:00:00'\n"
        "hint: a time without a zone does not say which moment it is; --timezone UTC, or another, says it",
        "Nine o'clock is another moment in each zone. `Z`, `UTC`, `+00`, `+0900` and `+09:00` after the time are read.",
        "Name the zone of the times: `UTC`, an offset, or a place such as `Europe/Berlin`.",
        "preprocess --interactions events.csv --timezone Europe/Berlin --out clean.csv",
        {"events.csv": "user_id,item_id,timestamp\nann,tea,2026-03-01 09:00:00\n"},
    ),
    Entry(
        "Dates without dashes",
        "preprocess --interactions events.csv --out clean.csv",
        "note: events.csv: timestamp: took dates such as 20260301 for seconds of 1970; as 2026-03-01, with --timezone, "
        "they are read as dates\n"
        "kept 1 of 1 rows: 1 users, 1 items",
        "A whole number is seconds since 1970. Order is kept, but ages and cutoffs are wrong.",
        "Write the dashes, and name a zone.",
        "preprocess --interactions dashed.csv --timezone UTC --out clean.csv",
        {"events.csv": "user_id,item_id,timestamp\nann,tea,20260301\n"},
        first="sed -E 's/,([0-9]{4})([0-9]{2})([0-9]{2})$/,\\1-\\2-\\3/' events.csv > dashed.csv",
        status=0,
    ),
    Entry(
        "Times with decimals",
        "preprocess --interactions events.csv --out clean.csv",
        "error: events.csv:2: timestamp: expected integer seconds or an RFC 3339 time, got '1700000000.0'\n"
        "hint: cut the decimals: .astype('int64') in pandas, CAST(... AS BIGINT) in SQL",
        "pandas makes a column of integers one of floats when a value is missing. Floats lose digits of long numbers, "
        "so they are not read.",
        "Write integers, or times as text.",
        "preprocess --interactions whole.csv --out clean.csv",
        {"events.csv": "user_id,item_id,timestamp\nann,tea,1700000000.0\n"},
        first="sed 's/[.]0$//' events.csv > whole.csv",
    ),
    Entry(
        "Times in milliseconds",
        "preprocess --interactions events.csv --out clean.csv",
        "error: events.csv:2: timestamp: expected integer seconds or an RFC 3339 time, got '1700000000000'\n"
        "hint: seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds? "
        "--timestamp-unit ms reads milliseconds",
        "Numbers are seconds since 1970, unless another unit is named.",
        "Name the unit. Milli-, micro- and nanoseconds must be of the years 1971 to 2100, so that a wrong unit is found.",
        "preprocess --interactions events.csv --timestamp-unit ms --out clean.csv",
        {"events.csv": "user_id,item_id,timestamp\nann,tea,1700000000000\n"},
    ),
    Entry(
        "A folder that is no table",
        "preprocess --interactions model --out clean.csv",
        "error: model: expected parts of one format, got 'config.json', 'histories.npz', 'items.csv'\n"
        "hint: a folder or a pattern is one table; name one file, or a pattern such as '*.csv'",
        "A folder, or a pattern such as `events/part-*.csv`, is read as one table, as Spark writes it: all its files, in "
        "the order of their names, except empty ones and those whose names begin with `_` or `.`.",
        "Name a folder with parts alike, or the file.",
    ),
]

SOME = 'from mlcore import *\nsome = Interactions.from_columns(["ann", "ann"], ["tea", "jam"])\n'
LOADED = 'from mlcore import *\nrecommender = Recommender.load("model")\n'
EVALUATE = "from mlcore.evaluate import evaluate_from_data\n"
TIMES = (
    "from datetime import datetime\nfrom mlcore import *\nat = [datetime(2026, 3, 1, 9)]\n"
    'Interactions.from_columns(["ann"], ["tea"], timestamps=at'
)


def python(title: str, run: str, says: str, cause: str, cure: str, cured_by: str) -> Entry:
    return Entry(title, run, says, cause, cure, cured_by, is_python=True)


PYTHON = [
    python(
        "A user or an item is a number",
        LOADED + "recommender.predict(7)",
        "DataError: user: expected a string, got 7\n"
        "hint: ids are strings: convert numbers with str()",
        "Ids are strings, so that 007 and 7 stay two users. A number is refused at every call.",
        "Convert with `str`, as the training did.",
        LOADED + 'recommender.predict(str("ann"))',
    ),
    python(
        "An item to exclude is a number",
        LOADED + 'recommender.predict("ann", exclude=[17])',
        "DataError: exclude[0]: expected a string, got 17\n"
        "hint: ids are strings: convert numbers with str()",
        "Passed over in silence, item 17 would be recommended.",
        "Convert with `str`.",
        LOADED + 'recommender.predict("ann", exclude=[str(17)])',
    ),
    python(
        "A text in place of a list of ids",
        LOADED + 'recommender.predict_many("ann")',
        "DataError: user_ids: expected ids, such as a list of strings, got 'ann'",
        "A text is also a sequence of texts: its letters would be taken for users.",
        "Put it into a list.",
        LOADED + 'recommender.predict_many(["ann"])',
    ),
    python(
        "A column of ids holds numbers",
        'from mlcore import *\nInteractions.from_columns([7, 8], ["tea", "tea"])',
        "DataError: user_ids[0]: expected a string, got 7\n"
        "hint: ids are strings: convert numbers with str()",
        'As above. In a data frame, `Interactions.from_frame(frame, ids="as_text")` converts integers.',
        "Convert with `str`.",
        'from mlcore import *\nInteractions.from_columns(map(str, [7, 8]), ["tea", "tea"])',
    ),
    python(
        "Datetimes without a zone",
        TIMES + ")",
        "DataError: timestamps[0]: expected a time with its zone, got 2026-03-01 09:00:00\n"
        'hint: timezone="UTC", or the name of another zone, says what times without one mean',
        "Nine o'clock is another moment in Tokyo.",
        "Name the zone, in `from_columns` or `from_frame`.",
        TIMES + ', timezone="Asia/Tokyo")',
    ),
    python(
        "Something else than a data frame",
        'from mlcore import *\nInteractions.from_frame([("ann", "tea")])',
        "DataError: frame: expected a DataFrame of pandas or polars, a pyarrow.Table or a DuckDB "
        "relation, got list\nhint: Interactions.from_columns takes lists and arrays",
        "A list has no names of columns.",
        "Give the columns.",
        'from mlcore import *\nInteractions.from_columns(*zip(*[("ann", "tea")]))',
    ),
    python(
        "A key of the configuration is misspelt",
        SOME + 'train_from_data(some, {"neighbors": 50})',
        "ConfigError: config: expected one of similarity, weighting, num_neighbors, neighborhood, "
        "shrinkage, min_cooccurrence, heavy_users, aggregate, history_decay, popularity_half_life_days, popularity_reference_time, got the key 'neighbors'\nhint: did you mean num_neighbors?",
        "A dictionary is checked as a configuration file is.",
        "Take one of the keys named.",
        SOME + 'train_from_data(some, {"num_neighbors": 50})',
    ),
    python(
        "A list to evaluate has an item twice",
        EVALUATE + 'evaluate_from_data({"ann": ["tea", "tea"]}, {"ann": ["tea"]}, [2])',
        "DataError: predictions: user 'ann': expected each item once, got 'tea' again",
        "Counted twice, one hit would give a recall of 2.",
        "Leave repetitions out before you cut the list.",
        EVALUATE + 'once = list(dict.fromkeys(["tea", "tea"]))\n'
        'evaluate_from_data({"ann": once}, {"ann": ["tea"]}, [2])',
    ),
    python(
        "Two models share no item",
        SOME + "from mlcore.diff import diff_from_data\n"
        'other = Interactions.from_columns(["ann", "ann"], ["Tea", "Jam"])\n'
        "diff_from_data(train_from_data(some), train_from_data(other))",
        "DataError: model_b: item_id: expected items of model_a, got none of them\n"
        "hint: is 'Jam' meant to be 'jam'? upper and lower case differ",
        "Neighbors are compared item by item, and items by id, byte by byte. `cli.diff` says the same of its models.",
        "Write the ids alike in both trainings.",
        SOME + "from mlcore.diff import diff_from_data\n"
        "diff_from_data(train_from_data(some), train_from_data(some, TrainConfig(num_neighbors=1)))",
    ),
    python(
        "A model in memory goes to another process",
        SOME + "import pickle\npickle.dumps(train_from_data(some))",
        "MlcoreError: model: expected one in a directory, to pickle or copy it by its path, got one "
        "in memory only: call save() first",
        "A model goes to a worker by its path, so that all map the same files.",
        "Save it first, or load it.",
        SOME + "import pickle\nmodel = train_from_data(some)\n"
        'model.save("saved")\npickle.dumps(model)',
    ),
]

OUTPUTS = [
    Entry(
        "The output is an input",
        "predict --model-dir model --users truth.csv --out ./truth.csv",
        "error: ./truth.csv: expected another file than the input --users, got the same\n"
        "hint: write to another file, and rename it when it is done",
        "The result would replace what it was made of. Files are compared by what they are, so links do not help.",
        "Write to another file.",
        "predict --model-dir model --users truth.csv --out lists.csv",
        in_go=True,
    ),
    Entry(
        "Events are to be preprocessed in place",
        "preprocess --interactions interactions.csv --out interactions.csv",
        "error: interactions.csv: expected another file than the input --interactions, got the same\n"
        "hint: --in-place replaces it",
        "The events would be gone; often another name was meant.",
        "Write to another file, or ask for it. The file is replaced in one step, when all is written.",
        "preprocess --interactions interactions.csv --out interactions.csv --in-place",
    ),
    Entry(
        "The output is in an input folder",
        "predict --model-dir model --all-users --out model/lists.jsonl",
        "error: model/lists.jsonl: expected a place outside the input --model-dir, got one inside\n"
        "hint: the next run would read it as part of that folder; write to another one",
        "A model directory holds the files of the model alone, or `--overwrite` refuses it; a folder of parts is read "
        "with all its files.",
        "Write to another folder.",
        "predict --model-dir model --all-users --out lists.jsonl",
        in_go=True,
    ),
    Entry(
        "The output is a part of the input",
        "preprocess --interactions interactions*.csv --out interactions-clean.csv",
        "error: interactions-clean.csv: expected a name that the pattern of --interactions does not match, got one of it\n"
        "hint: the next run would read it, too; write to another folder",
        "A pattern stands for all files that match it, so the next run would count the rows of the first one again.",
        "Give the output another name, or another folder.",
        "preprocess --interactions interactions*.csv --out clean.csv",
    ),
    Entry(
        "The folder of the output is not there",
        "predict --model-dir model --all-users --out lists/new.jsonl",
        "error: lists/new.jsonl: expected a file to write to, got 'No such file or directory'\n"
        "hint: there is no folder lists: mkdir -p lists",
        "Only `--out-dir` makes folders; the folder of an `--out` is most often a slip. The reader in Go says the same.",
        "Make the folder.",
        "predict --model-dir model --all-users --out lists/new.jsonl",
        first="mkdir -p lists",
        in_go=True,
    ),
    Entry(
        "The output has the ending of a format that is not written",
        "preprocess --interactions interactions.csv --out clean.parquet",
        "error: clean.parquet: expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), got .parquet\n"
        "hint: write one of them; DuckDB and pandas read them",
        "Tables are written as CSV or JSON Lines, and no option puts CSV into a file of another name. "
        "`predict --out` writes Parquet, too; the reader in Go does not.",
        "Write CSV, and convert it, with ids as text: `COPY (FROM read_csv('clean.csv', types = "
        "{user_id: 'VARCHAR', item_id: 'VARCHAR'})) TO 'clean.parquet'` of DuckDB.",
        "preprocess --interactions interactions.csv --out clean.tsv",
    ),
    Entry(
        "The output is in a model directory",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1 --out model/metrics.json",
        "error: model/metrics.json: expected a place outside of a model directory, got one inside 'model'\n"
        "hint: a model directory holds nothing but its model; write beside it",
        "`--overwrite` replaces all of a model directory, and refuses one that holds anything else. So no output, and no log "
        "of `--lineage`, goes into one.",
        "Write beside it.",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1 --out metrics.json",
    ),
    Entry(
        "The lists have the ending of a format that is not written",
        "predict --model-dir model --all-users --out lists.xlsx",
        "error: lists.xlsx: expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), or .parquet, got .xlsx\n"
        "hint: write one of them; DuckDB and pandas read them",
        "Lists are written as JSON Lines, as CSV, or as Parquet (not by the reader in Go). Other endings, such as `.txt` "
        "and `.json`, are refused, as no reader would know what is in such a file.",
        "Spreadsheets open CSV.",
        "predict --model-dir model --all-users --out lists.csv",
    ),
    Entry(
        "Explained lists do not fit into a table",
        "predict --model-dir model --all-users --explain --out lists.csv",
        "error: explain: expected JSON Lines as output, got .csv\n"
        "hint: contributions are lists, which no column holds; --out lists.jsonl has them",
        "A table has a row for each item, and an item has many contributions.",
        "Write JSON Lines.",
        "predict --model-dir model --all-users --explain --out lists.jsonl",
        in_go=True,
    ),
    Entry(
        "Metrics are no table",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1 --out metrics.csv",
        "error: metrics.csv: expected a name for a JSON document, such as metrics.json, got .csv",
        "The result is one JSON document.",
        "Name it so. `--per-user-out` writes a table.",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1 --out metrics.json "
        "--per-user-out users.csv",
    ),
    Entry(
        "A table of lists has no rank",
        "evaluate --predictions lists.csv --ground-truth truth.csv --cutoffs 1 --out new.json",
        "error: lists.csv: rank: expected a column of this name, or position, got neither\n"
        "hint: ranks begin at 1; the order of rows is no rank",
        "Databases and data frames change the order of rows, so the ranking must be a column.",
        "Add the rank, as `predict --out lists.csv` writes it.",
        files={"lists.csv": "user_id,item_id,score\nann,jam,1\n"},
    ),
    Entry(
        "The ranks of a list have a gap",
        "evaluate --predictions lists.csv --ground-truth truth.csv --cutoffs 1 --out new.json",
        "error: lists.csv: rank: user 'ann': expected 1, 2, 3 ... each once, got 3 where 2 should be",
        "Rows are missing or there twice, most likely by a filter or a join after `predict`.",
        "Leave items out by `--exclude-items` of `predict`, or rank the rest anew.",
        files={"lists.csv": "user_id,item_id,rank\nann,jam,1\nann,tea,3\n"},
    ),
    Entry(
        "The output directory is there already",
        "train --interactions interactions.csv --out-dir model",
        "error: model: expected a path that does not exist yet, got an existing one\n"
        "hint: --overwrite replaces a model directory",
        "A model is replaced only if you ask. A directory that is empty is filled; of a mounted volume with "
        "content the hint says how to write into it, since it cannot be replaced in one step.",
        "Overwrite, or name another directory.",
        "train --interactions interactions.csv --out-dir model --overwrite",
    ),
    Entry(
        "A gate names no metric of a diff",
        "diff --model-dir model --model-dir no-users --fail-if 'overlap@5<0.8'",
        "error: fail_if: expected one of overlap@10, rbo, same_list_share, popularity_shift, items_gone, "
        "items_new, items_gone_share, items_new_share, got 'overlap@5'\n"
        "hint: --cutoffs says which overlaps there are",
        "Overlaps are measured at the cutoffs that you name, by default 10.",
        "Name the cutoff, too.",
        "diff --model-dir model --model-dir no-users --cutoffs 5 --fail-if 'overlap@5<0.8'",
    ),
    Entry(
        "A gate of a diff is written another way",
        "diff --model-dir model --model-dir no-users --fail-if rbo=0.8",
        "error: fail_if: expected a metric, one of < <= > >=, and a number, got 'rbo=0.8'\n"
        "hint: --fail-if 'overlap@10<0.8'; without quotes the shell takes < and > for itself",
        "A condition says which values fail. Without quotes the shell reads from a file, or writes to one.",
        "Write metric, sign and number, in quotes.",
        "diff --model-dir model --model-dir no-users --fail-if 'rbo<0.8'",
    ),
    Entry(
        "A diff takes two models",
        "diff --model-dir model",
        "error: model_dir: expected two models, got 1\nhint: --model-dir model --model-dir new-model",
        "The second model is compared with the first.",
        "Name both.",
        "diff --model-dir model --model-dir no-users",
    ),
    Entry(
        "What publish should switch is not a link",
        "publish --model-dir model --to no-users",
        "error: no-users: expected a symbolic link or nothing, got something else",
        "publish copies the model beside the link and lets the link lead to the copy.",
        "Name a link, new or made by publish.",
        "publish --model-dir model --to current",
    ),
    Entry(
        "Interactions are many half-lives old",
        "train --interactions old.csv --config decay.json --out-dir new",
        "note: weighting binary: 1 of 3 interactions are so many half-lives old that they keep the least "
        "weight of float32\n"
        "trained on 3 interactions of 2 users and 2 items: 2 pairs, at most 1 from one item",
        "After 149 half-lives float32 would round the weight to 0. Such items count as seen and next to nothing.",
        "Nothing, or, if there should be none so old, look for a date or a unit gone wrong.",
        files={
            "old.csv": "user_id,item_id,timestamp\nann,tea,0\nbob,tea,86400000\nbob,milk,86400000\n",
            "decay.json": '{"weighting": {"name": "binary", "half_life_days": 1}}\n',
        },
        status=0,
    ),
    Entry(
        "The model has no pairs",
        "train --interactions one-each.csv --out-dir new",
        "trained on 2 interactions of 2 users and 2 items: no pairs, so all lists will be empty or filled in",
        "No user has two items, so no item has a neighbor.",
        "Train on more interactions, or let predict complete the lists with --fill popularity.",
        files={"one-each.csv": "user_id,item_id\nann,tea\nbob,milk\n"},
        status=0,
    ),
]

LINEAGE = [
    Entry(
        "There is no bundled query of this name",
        "run_sql --query dedup --table events=interactions.csv --out new.csv",
        "error: query: expected the name of a bundled query, or a path with a slash or .sql, got 'dedup'\n"
        "hint: is deduplicate meant? --list shows all",
        "A text without a slash that does not end in `.sql` is the name of a query that comes with mlcore, even if a file has it.",
        "Give a name of the list, or the path of your own query: `./own.sql`.",
        "run_sql --list",
    ),
    Entry(
        "The file of a query is not where the README of the repository has it",
        "run_sql --query sql/deduplicate.sql --table events=interactions.csv --out new.csv",
        "error: sql/deduplicate.sql: expected a readable file, got 'No such file or directory'\n"
        "hint: deduplicate, without folder and .sql, is the query that comes with mlcore",
        "After `pip install` there is no folder `sql` in yours; the queries are in the package.",
        "Give the name alone.",
        "run_sql --query deduplicate --table events=interactions.csv --out new.csv",
    ),
    Entry(
        "A query of your own has no header",
        "run_sql --query ./mine.sql --table events=interactions.csv --out new.csv",
        "error: mine.sql:1: expected a comment '-- mine: ...', got none\n"
        "hint: a query begins with lines such as '-- mine: what it does', "
        "'-- reads: events(user_id STRING, weight FLOAT64)', '-- writes: rows(user_id STRING)'",
        "The header says which tables and columns a query takes and makes, so that files can be read as these.",
        "Write the three lines above the text.",
        "run_sql --query ./cured/mine.sql --table events=interactions.csv --out new.csv",
        files={
            "mine.sql": "SELECT user_id, item_id FROM events\n",
            "cured/mine.sql": "-- mine: who took what.\n-- reads: events(user_id STRING, item_id STRING)\n"
            "-- writes: pairs(user_id STRING, item_id STRING)\nSELECT user_id, item_id FROM events\n",
        },
    ),
    Entry(
        "There is no log of runs",
        "lineage --file interactions.csv",
        "error: lineage.jsonl: expected a log of runs, got no such file\n"
        "hint: --lineage names one, as run_sql writes it in the current folder",
        "`lineage` asks `lineage.jsonl` in the current folder unless you name another.",
        "Name the log. The first run with `--lineage` makes it.",
        "train --interactions interactions.csv --out-dir new --lineage lineage.jsonl",
    ),
    Entry(
        "No run of the log made the file",
        "lineage --file interactions.csv --lineage log.jsonl",
        "error: interactions.csv: expected a file that a run of log.jsonl made, got one that is not known\n"
        "hint: a run writes its line where --lineage names a log, or lineage.jsonl is beside its output",
        "The file is a source, or what made it wrote no line. A file is known by its content, whatever its name.",
        "Ask the log of the run that made it, or make it again with a log.",
        files={"log.jsonl": ""},
    ),
    Entry(
        "The log is a file of another kind",
        "train --interactions interactions.csv --out-dir new --lineage interactions.csv",
        "error: interactions.csv:1: expected a record of a run, got invalid JSON "
        "(expecting value at character 1)\n"
        "hint: --lineage names another log",
        "Lines are added to logs of runs only, so that no other file is damaged. The same is said of a `lineage.jsonl` beside the output that is something else.",
        "Name a log, or a file that does not exist yet.",
        "train --interactions interactions.csv --out-dir new --lineage log.jsonl",
    ),
    Entry(
        "Standard output has no line",
        "predict --model-dir model --all-users --out - --lineage log.jsonl",
        "error: standard output: expected a file, as the lineage knows it by its content, got a stream\n"
        "hint: name a file, or leave out --lineage",
        "The line of an output has the digest of its content, which is read when the file is whole. "
        "Without `--lineage` a stream gets no line, even if there is a log.",
        "Write to a file.",
        "predict --model-dir model --all-users --out new.jsonl --lineage log.jsonl",
    ),
    Entry(
        "Nothing is written that could have a line",
        "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv "
        "--lineage log.jsonl",
        "error: lineage: expected an output, which gets a line, got none\nhint: --out names a file",
        "A line is about a file.",
        "Write the comparison to a file.",
        "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv "
        "--out new.json --lineage log.jsonl",
    ),
    Entry(
        "The output would replace the log",
        "preprocess --interactions interactions.csv --out log.jsonl --lineage log.jsonl",
        "error: log.jsonl: expected another file than the lineage, got the same",
        "The log would lose the lines of all earlier runs.",
        "Name another output.",
        "preprocess --interactions interactions.csv --out new.jsonl --lineage log.jsonl",
    ),
]


KEYS = "similarity.name, weighting.name, num_neighbors, neighborhood, shrinkage, min_cooccurrence, heavy_users.name, aggregate, history_decay.name, popularity_half_life_days, popularity_reference_time"
TRAIN = "train --interactions interactions.csv --out-dir new"
CONFIGURATION = [
    Entry(
        "A setting is misspelt",
        f"{TRAIN} --set num_neighbours=50",
        f"error: --set num_neighbours=50: expected one of {KEYS}, got 'num_neighbours'\n"
        "hint: did you mean num_neighbors?",
        "A setting that nothing reads would change nothing.",
        "Take one of the keys named; `train --help` lists them with what they take.",
        f"{TRAIN} --set num_neighbors=50",
    ),
    Entry(
        "A parameter belongs to another similarity",
        f"{TRAIN} --similarity cosine --set similarity.alpha=0.3",
        "error: --set similarity.alpha=0.3: expected name, as similarity cosine has no other, got 'alpha'\n"
        "hint: alpha belongs to similarity asymmetric_cosine or tversky or p3alpha or rp3beta",
        "Each similarity and weighting has parameters of its own.",
        "Leave it out, or take a similarity that has it.",
        f"{TRAIN} --similarity asymmetric_cosine --set similarity.alpha=0.3",
    ),
    Entry(
        "An option does not fit what the file says",
        f"{TRAIN} --config shrunk.json --similarity p3alpha",
        "error: shrunk.json --similarity p3alpha: shrinkage: expected 0, as p3alpha does not use it, got 10\n"
        "hint: leave it out, or --set shrinkage=0",
        "Another similarity drops the parameters of the former one, but not settings of the whole.",
        "Set it to what the similarity takes.",
        f"{TRAIN} --config shrunk.json --similarity p3alpha --set shrinkage=0",
        {"shrunk.json": '{"similarity": {"name": "cosine"}, "shrinkage": 10}\n'},
    ),
    Entry(
        "A user has all items, so tf_idf or bm25 weighs 0 or less",
        f"{TRAIN} --set weighting.name=bm25",
        "error: interactions.csv: weighting bm25: user 'bob', item 'milk': expected a weight above 0 that "
        "float32 holds, got 0.0\n"
        "hint: a user has all items or all but one: --set weighting.smooth=true, or cap such users with "
        "cli.preprocess --max-user-interactions",
        "The published factor ln(I / (1 + n)) is 0 for a user with all items but one, as on small data.",
        "Take the smooth factor, ln(1 + I / n).",
        f"{TRAIN} --set weighting.name=bm25 --set weighting.smooth=true",
    ),
    Entry(
        "A split by time, and no times",
        "split --interactions bare.csv --strategy last-n --train-out a.csv --test-out b.csv",
        "error: bare.csv: timestamp: expected a column to find the newest rows by, got none\n"
        "hint: --timestamp-column names one; without timestamps take --strategy random or user",
        "`last-n` and `temporal` need to know what came last.",
        "Name the column of times, or split by chance.",
        "split --interactions bare.csv --strategy random --test-fraction 0.5 --train-out a.csv --test-out b.csv",
        {"bare.csv": "user_id,item_id\nann,tea\nann,jam\nbob,tea\nbob,jam\ndan,jam\n"},
    ),
    Entry(
        "A half-life, and no times",
        "train --interactions bare.csv --set weighting.half_life_days=30 --out-dir new",
        "error: bare.csv: timestamp: expected a column to tell the age of interactions by, got none\n"
        "hint: --timestamp-column names one; without timestamps leave half_life_days out",
        "Weights that decay with age need an age.",
        "Name the column of times.",
        "train --interactions bare.csv --timestamp-column seen --set weighting.half_life_days=30 --out-dir new",
        {"bare.csv": "user_id,item_id,seen\nann,tea,1700000000\nbob,tea,1700000001\n"},
    ),
]
TIMED = (
    "from mlcore import Interactions, Recommender, train_from_data\n"
    'some = Interactions.from_columns(["u", "u"], ["a", "b"], timestamps=[1700000000, 1700000000])\n'
    'recommender = Recommender(train_from_data(some, {"weighting": {"name": "none", "half_life_days": 30}}))\n'
)
LATE = 'recommender.predict_history([("a", 1, 1700086400)]'
HISTORIES = [
    Entry(
        "An item comes twice among final weights",
        "predict --model-dir model --histories twice.jsonl --out new.jsonl",
        "error: twice.jsonl:1: history[1]: item_id: expected each item once, got 'tea' again\n"
        'hint: final weights are ready; without "weights": "final" the model makes them of events',
        "Events may repeat an item: the model combines them as the training did. Final weights are taken as they "
        "are, each item once.",
        "Leave out the key, or make one weight of the two.",
        files={
            "twice.jsonl": '{"user_id": "s1", "weights": "final", "history": [{"item_id": "tea"}, {"item_id": "tea"}]}\n'
        },
        in_go=True,
    ),
    Entry(
        "Now is given without histories",
        "predict --model-dir model --all-users --now 1700000000 --out new.jsonl",
        "error: now: expected --histories with it, got none\n"
        "hint: the histories of users of the model are ready",
        "What users of the training took is weighed in the model. Only the events of `--histories` age.",
        "Leave it out.",
        "predict --model-dir model --all-users --out new.jsonl",
        in_go=True,
    ),
    Entry(
        "An event of a history is after now",
        TIMED + LATE + ")",
        "DataError: weighting none: item 'a': expected a timestamp up to the reference time "
        "2023-11-14T22:13:20.000000Z, got 2023-11-15T22:13:20.000000Z\nhint: --now says up to which time events age",
        "The model has a half-life: events age up to a moment, by default the latest time of the training. The "
        "clock is never asked, so the answer can be had again.",
        "Say what time is now; `--now` of `predict` does.",
        TIMED + LATE + ', now="2023-11-16T00:00:00Z")',
        is_python=True,
    ),
    Entry(
        "A query writes no weight for an event",
        "run_sql --query weigh_history --model-dir model --param half_life_days=30 --table events=late.csv --out new.csv",
        "error: new.csv: weight: expected a value in every row, as the header of the query says, got NULL "
        "for user_id 's1', item_id 'tea'\n"
        "hint: the comment at the top of the query may say why",
        "SQL cannot refuse a row, so `weigh_history` gives NULL for an event after now, and for a weight that the "
        "model would refuse. Of a model without a half-life there is no reference time: now is 0, the year 1970.",
        "Say what time is now.",
        "run_sql --query weigh_history --model-dir model --param half_life_days=30 --param now=1700000000 "
        "--table events=late.csv --out new.csv",
        {"late.csv": "user_id,item_id,timestamp\ns1,tea,1700000000\n"},
    ),
]
SHOP = {"items.csv": "item_id,brand,year\ntea,acme,1999\nmilk,zeta,2001\n"}
FILTERED = "predict --model-dir model --attributes items.csv --all-users --out new.jsonl --filter "
CATALOGUE = [
    Entry(
        "A filter names a column that there is not",
        FILTERED + """'{"any_of": {"brands": ["acme"]}}'""",
        "error: filter: any_of: expected a column of the model, 'brand', 'year', got 'brands'\n"
        "hint: is 'brands' meant to be 'brand'? one letter differs",
        "A filter goes by the columns of the table that `--attributes` gave to `train`, or gives now. Names are "
        "compared byte by byte.",
        "Name one of the columns there are; `inspect` shows those of a model.",
        FILTERED + """'{"any_of": {"brand": ["acme"]}}'""",
        SHOP,
    ),
    Entry(
        "A value of a filter is a number",
        FILTERED + """'{"any_of": {"year": [1999]}}'""",
        "error: filter: any_of: year[0]: expected a string, got 1999\n"
        'hint: values are texts: "1999"',
        "All values of the catalogue are texts, so that `007` stays `007`.",
        "Put it in quotes.",
        FILTERED + """'{"any_of": {"year": ["1999"]}}'""",
        SHOP,
    ),
    Entry(
        "The model has no attributes",
        """predict --model-dir model --all-users --filter '{"at_most": {"brand": 2}}' --out new.jsonl""",
        "error: filter: at_most: expected a model with attributes, got one without\n"
        "hint: --attributes FILE keeps the catalogue when training, or brings it when predicting",
        "A filter goes by what is known of the items, which the model was not told.",
        "Bring the table.",
        """predict --model-dir model --attributes items.csv --all-users --filter '{"at_most": {"brand": 2}}' --out new.jsonl""",
        SHOP,
    ),
    Entry(
        "An item comes twice in the catalogue",
        "train --interactions interactions.csv --attributes twice.csv --out-dir new",
        "error: twice.csv: item_id: expected each item once, got 'tea' again\n"
        "hint: keep one row of each item: a value for each column",
        "An item has one value in each column. Nobody guesses which of two rows holds.",
        "Keep one row of each item.",
        first="awk -F, '!seen[$1]++' twice.csv > once.csv",
        cured_by="train --interactions interactions.csv --attributes once.csv --out-dir new",
        files={"twice.csv": "item_id,brand\ntea,acme\ntea,zeta\n"},
    ),
    Entry(
        "The catalogue has a column of decimals",
        "train --interactions interactions.csv --attributes prices.jsonl --out-dir new",
        "error: prices.jsonl:1: price: expected a string, an integer, true, false or null, got 2.5\n"
        "hint: write the column as text, so that nobody invents its digits",
        "Values are kept as texts. 2.5, 2.50 and 2.5e0 are one number in JSON and three texts.",
        "Write the number as the text that filters will name, or leave the column out.",
        "train --interactions interactions.csv --attributes texts.jsonl --out-dir new",
        first="""sed -E 's/"price": ([0-9.]+)/"price": "\\1"/' prices.jsonl > texts.jsonl""",
        files={"prices.jsonl": '{"item_id": "tea", "price": 2.5}\n'},
    ),
]
SECTIONS: Mapping[str, list[Entry]] = {
    "Names and ids": REFERENCES,
    "Tables": TABLES,
    "Configuration": CONFIGURATION,
    "Python": PYTHON,
    "Histories": HISTORIES,
    "Catalogue": CATALOGUE,
    "Outputs": OUTPUTS,
    "Queries and lineage": LINEAGE,
}

HEAD = """\
# Troubleshooting

What the commands say, why, and what to do. A test runs each entry: what you read here is what they print.
Generated from `tests/cli/troubleshooting.py`, do not edit.
"""


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for section, entries in SECTIONS.items():
        if entries:
            parts.append(f"## {section}\n")
            parts += map(_render_entry, entries)
    return "\n".join(parts)


def _render_entry(entry: Entry) -> str:
    shown = [*_show_files(entry), _show_run(entry.run, entry), *entry.says.splitlines()]
    lines = [f"### {entry.title}", "", *_block(shown, entry)]
    cause = f"{entry.cause} The reader in Go says the same." if entry.in_go else entry.cause
    lines += ["", f"Cause: {cause}", "", f"Cure: {entry.cure}", ""]
    if entry.cured_by:
        first = [f"$ {entry.first}"] if entry.first else []
        lines += [*_block([*first, _show_run(entry.cured_by, entry)], entry), ""]
    return "\n".join(lines)


def _show_files(entry: Entry) -> list[str]:
    """Return how short text files look."""
    lines: list[str] = []
    for name, content in entry.files.items():
        text = content.splitlines() if isinstance(content, str) else []
        if 0 < len(text) <= MOST_LINES:
            comment = "# " if entry.is_python else ""
            lines += [f"{comment}{line}" for line in (f"$ cat {name}", *text)]
    return lines


def _show_run(run: str, entry: Entry) -> str:
    return run if entry.is_python else f"$ mlcore {run}"


def _block(lines: list[str], entry: Entry) -> list[str]:
    return ["```python" if entry.is_python else "```", *lines, "```"]


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("usage: python -m tests.cli.troubleshooting --write")
    PAGE.write_text(render(), "utf-8")
