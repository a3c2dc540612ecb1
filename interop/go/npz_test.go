package mlcore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestHeadersOfAMemberAreTheseBytes(t *testing.T) {
	m := npzMember{name: "data.npy", offset: 2, crc: 0x04030201, size: 0x1122}
	local := "504b0304" + "1400" + "0000" + "0000" + "0000" + "2100" + "01020304" + "22110000" + "22110000" +
		"0800" + "1800" + hex.EncodeToString([]byte("data.npy")) + "35d9" + "1400" + "4000" + // Z is 18
		"000000000000000000000000000000000000"
	if found := hex.EncodeToString(m.appendLocalHeader(nil)); found != local {
		t.Errorf("expected %s, got %s", local, found)
	}
	central := "504b0102" + "1403" + "1400" + "0000" + "0000" + "0000" + "2100" + "01020304" + "22110000" + "22110000" +
		"0800" + "0000" + "0000" + "0000" + "0000" + "0000a481" + "02000000" + hex.EncodeToString([]byte("data.npy"))
	if found := hex.EncodeToString(m.appendCentralHeader(nil)); found != central {
		t.Errorf("expected %s, got %s", central, found)
	}
}

func TestZip64FieldsBeginAtTheLimit(t *testing.T) {
	const most = 1<<32 - 2
	for _, c := range []struct{ size, offset, local, central uint64 }{
		{most, most, 0, 0},
		{most + 1, most, 20, 20},
		{most, most + 1, 0, 12},
		{most + 1, most + 1, 20, 28},
	} {
		m := npzMember{name: "data.npy", offset: c.offset, size: c.size}
		local, central := m.appendLocalHeader(nil), m.appendCentralHeader(nil)
		if (c.offset+uint64(len(local)))%64 != 0 {
			t.Errorf("%+v: the data are not aligned", c)
		}
		extra := local[30+8:]
		if hasField := binary.LittleEndian.Uint16(extra) == 1; hasField != (c.local > 0) {
			t.Errorf("%+v: local extra field %x", c, extra)
		}
		if length := uint64(len(central)) - 46 - 8; length != c.central {
			t.Errorf("%+v: %d bytes of central extra field", c, length)
		}
	}
}

// TestArchiveAbove4GiB opens a model whose similarity has 2^30 pairs. The file has holes, so it takes
// no room on disk.
func TestArchiveAbove4GiB(t *testing.T) {
	if testing.Short() || !CanMap || math.MaxInt == math.MaxInt32 {
		t.Skip("needs mappings of 8 GiB")
	}
	const pairs = 1 << 30
	counts := Counts{Users: 1, Items: 2, Interactions: 0, Pairs: pairs}
	dir := t.TempDir()
	sizes := map[string]int64{
		configFile:     2,
		itemsFile:      int64(len(idMapHeader) + 8),
		popularityFile: writeSparse(t, filepath.Join(dir, popularityFile), expectedArrays(popularityFile, counts), nil),
		similarityFile: writeSparse(t, filepath.Join(dir, similarityFile), expectedArrays(similarityFile, counts),
			[]int64{0, 0, pairs}),
	}
	os.WriteFile(filepath.Join(dir, configFile), []byte("{}"), 0o666)
	os.WriteFile(filepath.Join(dir, itemsFile), []byte(idMapHeader+"0,a\n1,b\n"), 0o666)
	os.WriteFile(filepath.Join(dir, manifestFile), []byte(manifestFor(counts, sizes)), 0o666)
	model, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if longest, err := model.LongestRow(); err != nil || longest != pairs {
		t.Errorf("expected a row of %d, got %d, %v", pairs, longest, err)
	}
	if items, err := model.Similar("a", 1); err != nil || len(items) != 0 {
		t.Errorf("expected an empty list, got %v, %v", items, err)
	}
	if _, err := model.Similar("b", 1); VerdictOf(err) != VerdictCSR { // all its positions are 0
		t.Errorf("expected csr, got %v", err)
	}
}

// writeSparse writes an archive whose arrays are 0, but for the given first elements of the first one.
func writeSparse(t *testing.T, path string, specs []arraySpec, first []int64) int64 {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var members []npzMember
	offset := uint64(0)
	for index, spec := range specs {
		text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", spec.dtype, spec.length)
		content := append([]byte(npyMagic+"\x76\x00"), fmt.Sprintf("%-117s\n", text)...)
		size := uint64(len(content)) + uint64(spec.length*spec.elementBytes())
		if index == 0 {
			for _, value := range first {
				content = binary.LittleEndian.AppendUint64(content, uint64(value))
			}
		}
		m := npzMember{name: spec.name + ".npy", offset: offset, size: size}
		header := m.appendLocalHeader(nil)
		writeAt(t, file, append(header, content...), offset)
		members = append(members, m)
		offset += uint64(len(header)) + size
	}
	directory := appendDirectory(nil, members, offset)
	writeAt(t, file, directory, offset)
	return int64(offset) + int64(len(directory))
}

func writeAt(t *testing.T, file *os.File, data []byte, offset uint64) {
	t.Helper()
	if _, err := file.WriteAt(data, int64(offset)); err != nil {
		t.Skipf("this file system has no files of this size: %v", err)
	}
}

func manifestFor(counts Counts, sizes map[string]int64) string {
	var files bytes.Buffer
	zeros := fmt.Sprintf("%064d", 0)
	for _, name := range []string{configFile, itemsFile, similarityFile, popularityFile} {
		fmt.Fprintf(&files, `"%s": {"bytes": %d, "sha256": "%s"`, name, sizes[name], zeros)
		if specs := expectedArrays(name, counts); specs != nil {
			files.WriteString(`, "arrays": ` + describeArrays(specs))
		}
		files.WriteString("},")
	}
	return fmt.Sprintf(`{"format": "mlcore-model", "format_version": 1, "required_features": [],
"producer": {"name": "", "version": ""},
"counts": {"users": %d, "items": %d, "interactions": %d, "pairs": %d},
"training": {"interactions_sha256": "%s", "config_sha256": "%s"}, "files": {%s}}`,
		counts.Users, counts.Items, counts.Interactions, counts.Pairs, zeros, zeros,
		bytes.TrimSuffix(files.Bytes(), []byte(",")))
}
