package mlcore

import (
	"encoding/binary"
	"fmt"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

const npyMagic = "\x93NUMPY\x01\x00"

// npyPayload returns the elements of a member as bytes, or the reason why it is not the array that
// the manifest announces (section 6 of SPEC.md).
func npyPayload(member []byte, spec arraySpec, place string) ([]byte, error) {
	fault := func(name, expected, got string) ([]byte, error) {
		return nil, refuse(VerdictHeader, place, name, expected, got)
	}
	head := member[:min(len(member), maxHeaderBytes)]
	if len(head) < 10 || string(head[:8]) != npyMagic {
		return fault("", "the magic bytes of npy 1.0", show.Bytes(head[:min(len(head), 8)]))
	}
	size := 10 + int(binary.LittleEndian.Uint16(head[8:]))
	if size%64 != 0 || size > maxHeaderBytes {
		return fault("header size", fmt.Sprintf("a multiple of 64 up to %d", maxHeaderBytes), fmt.Sprint(size))
	}
	if len(head) < size {
		return fault("header", fmt.Sprintf("%d bytes", size), fmt.Sprint(len(head)))
	}
	// There is one text for each array, so it is made and compared; nothing has to be parsed.
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", spec.dtype, spec.length)
	if !isPadded(head[10:size], text) {
		return fault("header", show.Repr(text)+" and spaces up to a line feed",
			show.Cut(show.Bytes(head[10:size]), 100))
	}
	// spec.length is at most 2^53, so the product cannot overflow.
	if expected := spec.length * spec.elementBytes(); int64(len(member)-size) != expected {
		return fault("", fmt.Sprintf("%d bytes of data", expected), fmt.Sprint(len(member)-size))
	}
	return member[size:], nil
}

func isPadded(line []byte, text string) bool {
	last := len(line) - 1
	if last < len(text) || string(line[:len(text)]) != text || line[last] != '\n' {
		return false
	}
	for _, c := range line[len(text):last] {
		if c != ' ' {
			return false
		}
	}
	return true
}
