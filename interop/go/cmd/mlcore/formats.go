package main

import (
	"fmt"
	"os"
	"path/filepath"
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

// anyEndingOf returns the ending of a name, known or not, perhaps with .gz, or nothing.
func anyEndingOf(path string) string {
	if ending := endingOf(path); ending != "" {
		return ending
	}
	name := strings.ToLower(filepath.Base(path))
	plain := strings.TrimSuffix(name, ".gz")
	dot := strings.LastIndexByte(plain, '.')
	if dot < 0 || dot == len(plain)-1 || strings.Trim(plain[:dot], ".") == "" {
		return ""
	}
	return name[dot:]
}

// isStream reports whether a path names no file, but a descriptor, a device or a pipe.
func isStream(path string) bool {
	info, err := os.Stat(path)
	return descriptorOf(path) >= 0 || (err == nil && !info.Mode().IsRegular() && !info.IsDir())
}

// findDelimiter returns what separates the fields of lists as rows, by the name of the output, or 0 for
// JSON Lines.
func findDelimiter(path string, explain bool) (byte, error) {
	ending := ""
	if !isStream(path) {
		ending = anyEndingOf(path)
	}
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
