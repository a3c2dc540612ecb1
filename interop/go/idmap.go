package mlcore

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

const idMapHeader = "index,id\n"

// idMap is items.csv or users.csv. It is parsed, and so checked, when first asked for; kept are the
// bytes of the file and four bytes for each id, not a string or a hash table.
type idMap struct {
	data  []byte
	place string
	count int

	longest int // of the fields, in bytes, once parsed

	once     sync.Once
	err      error
	starts   []uint32 // where the field of each id begins, if the file is that small
	farStart []uint64 // the same for larger files
}

// fill makes a map of ids that come from no file of the model.
func (m *idMap) fill(place string, ids []string) error {
	m.place, m.count, m.data = place, len(ids), []byte(idMapHeader)
	for index, id := range slices.Sorted(slices.Values(ids)) {
		if strings.ContainsAny(id, `,"`) {
			id = `"` + strings.ReplaceAll(id, `"`, `""`) + `"`
		}
		m.data = append(strconv.AppendInt(m.data, int64(index), 10), ',')
		m.data = append(append(m.data, id...), '\n')
	}
	return m.parse()
}

// parse checks the whole file once (section 8 of SPEC.md).
func (m *idMap) parse() error {
	m.once.Do(func() {
		// Stays if reading the mapped file faults half-way; see Model.catchFault.
		m.err = refuse(VerdictIO, m.place, "", "a file that stays as it was opened", "a truncated one")
		m.err = m.parseAll()
	})
	return m.err
}

func (m *idMap) fault(line int, name, expected, got string) error {
	return refuse(VerdictIDMap, fmt.Sprintf("%s:%d", m.place, line), name, expected, got)
}

func (m *idMap) parseAll() error {
	if !bytes.HasPrefix(m.data, []byte(idMapHeader)) {
		line, _, _ := bytes.Cut(m.data, []byte("\n"))
		return m.fault(1, "", "the header 'index,id'", showBytes(line))
	}
	if m.data[len(m.data)-1] != '\n' {
		return refuse(VerdictIDMap, m.place, "", "a line break at the end", "none")
	}
	// A line has at least four bytes: nothing is allocated by a count the file cannot hold.
	if m.count > (len(m.data)-len(idMapHeader))/4 {
		return m.wrongCount()
	}
	if uint64(len(m.data)) <= math.MaxUint32 {
		m.starts = make([]uint32, m.count)
	} else {
		m.farStart = make([]uint64, m.count)
	}
	return m.parseLines()
}

func (m *idMap) wrongCount() error {
	return refuse(VerdictIDMap, m.place, "", fmt.Sprintf("%d ids as in the manifest", m.count),
		fmt.Sprint(bytes.Count(m.data, []byte("\n"))-1))
}

func (m *idMap) parseLines() error {
	offset := len(idMapHeader)
	var prefixRoom [16]byte
	var previous []byte
	for index := 0; index < m.count; index++ {
		length := bytes.IndexByte(m.data[offset:], '\n')
		if length < 0 {
			return m.wrongCount()
		}
		line := m.data[offset : offset+length]
		prefix := append(strconv.AppendInt(prefixRoom[:0], int64(index), 10), ',')
		if !bytes.HasPrefix(line, prefix) {
			return m.fault(index+2, "", fmt.Sprintf("the index %d", index), showBytes(line))
		}
		field := line[len(prefix):]
		if expected, got := fieldFault(field); expected != "" {
			return m.fault(index+2, "id", expected, got)
		}
		if index > 0 && !fieldLess(previous, field) {
			return m.fault(index+2, "", "an id after "+showBytes(fieldID(previous))+
				" in UTF-8 byte order", showBytes(fieldID(field)))
		}
		m.longest = max(m.longest, len(field))
		if m.starts != nil {
			m.starts[index] = uint32(offset + len(prefix))
		} else {
			m.farStart[index] = uint64(offset + len(prefix))
		}
		previous = field
		offset += length + 1
	}
	if offset != len(m.data) {
		return m.wrongCount()
	}
	return nil
}

