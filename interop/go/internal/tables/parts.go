package tables

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"sync"
)

// A table is read by several goroutines in parts of whole rows. Whatever the parts, rows, faults and the
// lines that these name are those of one reader.

const (
	partBytes    = 1 << 18
	maxPartBytes = 1 << 24 // where rows are longer, one goroutine reads the rest
)

// rowTaker is what one goroutine does with rows. Its parts come in order, but not all of them.
type rowTaker struct {
	columns []csvColumn // in the order of those of the table
	endRow  func()
	endPart func(number int) // after the rows of a part
}

// part is a piece of a table that ends with a row.
type part struct {
	number int
	reader *csvReader
}

// readParts gives all rows to takers, and reports whether there were any. Parts have about size bytes.
func (t *table) readParts(size int, takers []rowTaker) (found bool, err error) {
	var (
		work   = make(chan part)
		failed = make(chan struct{})
		group  sync.WaitGroup
		guard  sync.Mutex
		first  int // the part whose fault err is
	)
	for _, taker := range takers {
		group.Add(1)
		go func() {
			defer group.Done()
			for part := range work {
				anyRows, fault := t.read(part.reader, taker.columns, taker.endRow)
				taker.endPart(part.number)
				guard.Lock()
				found = found || anyRows
				if fault != nil && err == nil {
					close(failed)
				}
				if fault != nil && (err == nil || part.number < first) {
					err, first = fault, part.number
				}
				guard.Unlock()
			}
		}()
	}
	t.split(size, func(part part) bool {
		select {
		case work <- part:
			return true
		case <-failed: // in this part or one before, so those to come do not matter
			return false
		}
	})
	close(work)
	group.Wait()
	return found, err
}

// split gives the table to a function part by part, as long as that returns true.
func (t *table) split(size int, give func(part) bool) {
	buffer := make([]byte, size)
	// What the reader of the header has left is text already.
	kept, line, number := copyGrown(&buffer, t.reader.line), t.reader.line, t.reader.number
	lineNumber := t.source.number
	for index := 0; ; {
		read, err := io.ReadFull(t.source.reader, buffer[kept:])
		text, end := buffer[:kept+read], 0
		if err == nil {
			if end = rowsEnd(text, t.reader.delimiter); end == 0 && len(buffer) < maxPartBytes {
				kept = copyGrown(&buffer, string(text))
				continue
			}
		}
		rest := emptyReader()
		switch {
		case end > 0:
			text = text[:end]
		case err == nil:
			rest = t.source.reader
		case err != io.EOF && err != io.ErrUnexpectedEOF:
			rest = bufio.NewReader(failingReader{err})
		}
		// Not next of line: what was read once is neither counted nor checked again.
		after := string(text[len(line):])
		own := &lines{name: t.source.name, text: after, reader: rest, number: lineNumber}
		reader := &csvReader{lines: own, delimiter: t.reader.delimiter, line: line, number: number}
		if !give(part{index, reader}) || end == 0 {
			return
		}
		lineNumber += strings.Count(after, "\n")
		number += countLineBreaks(line) + countLineBreaks(after)
		index, line = index+1, ""
		kept = copy(buffer, buffer[end:kept+read])
	}
}

// copyGrown puts text at the start of a buffer, which it makes larger if the text leaves less than half of it.
func copyGrown(buffer *[]byte, text string) int {
	if 2*len(text) > len(*buffer) {
		*buffer = make([]byte, 2*len(text))
	}
	return copy(*buffer, text)
}

// rowsEnd returns where the last row ends whose end is there for certain, or 0. After a fault, which the
// reader of the row will find, it may be anywhere.
func rowsEnd(text []byte, delimiter string) (end int) {
	if len(delimiter) > 1 || bytes.IndexByte(text, '"') < 0 { // else there are no quotes
		return bytes.LastIndexByte(text, '\n') + 1
	}
	for place := 0; place < len(text); place++ { // at the start of a field
		for text[place] == '"' { // twice within a field, it is a character of it
			closing := bytes.IndexByte(text[place+1:], '"')
			if place += closing + 2; closing < 0 || place == len(text) {
				return end
			}
		}
		length := bytes.IndexAny(text[place:], delimiter+"\r\n")
		if length < 0 {
			return end
		}
		if place += length; text[place] == '\n' {
			end = place + 1
		}
	}
	return end
}

// failingReader gives an error that another reader gave.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func emptyReader() *bufio.Reader { return bufio.NewReaderSize(failingReader{io.EOF}, 16) }
