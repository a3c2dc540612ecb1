package mlcore

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// csrMatrix is compressed sparse rows. After readCSR every row lies within the arrays; the column
// indices have not been looked at.
type csrMatrix struct {
	indptr  []int64
	indices []int32
	data    []float32
}

// row returns the column indices and values of a row that exists.
func (c *csrMatrix) row(index int32) ([]int32, []float32) {
	begin, end := c.indptr[index], c.indptr[index+1]
	return c.indices[begin:end], c.data[begin:end]
}

// readCSR returns the matrix of an archive, with the rules checked that belong to opening.
func readCSR(archive []byte, specs []arraySpec, place string) (csrMatrix, error) {
	arrays, err := readArrays(archive, specs, place)
	if err != nil {
		return csrMatrix{}, err
	}
	matrix := csrMatrix{
		indptr:  elements(arrays[0], int64At),
		indices: elements(arrays[1], int32At),
		data:    elements(arrays[2], float32At),
	}
	return matrix, checkOffsets(matrix.indptr, int64(len(matrix.indices)), place+": indptr.npy")
}

func checkOffsets(indptr []int64, entries int64, place string) error {
	if first, last := indptr[0], indptr[len(indptr)-1]; first != 0 || last != entries {
		return refuse(VerdictCSR, place, "", fmt.Sprintf("offsets from 0 to %d", entries),
			fmt.Sprintf("%d to %d", first, last))
	}
	previous := int64(0)
	for row, offset := range indptr {
		if offset < previous {
			return refuse(VerdictCSR, place, fmt.Sprintf("element %d", row),
				"an offset that does not decrease", fmt.Sprint(offset))
		}
		previous = offset
	}
	return nil
}

// littleEndian says whether this machine stores numbers as the files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// elements returns bytes as the numbers they hold: in place where the machine can read them there,
// else decoded one by one.
func elements[T int32 | int64 | float32 | float64](data []byte, at func([]byte) T) []T {
	size := int(unsafe.Sizeof(*new(T)))
	count := len(data) / size
	if count == 0 {
		return nil
	}
	first := unsafe.Pointer(unsafe.SliceData(data))
	if littleEndian && uintptr(first)%unsafe.Alignof(*new(T)) == 0 {
		return unsafe.Slice((*T)(first), count)
	}
	return decodeElements(data, size, at)
}

func decodeElements[T int32 | int64 | float32 | float64](data []byte, size int, at func([]byte) T) []T {
	decoded := make([]T, len(data)/size)
	for index := range decoded {
		decoded[index] = at(data[index*size:])
	}
	return decoded
}

func int64At(data []byte) int64     { return int64(binary.LittleEndian.Uint64(data)) }
func int32At(data []byte) int32     { return int32(binary.LittleEndian.Uint32(data)) }
func float32At(data []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(data)) }
func float64At(data []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(data)) }
