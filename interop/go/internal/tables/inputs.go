// Package tables reads the input files of the commands: CSV and JSON Lines, plain or gzip, by the
// same rules and with the same messages as the Python commands.
package tables

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Error is a fault of an input file. Its text is "<place>: <name>: expected <rule>, got <value>".
type Error struct {
	Message string
	Hint    string // what may help, or empty
	Err     error  // of the operating system, or nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the error of the operating system, or nil.
func (e *Error) Unwrap() error { return e.Err }

func faultf(format string, values ...any) error {
	return &Error{Message: fmt.Sprintf(format, values...)}
}

// Input says which file to read, and how.
type Input struct {
	Path       string            // or "-" for Stdin
	Format     string            // "csv" or "jsonl" where the name does not tell, or ""
	Columns    Columns           // what the file calls them
	Delimiter  string            // of CSV; empty to go by the first line
	FieldNames []string          // of CSV without a header line, in the order of its fields
	Stdin      io.Reader         // read for "-"
	Note       func(text string) // told what the owner of the file should know, though it is read all the same
	OnNames    func([]string)    // told the names of all columns, or the keys of the first object; or nil
}

// Columns are the names of columns in a file; an empty one is the default name.
type Columns struct{ User, Item, Weight, Timestamp string }

func (c Columns) user() string { return cmp.Or(c.User, "user_id") }
func (c Columns) item() string { return cmp.Or(c.Item, "item_id") }

// optional returns a column that may be absent if it is called by its default name.
func optional(given, usual string, take func(string) error) csvColumn {
	name := cmp.Or(given, usual)
	return csvColumn{name: name, required: name != usual, take: take}
}

func (in *Input) note(text string) {
	if in.Note != nil {
		in.Note(text)
	}
}

func (in *Input) tellNames(names []string) {
	if in.OnNames != nil {
		in.OnNames(names)
	}
}

// Name is how messages call the file.
func (in *Input) Name() string {
	if in.Path == "-" {
		return "standard input"
	}
	return in.Path
}

// IsCSV reports whether the file is CSV; else it is JSON Lines.
func (in *Input) IsCSV() (bool, error) {
	name := strings.TrimSuffix(strings.ToLower(in.Path), ".gz")
	if err := in.unsupported(); err != nil {
		return false, err
	}
	switch {
	case strings.HasSuffix(name, ".csv"), strings.HasSuffix(name, ".tsv"):
		return true, nil
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		return false, nil
	case in.Format != "":
		return in.Format == "csv", nil
	}
	if _, err := os.Stat(in.Path); err != nil && in.Path != "-" {
		return false, OSError(err, in.Name(), "a readable file")
	}
	hint := cmp.Or(otherEndings[filepath.Ext(name)], "--format csv or --format jsonl says what it is")
	return false, &Error{
		Message: in.Name() + ": expected a name that ends in .csv or .jsonl (or either and .gz), got another",
		Hint:    hint,
	}
}

// lines gives the lines of a file, each with its line break.
type lines struct {
	name   string
	text   string // comes before what the reader has
	reader *bufio.Reader
	closer io.Closer
	number int // of the line given last
	note   func(text string)
}

const (
	isParquetHint = "a name that ends in .parquet says so"
	saveHint      = "save the spreadsheet as CSV"
	convertHint   = "write it as .csv or .parquet with what wrote it, such as pandas"
)

// otherEndings say what helps with files of other names; else --format does.
var otherEndings = map[string]string{
	".zip":     "unzip -p FILE > NEW unpacks it; save a spreadsheet as CSV",
	".bz2":     "bunzip2 -c FILE > NEW unpacks it",
	".xz":      "xz -dc FILE > NEW unpacks it",
	".zst":     "zstd -dc FILE > NEW unpacks it",
	".parquet": "gunzip -c FILE > NEW unpacks it", // and .gz
	".pq":      isParquetHint, ".parq": isParquetHint,
	".json": "--format jsonl if each line is an object; jq -c '.[]' FILE > NEW makes lines of an array",
	".xls":  saveHint, ".xlsx": saveHint, ".ods": saveHint,
	".feather": convertHint, ".arrow": convertHint, ".avro": convertHint, ".orc": convertHint, ".pkl": convertHint,
	".npy": convertHint, ".npz": convertHint, ".db": convertHint, ".duckdb": convertHint, ".sqlite": convertHint,
}

// otherFormats are told by their first bytes.
var otherFormats = []struct{ magic, name, cure string }{
	{"PK\x03\x04", "a zip archive", "unzip -p FILE > NEW unpacks it; save a spreadsheet as CSV"},
	{"BZh", "bzip2", "bunzip2 -c FILE > NEW unpacks it"},
	{"\xfd7zXZ", "xz", "xz -dc FILE > NEW unpacks it"},
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc FILE > NEW unpacks it"},
	{"PAR1", "Parquet", isParquetHint},
}

func openLines(in *Input) (*lines, error) {
	l := &lines{name: in.Name(), closer: io.NopCloser(nil), note: in.note}
	raw := in.Stdin
	if in.Path != "-" {
		file, err := os.Open(in.Path)
		if err != nil {
			return nil, OSError(err, l.name, "a readable file")
		}
		raw, l.closer = file, file
	}
	l.reader = bufio.NewReaderSize(raw, 1<<16)
	head, _ := l.reader.Peek(8)
	for _, other := range otherFormats {
		if strings.HasPrefix(string(head), other.magic) {
			l.close()
			return nil, &Error{Message: l.name + ": expected text, plain or gzip, got " + other.name, Hint: other.cure}
		}
	}
	if strings.HasPrefix(string(head), "\x1f\x8b") {
		unpacked, err := gzip.NewReader(l.reader)
		if err != nil {
			l.close()
			return nil, l.readError(err, true)
		}
		unpacked.Multistream(false)
		l.reader = bufio.NewReaderSize(&gzipReader{unpacked, l.reader, l}, 1<<16)
	}
	return l, nil
}

func (l *lines) close() { l.closer.Close() }

// next returns the next line, which stays valid; io.EOF after the last one.
func (l *lines) next() (string, error) {
	line, err := l.nextUnchecked()
	if err != nil {
		return "", err
	}
	return line, l.checkText(line)
}

// nextUnchecked leaves checkText to whoever takes the line.
func (l *lines) nextUnchecked() (string, error) {
	line, err := l.readLine()
	if err != nil && err != io.EOF {
		return "", l.readError(err, false)
	}
	if line == "" {
		return "", io.EOF
	}
	l.number++
	if l.number == 1 && strings.HasPrefix(line, "\ufeff") {
		line = strings.TrimPrefix(line, "\ufeff")
		l.note(l.name + ":1: skipped a byte order mark")
		if line == "" {
			return "", io.EOF
		}
	}
	return line, nil
}

func (l *lines) checkText(line string) error {
	wrong, nul := wrongByte(line), strings.IndexByte(line, 0)
	switch {
	case wrong >= 0 && (nul < 0 || wrong < nul):
		return &Error{
			Message: fmt.Sprintf("%s:%d: expected UTF-8, got the byte 0x%02x", l.name, l.number, line[wrong]),
			Hint:    otherEncoding(l.name, line[wrong]),
		}
	case nul >= 0:
		return &Error{
			Message: fmt.Sprintf("%s:%d: expected text, got a NUL character", l.name, l.number),
			Hint:    otherEncoding(l.name, 0),
		}
	}
	return nil
}

// wrongByte returns where the first byte stands that is no UTF-8, or -1.
func wrongByte(line string) int {
	if utf8.ValidString(line) {
		return -1
	}
	for offset, char := range line {
		if char != utf8.RuneError {
			continue
		}
		// U+FFFD itself is a character like any other, of three bytes.
		if _, size := utf8.DecodeRuneInString(line[offset:]); size == 1 {
			return offset
		}
	}
	return -1
}

// gzipReader tells a damaged file from one that cannot be read. Zeros after a member are padding, as
// tapes and copies by blocks leave it.
type gzipReader struct {
	*gzip.Reader
	packed *bufio.Reader
	lines  *lines
}

func (r *gzipReader) Read(buffer []byte) (int, error) {
	count, err := r.Reader.Read(buffer)
	if err == io.EOF && count == 0 {
		if err = r.nextMember(); err == nil {
			return 0, nil
		}
	} else if err == io.EOF {
		err = nil
	}
	if err != nil && err != io.EOF {
		err = r.lines.readError(err, true)
	}
	return count, err
}

// nextMember begins the next member; io.EOF after the last one.
func (r *gzipReader) nextMember() error {
	for {
		next, err := r.packed.Peek(2)
		if len(next) == 0 {
			return err
		}
		if next[0] != 0 {
			if string(next) != "\x1f\x8b" {
				return gzip.ErrHeader
			}
			break
		}
		r.packed.Discard(1)
	}
	if err := r.Reader.Reset(r.packed); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	r.Reader.Multistream(false)
	return nil
}

func (l *lines) readError(err error, isGzip bool) error {
	var known *Error
	var number syscall.Errno
	switch {
	case errors.As(err, &known):
		return err
	case isGzip && !errors.As(err, &number):
		got := "a damaged one"
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			got = "one that ends too early"
		}
		return faultf("%s: expected a whole gzip file, got %s", l.name, got)
	}
	return OSError(err, l.name, "a readable file")
}

