package tables

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unsupported is the refusal of what only the commands in Python read, Parquet and the parts of a folder
// or a pattern, with a command that makes one file of it; nil for anything else.
func (in *Input) unsupported() error {
	path, got := strings.TrimRight(in.Path, "/"), "Parquet"
	part, target := path, path
	if info, err := os.Stat(in.Path); err == nil && info.IsDir() {
		got, part = "a folder", firstPart(in.Path)
		path += "/**/*" + filepath.Ext(strings.TrimSuffix(part, ".gz")) + part[len(strings.TrimSuffix(part, ".gz")):]
	} else if found, _ := filepath.Glob(in.Path); err != nil && len(found) > 0 {
		got, part, target = "a pattern", found[0], "joined"
	} else if !isParquet(in.Path) {
		return nil
	}
	target = strings.TrimSuffix(target, filepath.Ext(target))
	call := fmt.Sprintf("read_csv('%s', all_varchar=True)", path)
	switch {
	case isParquet(part):
		call = fmt.Sprintf("read_parquet('%s')", path)
	case !strings.Contains(strings.ToLower(part), ".csv") && !strings.Contains(strings.ToLower(part), ".tsv"):
		call = fmt.Sprintf("read_json('%s', format='newline_delimited')", path)
	}
	return &Error{
		Message: fmt.Sprintf("%s: expected one file of CSV or JSON Lines, got %s", in.Name(), got),
		Hint:    fmt.Sprintf(`python -c "import duckdb; duckdb.%s.write_csv('%s.csv')" makes one`, call, target),
	}
}

func isParquet(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".parquet") }

// firstPart returns the first file of a folder whose name begins with neither . nor _.
func firstPart(folder string) string {
	first := ""
	filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || first != "":
			return filepath.SkipAll
		case path != folder && strings.ContainsAny(entry.Name()[:1], "._"):
			if entry.IsDir() {
				return filepath.SkipDir
			}
		case !entry.IsDir():
			first = path
		}
		return nil
	})
	return first
}

// otherEncoding says how to convert a file that is not in UTF-8, by its first strange byte.
func otherEncoding(name string, strange byte) string {
	encoding := "latin1"
	if strange == 0 || strange >= 0xfe { // Latin-1 has thorn and ÿ there, byte order marks are more likely
		encoding = "utf-16"
	}
	return fmt.Sprintf("iconv -f %s -t utf-8 %s > converted%s makes it UTF-8, if it is in %s",
		encoding, name, filepath.Ext(name), encoding)
}
