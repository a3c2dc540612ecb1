package tables

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

// Hints are those of Python's commands: mlcore/files/csv_hints.py, json_lines.py and values.py.
const (
	strayQuotes = "if quotes mean nothing in this file: tr -d '\"' < FILE > NEW"
	otherLayout = "--columns holds for every table of the command; if they differ, give each a header line: " +
		"sed '1i user_id,item_id' FILE > NEW"
	noSpaces = "spaces are part of a field: sed 's/ *, */,/g' FILE > NEW"
	noRow    = "leave rows without one out: awk -F, 'NR == 1 || $3 + 0 > 0' FILE > NEW, if it is the third " +
		"field; WHERE weight > 0 in SQL; jq -c 'select(.weight > 0)' for JSON Lines"
	noQuotes   = "a number has no quotes: jq -c '.weight |= tonumber' FILE > NEW"
	noTime     = "each row has a time, or none: leave out those without one, or the column"
	noDecimals = "cut the decimals: .astype('int64') in pandas, CAST(... AS BIGINT) in SQL"
	otherTimes = "2026-03-01T09:00:00Z and 2026-03-01 09:00:00+01 are read; pandas.to_datetime and strptime of " +
		"DuckDB make such times of others"
	noNumber = `ids are strings: sed -E 's/"(user_id|item_id)": *([0-9]+)/"\1": "\2"/g' FILE > NEW puts them in quotes`
)

var (
	// numberText is what hardly is the name of a column.
	numberText = regexp.MustCompile(`^[+-]?[0-9]+(?:\.[0-9]*)?$`)
	otherMark  = regexp.MustCompile(`[A-Za-z0-9]( +|[\x01-\x08\x0e-\x1f^~#*!%$=])[A-Za-z0-9]`)
	emptyWords = []string{"", "nan", "nat", "null", "none", "na", `\n`}
)

func isEmptyWord(text string) bool { return slices.Contains(emptyWords, strings.ToLower(text)) }

// hintAtHeader says what helps with a header that lacks a column.
func hintAtHeader(in *Input, column csvColumn, header []string) string {
	likely := likelyColumn(column.hint, column.name, header)
	switch {
	case in.FieldNames != nil:
		return otherLayout
	case len(header) == 0:
		return "sed 1d FILE > NEW removes the first line, which is empty"
	case strings.HasPrefix(header[0], "#") && len(header) == 1:
		return "sed 1d FILE > NEW removes the comment from the first line"
	case strings.HasPrefix(header[0], "#"):
		return "sed '1s/^# *//' FILE > NEW removes the comment from the first line"
	case len(header) == 1 && likely == column.hint && hintAtMark(in, header[0]) != "":
		return hintAtMark(in, header[0])
	case slices.ContainsFunc(header, numberText.MatchString):
		names := column.name
		if len(header) > 1 {
			usual := []string{"user_id", "item_id", "weight", "timestamp"}
			names = strings.Join(usual[:min(len(header), 4)], ",") + strings.Repeat(",", max(len(header)-4, 0))
		}
		return "if this line is data: --no-header --columns " + names + " says what its fields are"
	}
	return likely
}

// hintAtWidth says what helps with a row that has another number of fields than the header.
func hintAtWidth(in *Input, record []string, width int, delimiter string) string {
	switch {
	case len(record) == 1 && hintAtMark(in, record[0]) != "":
		return hintAtMark(in, record[0])
	case in.FieldNames != nil:
		return otherLayout
	case len(record) == width+1 && record[width] == "":
		if delimiter == "\t" {
			delimiter = `\t`
		}
		return "sed '2,$s/" + delimiter + "$//' FILE > NEW removes the delimiters at the ends of lines"
	case len(record) > width && len(delimiter) == 1:
		return "a field that holds a delimiter stands in quotes"
	}
	return ""
}

// hintAtMark says what helps with a line that is one field, if it seems to be several.
func hintAtMark(in *Input, line string) string {
	for _, known := range delimiters {
		if !strings.Contains(line, known.mark) {
			continue
		}
		if in.Delimiter != "" {
			return "another --delimiter than the one named, or none, may be right"
		}
		return strayQuotes
	}
	found := otherMark.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	mark := found[1]
	if mark[0] == ' ' {
		return "if spaces separate the fields: tr -s ' ' , < FILE > NEW"
	}
	if mark < " " {
		mark = fmt.Sprintf(`\%03o`, mark[0])
	}
	return fmt.Sprintf("if %s separates the fields: tr '%s' , < FILE > NEW", mark, mark)
}

// hintAtLines says what makes JSON Lines of what other programs write.
func hintAtLines(line, fault string) string {
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "["):
		return "a line holds one object: jq -c '.[]' FILE > NEW makes lines of an array"
	case line == "{" || strings.Contains(fault, "extra data"):
		return "a line holds one object: jq -c . FILE > NEW makes lines of objects"
	case strings.HasPrefix(line, "{'"):
		return "strings stand in double quotes: python -c 'import ast, json, sys; " +
			"[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]' < FILE > NEW"
	case strings.Contains(fault, "which is not JSON"):
		return `sed -E 's/-?(NaN|Infinity)\b/null/g' FILE > NEW, unless texts have these words`
	}
	return ""
}

// hintAtNumber says what makes strings of ids in JSON, if one is a number.
func hintAtNumber(value *jsontext.Value) string {
	if value != nil && value.Kind == jsontext.Number {
		return noNumber
	}
	return ""
}

func hintAtWeight(text string) string {
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case text != strings.Trim(text, " "):
		return noSpaces
	case decimalComma.MatchString(text):
		return "write decimal points, not commas; where commas are nothing else: sed 's/,/./g' FILE > NEW"
	case isEmptyWord(text) || (decimalNumber.MatchString(text) && err == nil && number <= 0):
		return noRow
	}
	return ""
}

// hintAtTime says what helps with a text that is no time.
func hintAtTime(text string) string {
	switch {
	case text != strings.Trim(text, " "):
		return noSpaces
	case isEmptyWord(text):
		return noTime
	case decimalNumber.MatchString(text) && strings.ContainsAny(text, ".eE+-"):
		if number, err := strconv.ParseFloat(text, 64); err == nil || number == 0 {
			return noDecimals
		}
	case isZoneless(text):
		return "a time without a zone does not say which moment it is; write one, as in 2026-03-01T09:00:00Z"
	}
	return otherTimes
}
