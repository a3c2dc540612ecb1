package tables

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// delimiters are tried in this order; their names are those of messages.
var delimiters = []struct{ mark, name string }{
	{",", "commas"}, {"\t", "tabs"}, {";", "semicolons"}, {"|", "pipes"}, {"::", "::"},
}

// ParseDelimiter returns a delimiter of CSV; tab and \t are a tab.
func ParseDelimiter(text string) (string, error) {
	if text == "tab" || text == `\t` {
		text = "\t"
	}
	for _, known := range delimiters {
		if text == known.mark {
			return text, nil
		}
	}
	return "", fmt.Errorf("expected one of , ; | :: or tab, got %s", show.String(text))
}

// declaredDelimiter is what Excel writes before the header.
var declaredDelimiter = regexp.MustCompile(`^"?(?i:sep)=(,|\t|;|\||::)"?$`)

// openCSV returns a reader that knows the delimiter: the one given, or that of a line such as sep=; or of
// the first line.
func openCSV(source *lines, in *Input, required []string) (*csvReader, error) {
	r := &csvReader{lines: source, delimiter: cmp.Or(in.Delimiter, ",")}
	err := r.readLine()
	if err == io.EOF {
		return r, nil // next says so, too
	}
	if err != nil {
		return nil, err
	}
	head, rest := r.line, ""
	if end := strings.IndexAny(r.line, "\r\n"); end >= 0 {
		head = r.line[:end]
		rest, _ = cutLineBreak(r.line[end:])
	}
	if found := declaredDelimiter.FindStringSubmatch(head); found != nil {
		r.delimiter, r.line = cmp.Or(in.Delimiter, found[1]), rest
		r.number++
		return r, nil
	}
	if in.Delimiter != "" {
		return r, nil
	}
	r.delimiter = guessDelimiter(head, func(fields []string) bool {
		if in.FieldNames != nil {
			return len(fields) == len(in.FieldNames)
		}
		return containsAll(fields, required)
	})
	isTSV := strings.HasSuffix(strings.TrimSuffix(strings.ToLower(source.name), ".gz"), ".tsv")
	for _, known := range delimiters {
		isExpected := known.mark == "," && !isTSV || known.mark == "\t" && isTSV
		if known.mark == r.delimiter && !isExpected {
			source.note(source.name + ":1: took " + known.name + " to separate the fields; --delimiter names another")
		}
	}
	return r, nil
}

// guessDelimiter returns the first delimiter with which the line has the columns; else that of most
// fields. A line with commas but without the columns is one of commas.
func guessDelimiter(line string, hasColumns func(fields []string) bool) string {
	best, most := ",", 0
	if strings.Count(line, `"`)%2 == 1 { // it goes on within quotes
		return best
	}
	for _, known := range delimiters {
		if !strings.Contains(line, known.mark) {
			continue
		}
		fields := splitLine(line, known.mark)
		if hasColumns(fields) {
			return known.mark
		}
		if len(fields) > most {
			best, most = known.mark, len(fields)
		}
	}
	if strings.Contains(line, ",") {
		return ","
	}
	return best
}

func splitLine(line, delimiter string) []string {
	empty := &lines{reader: bufio.NewReader(strings.NewReader(""))}
	fields, _, err := (&csvReader{lines: empty, delimiter: delimiter, line: line}).next()
	if err != nil {
		return nil
	}
	return fields
}

func containsAll(fields, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool { return !slices.Contains(fields, name) })
}
