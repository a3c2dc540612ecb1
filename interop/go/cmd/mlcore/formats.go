package main

import (
	"fmt"
	"slices"
	"strings"
)

// Of formats that no text is; the same as in mlcore/files/formats.py.
var otherEndings = []string{
	".parquet", ".arrow", ".feather", ".avro", ".orc", ".xls", ".xlsx", ".ods", ".db", ".duckdb",
	".sqlite", ".pkl", ".npy", ".npz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar",
}

// endingOf returns the ending of a name that says how a file is written, perhaps with .gz, or nothing.
func endingOf(path string) string {
	name := strings.ToLower(path)
	unpacked := strings.TrimSuffix(name, ".gz")
	for _, ending := range []string{".csv", ".tsv", ".jsonl", ".ndjson"} {
		if strings.HasSuffix(unpacked, ending) {
			return ending
		}
	}
	index := slices.IndexFunc(otherEndings, func(ending string) bool { return strings.HasSuffix(unpacked, ending) })
	if index < 0 {
		return ""
	}
	return otherEndings[index] + name[len(unpacked):]
}

// findDelimiter returns what separates the fields of lists as rows, by the name of the output, or 0 for
// JSON Lines.
func findDelimiter(path string, explain bool) (byte, error) {
	ending := endingOf(path)
	delimiter := byte(',')
	switch ending {
	case "", ".jsonl", ".ndjson":
		return 0, nil
	case ".tsv":
		delimiter = '\t'
	case ".csv":
	default:
		hint := "write one of them; DuckDB and pandas read them"
		if ending == ".parquet" {
			hint = "python -m cli.predict writes Parquet"
		}
		return 0, &hinted{fmt.Sprintf("%s: expected a name that ends in .csv, .tsv or .jsonl "+
			"(or one of them and .gz), got %s", path, ending), hint}
	}
	if explain {
		return 0, &hinted{
			"explain: expected JSON Lines as output, got " + ending,
			"contributions are lists, which no column holds; --out lists.jsonl has them",
		}
	}
	return delimiter, nil
}
