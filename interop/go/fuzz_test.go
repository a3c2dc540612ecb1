package mlcore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// suiteFiles gives each distinct file of this name in the conformance suite to a function.
func suiteFiles(f *testing.F, name string, give func(data []byte)) {
	f.Helper()
	root := filepath.Join("..", "conformance")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != name || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) < 1<<16 && !seen[string(data)] {
			seen[string(data)] = true
			give(data)
		}
		return err
	})
	if err != nil || len(seen) == 0 {
		f.Fatalf("no %s in the conformance suite: %v", name, err)
	}
}

func mustBeRefusal(t *testing.T, err error, allowed ...Verdict) {
	t.Helper()
	if verdict := VerdictOf(err); !slices.Contains(allowed, verdict) {
		t.Fatalf("expected one of %v, got %q: %v", allowed, verdict, err)
	}
}

func FuzzManifest(f *testing.F) {
	suiteFiles(f, manifestFile, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		manifest, err := parseManifest(data, "manifest.json")
		if err != nil {
			mustBeRefusal(t, err, VerdictManifest, VerdictVersion)
			return
		}
		// What is accepted means the same to a lax reader.
		var lax struct {
			Counts Counts `json:"counts"`
		}
		if err := json.Unmarshal(data, &lax); err != nil {
			t.Skip(err) // it knows no key in two cases, so it may see another one
		}
		manifest.Counts.AttributeColumns, manifest.Counts.AttributeValues = 0, 0 // whose keys are of other names
		if bytes.Count(bytes.ToLower(data), []byte(`"counts"`)) == 1 && lax.Counts != manifest.Counts {
			t.Fatalf("%+v is not %+v", lax.Counts, manifest.Counts)
		}
	})
}

func FuzzNpz(f *testing.F) {
	for _, name := range []string{similarityFile, historiesFile} {
		suiteFiles(f, name, func(data []byte) {
			for _, size := range []int64{0, 1, 2, 3, 5} {
				f.Add(data, size, size)
				f.Add(data, size, int64(5))
				f.Add(data, size, int64(4))
			}
		})
	}
	suiteFiles(f, popularityFile, func(data []byte) { f.Add(data, int64(-1), int64(3)) })
	f.Fuzz(func(t *testing.T, data []byte, rows, entries int64) {
		if entries < 0 || entries > maxEntries || rows > maxAxis {
			return
		}
		if rows < 0 {
			specs := expectedArrays(popularityFile, Counts{Items: min(entries, maxAxis)})
			if arrays, err := readArrays(data, specs, "x"); err != nil {
				mustBeRefusal(t, err, VerdictContainer, VerdictHeader)
			} else if int64(len(elements(arrays[0], int64At))) != specs[0].length {
				t.Fatal("wrong number of elements")
			}
			return
		}
		matrix, err := readCSR(data, csrArrays(rows, entries), "x")
		if err != nil {
			mustBeRefusal(t, err, VerdictContainer, VerdictHeader, VerdictCSR)
			return
		}
		total := 0
		for row := range rows {
			indices, values := matrix.row(int32(row))
			if len(indices) != len(values) {
				t.Fatal("a row of two lengths")
			}
			total += len(indices)
		}
		if int64(total) != entries {
			t.Fatalf("the rows hold %d entries of %d", total, entries)
		}
		if err := verifyCRC(data, csrArrays(rows, entries), "x"); err != nil {
			mustBeRefusal(t, err, VerdictChecksum)
		}
	})
}

func FuzzIDMap(f *testing.F) {
	for _, name := range []string{itemsFile, usersFile} {
		suiteFiles(f, name, func(data []byte) { f.Add(data, bytes.Count(data, []byte("\n"))-1) })
	}
	f.Fuzz(func(t *testing.T, data []byte, count int) {
		if count < 0 || count > maxAxis {
			return
		}
		m := &idMap{data: data, place: "items.csv", count: count}
		if err := m.parse(); err != nil {
			mustBeRefusal(t, err, VerdictIDMap)
			return
		}
		again := []byte(idMapHeader)
		var previous []byte
		for index := range count {
			id := m.appendID(nil, index)
			if index > 0 && bytes.Compare(previous, id) >= 0 {
				t.Fatalf("%q is not above %q", id, previous)
			}
			if found := m.position(string(id)); found != index {
				t.Fatalf("%q is at %d, not at %d", id, index, found)
			}
			if found := m.position(string(id) + "\n"); found != -1 {
				t.Fatalf("%q and a line feed is at %d", id, found)
			}
			field := id
			if bytes.ContainsAny(id, `,"`) {
				field = []byte(`"` + string(bytes.ReplaceAll(id, []byte(`"`), []byte(`""`))) + `"`)
			}
			again = append(append(appendInt(again, index), ','), field...)
			again = append(again, '\n')
			previous = id
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("%q written again is %q", data, again)
		}
	})
}