// OSError is the one-line error for a path that the operating system refused.
func OSError(err error, place, expected string) error {
	reason, hint := err.Error(), ""
	var number syscall.Errno
	var pathError *os.PathError
	if errors.As(err, &number) {
		reason = number.Error()
		reason = strings.ToUpper(reason[:1]) + reason[1:]
		if number == syscall.ENOENT {
			hint = hintAtMissing(place, expected)
		} else if number == syscall.EISDIR {
			hint = "name a file in it"
		}
	} else if errors.As(err, &pathError) {
		reason = pathError.Err.Error()
	}
	return &Error{fmt.Sprintf("%s: expected %s, got '%s'", place, expected, reason), hint, err}
}

// hintAtMissing says what may be wrong with a path that leads nowhere.
func hintAtMissing(path, expected string) string {
	folder, _ := filepath.Split(path)
	folder = strings.TrimRight(folder, "/")
	_, err := os.Stat(folder)
	switch {
	case strings.Contains(path, "://"):
		return "only files of this machine are read and written: copy it, or mount what it is in"
	case strings.HasPrefix(path, "~"):
		return "~ is a folder only where the shell replaces it, which is at the start of a word: $HOME"
	case folder != "" && err != nil && strings.Contains(expected, "to write"):
		return "there is no folder " + folder + ": mkdir -p " + folder
	case folder != "" && err != nil:
		return "there is no folder " + folder
	case strings.ContainsAny(path, "*?["):
		return "no file matches the pattern"
	}
	return ""
}

// isBlank reports whether a line is empty after Python's str.strip.
func isBlank(line string) bool {
	return strings.TrimFunc(line, func(char rune) bool {
		return unicode.IsSpace(char) || ('\x1c' <= char && char <= '\x1f')
	}) == ""
}
