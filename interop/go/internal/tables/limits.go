package tables

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// What is read has the limits of mlcore/limits.py.
const (
	maxLineBytes     = 1 << 26 // without the line feed
	maxDocumentBytes = 1 << 26 // of JSON that is read as a whole
	maxFieldRunes    = 1 << 24 // of a field of a row, or of a text of an object
	maxRowRunes      = 1 << 26 // of a row of CSV, whose fields may have line breaks in quotes
	maxColumns       = 1 << 14 // of a table
	maxLineDepth     = 500     // of arrays and objects in a line of JSON
)

// Hints are those of mlcore/files/inputs.py and mlcore/files/tables.py.
const (
	noLines = `a line has one row, list or history: tr '\r' '\n' < FILE > NEW, if carriage returns alone end ` +
		`lines; jq -c '.[]' FILE > NEW makes lines of a JSON array`
	unclosed     = "a quote that is never closed takes in the lines after it"
	columnOfEach = "where each item has a column, pandas.melt, or UNPIVOT in SQL, makes rows of columns"
)

func tooManyColumns(place string) error {
	fault := fmt.Sprintf("%s: columns: expected at most %d, got more", place, maxColumns)
	return &Error{Message: fault, Hint: columnOfEach}
}

// readLine returns the next line with its line feed; without one, the last line, and io.EOF.
func (l *lines) readLine() (string, error) {
	if end := strings.IndexByte(l.text, '\n') + 1; end > 0 {
		line := l.text[:end]
		l.text = l.text[end:]
		return line, nil
	}
	long := []byte(l.text) // what does not fit the buffer
	l.text = ""
	for {
		part, err := l.reader.ReadSlice('\n')
		if len(long)+len(bytes.TrimSuffix(part, []byte("\n"))) > maxLineBytes {
			fault := fmt.Sprintf("%s:%d: line: expected at most %d bytes, got more", l.name, l.number+1, maxLineBytes)
			return "", &Error{Message: fault, Hint: noLines}
		}
		if err != bufio.ErrBufferFull {
			return string(long) + string(part), err
		}
		long = append(long, part...)
	}
}

// ReadDocument returns a file that is read as a whole.
func ReadDocument(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", OSError(err, path, "a readable file")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxDocumentBytes+1))
	if err != nil {
		return "", OSError(err, path, "a readable file")
	}
	if len(data) > maxDocumentBytes {
		return "", faultf("%s: expected at most %d bytes, got more", path, maxDocumentBytes)
	}
	return string(data), nil
}