// fieldFault returns what is wrong with an id as it stands in the file, or "".
func fieldFault(field []byte) (expected, got string) {
	var seen byte // the highest bit stays if any byte is not ASCII
	special, forbidden := false, false
	for _, c := range field {
		seen |= c
		special = special || c == ',' || c == '"'
		forbidden = forbidden || c == 0 || c == '\r'
	}
	id := field
	if special {
		if !isQuoted(field) {
			return "quotes around, and doubled within, an id with a comma or a quote", showBytes(field)
		}
		id = fieldID(field)
	}
	switch {
	case len(id) == 0:
		return "an id of at least one character", "an empty one"
	case forbidden:
		return "no NUL and no line break", showBytes(id)
	case len(id) > maxIDBytes:
		return fmt.Sprintf("at most %d bytes", maxIDBytes), fmt.Sprint(len(id))
	case seen >= utf8.RuneSelf && !utf8.Valid(id):
		return "UTF-8", showBytes(id)
	}
	return "", ""
}

// isQuoted reports whether a field is in quotes, has its inner quotes doubled, and needs it.
func isQuoted(field []byte) bool {
	last := len(field) - 1
	if last < 1 || field[0] != '"' || field[last] != '"' {
		return false
	}
	needed := false
	for index := 1; index < last; index++ {
		switch field[index] {
		case ',':
			needed = true
		case '"':
			needed = true
			index++
			if index == last || field[index] != '"' {
				return false
			}
		}
	}
	return needed
}

// fieldID returns the id of a valid field; an unquoted one is not copied.
func fieldID(field []byte) []byte {
	if len(field) == 0 || field[0] != '"' {
		return field
	}
	return appendUnquoted(nil, field)
}

func appendUnquoted(dst, field []byte) []byte {
	for index := 1; index < len(field)-1; index++ {
		dst = append(dst, field[index])
		if field[index] == '"' {
			index++
		}
	}
	return dst
}

// fieldLess compares the ids of two valid fields in the order of their bytes.
func fieldLess(a, b []byte) bool {
	if a[0] != '"' && b[0] != '"' {
		return bytes.Compare(a, b) < 0
	}
	return bytes.Compare(fieldID(a), fieldID(b)) < 0
}

// field returns an id as it stands in the parsed file.
func (m *idMap) field(index int) []byte {
	begin := m.start(index)
	if index+1 == m.count {
		return m.data[begin : len(m.data)-1]
	}
	// Before the next field stand a line feed, its index and a comma.
	return m.data[begin : m.start(index+1)-uint64(decimalDigits(index+1))-2]
}

func (m *idMap) start(index int) uint64 {
	if m.starts != nil {
		return uint64(m.starts[index])
	}
	return m.farStart[index]
}

func decimalDigits(value int) int {
	digits := 1
	for power := uint64(10); uint64(value) >= power; power *= 10 {
		digits++
	}
	return digits
}

// sizeOf returns the bytes that so many ids of the parsed file have at most.
func (m *idMap) sizeOf(ids int) int64 { return min(int64(ids)*int64(m.longest), int64(len(m.data))) }

// appendID appends an id of the parsed file.
func (m *idMap) appendID(dst []byte, index int) []byte {
	field := m.field(index)
	if field[0] != '"' {
		return append(dst, field...)
	}
	return appendUnquoted(dst, field)
}

// position returns where an id stands in the parsed file, or -1.
func (m *idMap) position(id string) int {
	low, high := 0, m.count
	for low < high {
		middle := int(uint(low+high) >> 1)
		if m.isBefore(middle, id) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == m.count || !m.isEqual(low, id) {
		return -1
	}
	return low
}

// positions appends the positions of known ids, ascending, each once.
func (m *idMap) positions(dst []int32, ids []string) []int32 {
	for _, id := range ids {
		if position := m.position(id); position >= 0 {
			dst = append(dst, int32(position))
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

func (m *idMap) isBefore(index int, id string) bool {
	field := m.field(index)
	if field[0] != '"' {
		return string(field) < id // does not copy
	}
	return compareQuoted(field, id) < 0
}

func (m *idMap) isEqual(index int, id string) bool {
	field := m.field(index)
	if field[0] != '"' {
		return string(field) == id
	}
	return compareQuoted(field, id) == 0
}

// compareQuoted compares the id of a quoted field, without decoding all of it.
func compareQuoted(field []byte, id string) int {
	position := 0
	for index := 1; index < len(field)-1; index++ {
		if position == len(id) {
			return 1
		}
		if c := field[index]; c != id[position] {
			return int(c) - int(id[position])
		}
		if field[index] == '"' {
			index++
		}
		position++
	}
	return position - len(id)
}

func showBytes(data []byte) string {
	return show.String(string(data[:min(len(data), 4*show.Limit+4)]))
}
