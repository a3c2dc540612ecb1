// Package modeltest writes model directories for tests. It shares nothing with the reader: every byte
// is put together here once more.
package modeltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Pair is one stored entry of a row.
type Pair struct {
	Index int32
	Value float32
}

// Model is the content of a model directory. Ids must ascend.
type Model struct {
	Items      []string
	Users      []string // nil for a model without users
	Similarity [][]Pair // by item
	Histories  [][]Pair // by user, also if Users is nil, for the counts
	Rule       *Rule    // nil for a model whose weights are final
	// By user, the place of each item in the history, from 1; nil for a model without history_order.
	Order      [][]int32
	Attributes *Attributes
}

// Attributes are the catalogue of a model. Columns and Values must ascend.
type Attributes struct {
	Columns []string
	Values  []string
	Codes   [][]int32 // by column, of each item, -1 for none
	From    []int64   // nil for a catalogue without times, else of each item, NoTime for none
	Until   []int64   // likewise
}

// NoTime is how a catalogue writes none.
const NoTime = -1 << 63

// Value returns the value of an item in a column, empty for none.
func (a *Attributes) Value(column, item int) string {
	if code := a.Codes[column][item]; code >= 0 {
		return a.Values[code]
	}
	return ""
}

// Rule is what a model with a history rule has besides.
type Rule struct {
	Config  string    // all of config.json
	Norms   []float64 // nil for a model without them
	Factors []float64 // likewise
}