func appendInt(dst []byte, value int) []byte {
	text, _ := json.Marshal(value)
	return append(dst, text...)
}

// FuzzOpen puts other bytes in the place of one file of a good model, and a manifest that fits them.
func FuzzOpen(f *testing.F) {
	type target struct {
		model map[string][]byte
		name  string
	}
	var targets []target
	for _, name := range []string{"all_features", "attributes_with_availability"} {
		dir := filepath.Join("..", "conformance", "valid", name, "model")
		entries, err := os.ReadDir(dir)
		if err != nil {
			f.Fatal(err)
		}
		good := map[string][]byte{}
		for _, entry := range entries {
			if good[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
				f.Fatal(err)
			}
			which := byte(len(targets))
			if name == "all_features" { // once: they are many
				suiteFiles(f, entry.Name(), func(data []byte) { f.Add(which, data, true) })
			}
			f.Add(which, good[entry.Name()], false)
			targets = append(targets, target{good, entry.Name()})
		}
	}
	f.Fuzz(func(t *testing.T, which byte, content []byte, fit bool) {
		chosen := targets[int(which)%len(targets)]
		dir := t.TempDir()
		for other, data := range chosen.model {
			if other == chosen.name {
				data = content
			} else if other == manifestFile && fit {
				data = fitManifest(t, data, chosen.name, content)
			}
			if err := os.WriteFile(filepath.Join(dir, other), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var verdicts []Verdict
		for _, options := range []Options{{}, {DisableMmap: true}} {
			verdicts = append(verdicts, useAll(t, dir, options))
		}
		if verdicts[0] != verdicts[1] {
			t.Fatalf("mapped: %s, read: %s", verdicts[0], verdicts[1])
		}
	})
}

// fitManifest gives a file its size and digest.
func fitManifest(t *testing.T, manifest []byte, name string, content []byte) []byte {
	var value map[string]any
	if err := json.Unmarshal(manifest, &value); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	entry := value["files"].(map[string]any)[name].(map[string]any)
	entry["bytes"], entry["sha256"] = len(content), hex.EncodeToString(sum[:])
	if name == configFile {
		value["training"].(map[string]any)["config_sha256"] = entry["sha256"]
	}
	result, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// useAll does everything that can be done with a model, and returns the first verdict.
func useAll(t *testing.T, dir string, options Options) Verdict {
	model, err := Open(dir, options)
	if err != nil {
		return mustHaveVerdict(t, err)
	}
	defer model.Close()
	verified := model.Verify()
	filter := &Filter{
		NoneOf: map[string][]string{"brand": {"x", "none such"}}, AtMost: map[string]int{"brand": 1}, AvailableAt: UnixMicro(10),
	}
	for _, request := range []RecommendOptions{
		{}, {Filter: filter, Fill: true}, {Fill: true, IncludeSeen: true, Explain: true}, {Include: []string{"apple", "x"}, Fill: true},
	} {
		for _, id := range []string{"ann", "bob", "apple", "bread", "cream", "a", "u", "h", "0001", ""} {
			items, err := model.Recommend(id, 3, request)
			checkList(t, items, err, verified)
			items, err = model.SimilarWith(id, 3, request)
			checkList(t, items, err, verified)
		}
	}
	if verified != nil {
		return mustHaveVerdict(t, verified)
	}
	if _, err := model.ContentDigests(); err != nil {
		t.Fatalf("a verified model has no digests: %v", err)
	}
	return ""
}

func mustHaveVerdict(t *testing.T, err error) Verdict {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Stage == "" {
		t.Fatalf("no verdict or no stage: %v", err)
	}
	return refusal.Verdict
}

func checkList(t *testing.T, items []Item, err error, verified error) {
	t.Helper()
	if err != nil {
		verdict := mustHaveVerdict(t, err)
		isOfRequest := verdict == VerdictUnknownUser || verdict == VerdictUnknownItem || verdict == VerdictRequest
		if verified == nil && !isOfRequest {
			t.Fatalf("a verified model gave %v", err)
		}
		return
	}
	for position, item := range items {
		if item.Score-item.Score != 0 || item.ID == "" {
			t.Fatalf("a bad item: %+v", item)
		}
		if position > 0 && items[position-1].Score < item.Score {
			t.Fatalf("not in order: %+v", items)
		}
		sum := 0.0
		for _, share := range item.Because {
			sum += share.Share
		}
		if item.Because != nil && sum != item.Score {
			t.Fatalf("shares that add up to %v: %+v", sum, item)
		}
	}
}

// FuzzCodes keeps all but the values of a catalogue sound.
func FuzzCodes(f *testing.F) {
	for _, value := range []int64{-2, -1, 0, 3, 4, 1<<31 - 1, noTime, noTime + 1, firstMicrosecond - 1, lastMicrosecond + 1} {
		f.Add(int32(value), int32(1), value, int64(noTime))
		f.Add(int32(0), int32(value), int64(noTime), value)
	}
	f.Fuzz(func(t *testing.T, first, last int32, from, until int64) {
		written := modeltest.Catalogued()
		written.Attributes.Codes[0][0], written.Attributes.Codes[0][5] = first, last
		written.Attributes.From[1], written.Attributes.Until[1] = from, until
		dir := written.Write(t, t.TempDir())
		mapped, read := useAll(t, dir, Options{}), useAll(t, dir, Options{DisableMmap: true})
		if mapped != read || (mapped != "" && mapped != VerdictCSR) {
			t.Fatalf("mapped: %s, read: %s", mapped, read)
		}
		isSound := first >= -1 && first < 4 && last >= -1 && last < 4 && isTime(from) && isTime(until)
		if isSound != (mapped == "") {
			t.Fatalf("codes %d and %d, times %d and %d: got %q", first, last, from, until, mapped)
		}
	})
}

// FuzzValues keeps the container sound, so that the values of the arrays are what is tried.
func FuzzValues(f *testing.F) {
	good := modeltest.Model{
		Items:      []string{"apple", "bread", "cream", "dill"},
		Users:      []string{"ann", "bob"},
		Similarity: [][]modeltest.Pair{nil, nil, nil, nil},
		Histories:  [][]modeltest.Pair{{{Index: 0, Value: 1}, {Index: 2, Value: 2}}, {{Index: 1, Value: 0.5}}},
	}
	files := good.Files()
	for _, entry := range []uint64{0x3f000000_00000001, 0x7fc00000_00000002, 0x7f800000_00000003, 0x00000000_ffffffff, 0x80000000_7fffffff} {
		f.Add(int64(0), int64(1), int64(2), int64(3), int64(4), entry, uint64(0x3f000000_00000002), uint64(0x3e000000_00000000), entry)
		f.Add(int64(0), int64(0), int64(4), int64(4), int64(4), uint64(0x3f000000_00000000), entry, entry+1, uint64(0x3f000000_00000003))
	}
	f.Fuzz(func(t *testing.T, a, b, c, d, e int64, w, x, y, z uint64) {
		dir := t.TempDir()
		var indices []int32
		var data []byte
		for _, entry := range []uint64{w, x, y, z} {
			indices = append(indices, int32(entry))
			data = binary.LittleEndian.AppendUint32(data, uint32(entry>>32))
		}
		changed := maps.Clone(files)
		changed[similarityFile] = modeltest.CSR([]int64{a, b, c, d, e}, indices, decodeElements(data, 4, float32At))
		changed[manifestFile] = modeltest.Manifest(changed, 2, 4, 3, 4)
		for name, content := range changed {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if mapped, read := useAll(t, dir, Options{}), useAll(t, dir, Options{DisableMmap: true}); mapped != read {
			t.Fatalf("mapped: %s, read: %s", mapped, read)
		} else if mapped != "" && mapped != VerdictCSR {
			t.Fatalf("got %s", mapped)
		}
	})
}