// Write writes the directory and returns its path.
func (m *Model) Write(tb testing.TB, dir string) string {
	tb.Helper()
	files := m.Files()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		tb.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// Files returns the bytes of each file, with a manifest that fits them.
func (m *Model) Files() map[string][]byte {
	counts := make([]int64, len(m.Items))
	interactions := 0
	for _, row := range m.Histories {
		interactions += len(row)
		for _, pair := range row {
			counts[pair.Index]++
		}
	}
	files := map[string][]byte{
		"config.json":    []byte("{}\n"),
		"items.csv":      idMap(m.Items),
		"similarity.npz": csr(m.Similarity),
		"popularity.npz": npz(array{"counts", "<i8", little(counts), len(counts)}),
	}
	if m.Rule != nil {
		files["config.json"] = []byte(m.Rule.Config)
		if m.Rule.Norms != nil {
			files["item_norms.npz"] = npz(array{"norms", "<f8", little(m.Rule.Norms), len(m.Rule.Norms)})
		}
		if m.Rule.Factors != nil {
			files["length_factors.npz"] = npz(array{"factors", "<f8", little(m.Rule.Factors), len(m.Rule.Factors)})
		}
	}
	if m.Attributes != nil {
		m.Attributes.addTo(files)
	}
	if m.Users != nil {
		files["users.csv"] = idMap(m.Users)
		files["histories.npz"] = csr(m.Histories)
	}
	if m.Users != nil && m.Order != nil {
		var positions []int32
		for _, row := range m.Order {
			positions = append(positions, row...)
		}
		files["order.npz"] = npz(array{"positions", "<i4", little(positions), len(positions)})
	}
	pairs := 0
	for _, row := range m.Similarity {
		pairs += len(row)
	}
	files["manifest.json"] = m.manifest(files, interactions, pairs)
	return files
}

// manifest returns a manifest that also says what the reader must know.
func (m *Model) manifest(files map[string][]byte, interactions, pairs int) []byte {
	manifest := Manifest(files, len(m.Histories), len(m.Items), interactions, pairs)
	var features []string
	if m.Rule != nil {
		features = append(features, `"history_rule"`)
	}
	if m.Order != nil {
		features = append(features, `"history_order"`)
	}
	if a := m.Attributes; a != nil {
		features = append(features, `"item_attributes"`)
		counts := fmt.Sprintf(`"pairs": %d, "attribute_columns": %d, "attribute_values": %d}`, pairs, len(a.Columns), len(a.Values))
		manifest = bytes.Replace(manifest, fmt.Appendf(nil, `"pairs": %d}`, pairs), []byte(counts), 1)
	}
	required := fmt.Appendf(nil, `"required_features": [%s]`, strings.Join(features, ", "))
	return bytes.Replace(manifest, []byte(`"required_features": []`), required, 1)
}

func (a *Attributes) addTo(files map[string][]byte) {
	files["attribute_columns.csv"], files["attribute_values.csv"] = idMap(a.Columns), idMap(a.Values)
	codes := slices.Concat(a.Codes...)
	files["attributes.npz"] = npz(array{"codes", "<i4", little(codes), len(codes)})
	if a.From != nil {
		files["availability.npz"] = npz(
			array{"from", "<i8", little(a.From), len(a.From)}, array{"until", "<i8", little(a.Until), len(a.Until)},
		)
	}
}

// Manifest returns a manifest of the given sizes for files, whatever is in them.
func Manifest(files map[string][]byte, users, items, interactions, pairs int) []byte {
	arrays := map[string]string{
		"similarity.npz": csrSpec(items, pairs),
		"histories.npz":  csrSpec(users, interactions),
		"popularity.npz": fmt.Sprintf(`{"counts": {"dtype": "<i8", "shape": [%d]}}`, items),

		"item_norms.npz":     fmt.Sprintf(`{"norms": {"dtype": "<f8", "shape": [%d]}}`, items),
		"length_factors.npz": fmt.Sprintf(`{"factors": {"dtype": "<f8", "shape": [%d]}}`, items),
		"order.npz":          fmt.Sprintf(`{"positions": {"dtype": "<i4", "shape": [%d]}}`, interactions),

		"attributes.npz": fmt.Sprintf(`{"codes": {"dtype": "<i4", "shape": [%d]}}`,
			items*(bytes.Count(files["attribute_columns.csv"], []byte("\n"))-1)),
		"availability.npz": fmt.Sprintf(`{"from": {"dtype": "<i8", "shape": [%d]}, "until": {"dtype": "<i8", "shape": [%d]}}`, items, items),
	}
	var entries []string
	for _, name := range []string{
		"config.json", "items.csv", "similarity.npz", "popularity.npz", "users.csv", "histories.npz",
		"item_norms.npz", "length_factors.npz", "order.npz", "attribute_columns.csv", "attribute_values.csv",
		"attributes.npz", "availability.npz",
	} {
		data, isThere := files[name]
		if !isThere {
			continue
		}
		entry := fmt.Sprintf(`"%s": {"bytes": %d, "sha256": "%s"`, name, len(data), digest(data))
		if spec := arrays[name]; spec != "" {
			entry += `, "arrays": ` + spec
		}
		entries = append(entries, entry+"}")
	}
	return fmt.Appendf(nil, `{"format": "mlcore-model", "format_version": 1, "required_features": [],
"producer": {"name": "modeltest", "version": "0"},
"counts": {"users": %d, "items": %d, "interactions": %d, "pairs": %d},
"training": {"interactions_sha256": "%s", "config_sha256": "%s"},
"files": {%s}}
`, users, items, interactions, pairs, digest(nil), digest(files["config.json"]), strings.Join(entries, ",\n"))
}

func csrSpec(rows, entries int) string {
	return fmt.Sprintf(`{"indptr": {"dtype": "<i8", "shape": [%d]}, "indices": {"dtype": "<i4", "shape": [%d]}, `+
		`"data": {"dtype": "<f4", "shape": [%d]}}`, rows+1, entries, entries)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func idMap(ids []string) []byte {
	text := []byte("index,id\n")
	for index, id := range ids {
		if strings.ContainsAny(id, `,"`) {
			id = `"` + strings.ReplaceAll(id, `"`, `""`) + `"`
		}
		text = fmt.Appendf(text, "%d,%s\n", index, id)
	}
	return text
}

type array struct {
	name   string
	dtype  string
	data   []byte
	length int
}

func little(values any) []byte {
	var buffer bytes.Buffer
	if err := binary.Write(&buffer, binary.LittleEndian, values); err != nil {
		panic(err)
	}
	return buffer.Bytes()
}

func csr(rows [][]Pair) []byte {
	indptr := []int64{0}
	var indices []int32
	var data []float32
	for _, row := range rows {
		for _, pair := range row {
			indices = append(indices, pair.Index)
			data = append(data, pair.Value)
		}
		indptr = append(indptr, int64(len(indices)))
	}
	return CSR(indptr, indices, data)
}

// CSR returns an archive of these arrays, whatever is in them.
func CSR(indptr []int64, indices []int32, data []float32) []byte {
	return npz(
		array{"indptr", "<i8", little(indptr), len(indptr)},
		array{"indices", "<i4", little(indices), len(indices)},
		array{"data", "<f4", little(data), len(data)},
	)
}

func npz(arrays ...array) []byte {
	var file, directory []byte
	for _, array := range arrays {
		text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", array.dtype, array.length)
		content := append([]byte("\x93NUMPY\x01\x00\x76\x00"), fmt.Sprintf("%-117s\n", text)...)
		content = append(content, array.data...)
		name := array.name + ".npy"
		padding := (64 - (len(file)+30+len(name)+6)%64) % 64
		common := little([]uint16{0, 0, 0, 0x21})
		common = append(common, little(crc32.ChecksumIEEE(content))...)
		common = append(common, little([]uint32{uint32(len(content)), uint32(len(content))})...)
		common = append(common, little(uint16(len(name)))...)

		directory = append(directory, "PK\x01\x02\x14\x03\x14\x00"...)
		directory = append(directory, common...)
		directory = append(directory, little([]uint16{0, 0, 0, 0, 0, 0o100644})...)
		directory = append(directory, little(uint32(len(file)))...)
		directory = append(directory, name...)

		file = append(file, "PK\x03\x04\x14\x00"...)
		file = append(file, common...)
		file = append(file, little(uint16(6+padding))...)
		file = append(file, name...)
		file = append(file, little([]uint16{0xD935, uint16(2 + padding), 64})...)
		file = append(file, make([]byte, padding)...)
		file = append(file, content...)
	}
	end := append([]byte("PK\x05\x06"), little([]uint16{0, 0, uint16(len(arrays)), uint16(len(arrays))})...)
	end = append(end, little([]uint32{uint32(len(directory)), uint32(len(file))})...)
	return append(append(append(file, directory...), end...), 0, 0)
}
